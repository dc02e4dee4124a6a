"""Long words are merged as short ones are: lowest rank first, the leftmost of equal ranks first."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenizer.encoding.kernel import SLACK, encode_pieces, with_whole_tokens
from tokenizer.encoding.merge_long import SHORT
from tokenizer.encoding.tables import encoding_tables
from tokenizer.encoding.workspace import new_desk
from tokenizer.native.byte_words import padded

BYTES = [bytes([b]) for b in range(256)]


def vocabulary(seed: int, letters: bytes, size: int) -> tuple[list[bytes], list[tuple[int, int]]]:
    """Random merges of tokens over ``letters``, each of which makes a new token of tokens before it."""
    draw = random.Random(seed)
    tokens, merges, known = list(BYTES), [], list(letters)
    while len(merges) < size:
        pair = draw.choice(known), draw.choice(known)
        if (token := tokens[pair[0]] + tokens[pair[1]]) not in tokens and len(token) < 12:
            known.append(len(tokens))
            tokens.append(token)
            merges.append(pair)
    return tokens, merges


def by_the_definition(tokens: list[bytes], merges: list[tuple[int, int]], text: bytes) -> list[int]:
    """Byte-pair encoding as it is defined: a merge at a time, over the whole text."""
    ranks = {pair: rank for rank, pair in reversed(list(enumerate(merges)))}
    ids = list(text)
    while True:
        found = [(ranks[pair], k) for k, pair in enumerate(pairwise(ids)) if pair in ranks]
        if not found:
            return ids
        _, k = min(found)
        ids[k : k + 2] = [tokens.index(tokens[ids[k]] + tokens[ids[k + 1]])]


def encoded(tokens: list[bytes], merges: list[tuple[int, int]], text: bytes) -> tuple[list[int], bool]:
    """The ids by the kernel, and whether it kept lists."""
    desk = new_desk(len(merges))
    tables, _ = with_whole_tokens(encoding_tables(tokens, merges), desk.cache.room)
    out = np.empty(len(text) + SLACK, dtype=np.int32)
    data = padded(np.frombuffer(text, dtype=np.uint8))
    stops = encode_pieces(tables, desk, data, np.array([len(text)]), out)
    return out[: stops[0]].tolist(), tables.in_order


TEXTS = st.one_of(
    st.integers(SHORT + 1, 300).map(lambda n: b"a" * n),
    st.text("ab", min_size=SHORT + 1, max_size=200).map(str.encode),
    st.text("abcd", min_size=SHORT + 1, max_size=200).map(str.encode),
    st.lists(st.sampled_from([b"aa", b"ab", b"aaa", b"abab"]), min_size=SHORT, max_size=100).map(b"".join),
)


@given(TEXTS, st.integers(0, 1000), st.integers(1, 30))
@settings(max_examples=300, deadline=None)
def test_merges_in_the_order_they_were_learned(text: bytes, seed: int, size: int) -> None:
    tokens, merges = vocabulary(seed, b"ab", size)
    ids, lists = encoded(tokens, merges, text)
    assert ids == by_the_definition(tokens, merges, text)
    assert lists


@given(TEXTS, st.integers(0, 1000), st.integers(2, 30))
@settings(max_examples=300, deadline=None)
def test_merges_in_any_order(text: bytes, seed: int, size: int) -> None:
    tokens, merges = vocabulary(seed, b"ab", size)
    random.Random(seed).shuffle(merges)
    ids, _ = encoded(tokens, merges, text)
    assert ids == by_the_definition(tokens, merges, text)


@pytest.mark.parametrize("letters", ["a", "ab", "가나", "ㅋ"])
def test_a_second_text_finds_the_lists_empty(letters: str) -> None:
    tokens, merges = vocabulary(1, letters.encode(), 5)
    desk = new_desk(len(merges))
    tables, _ = with_whole_tokens(encoding_tables(tokens, merges), desk.cache.room)
    for size in (50, 1000, 50):
        text = "".join(random.Random(size).choices(letters, k=size)).encode()
        out = np.empty(len(text) + SLACK, dtype=np.int32)
        stops = encode_pieces(tables, desk, padded(np.frombuffer(text, dtype=np.uint8)), np.array([len(text)]), out)
        assert b"".join(tokens[i] for i in out[: stops[0]]) == text
        assert (desk.cache.room.heads == -1).all()
