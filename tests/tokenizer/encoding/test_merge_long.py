"""Long words are merged as short ones are: lowest rank first, the leftmost of equal ranks first."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bpe import random_merges
from tokenizer.encoding.kernel import SLACK, State, encode_pieces
from tokenizer.encoding.merge_long import SHORT
from tokenizer.encoding.tables import Tables
from tokenizer.encoding.whole_tokens import build_tables
from tokenizer.encoding.workspace import Workspace, new_workspace
from tokenizer.native.byte_words import padded
from tokenizer.native.packed import pack
from tokenizer.reference import encode_by_definition


def vocabulary(seed: int, letters: bytes, size: int) -> tuple[list[bytes], list[tuple[int, int]]]:
    return random_merges(random.Random(seed), letters, size, lambda token: len(token) < 12)


def encoded(tokens: list[bytes], merges: list[tuple[int, int]], text: bytes) -> tuple[list[int], bool]:
    """The ids by the kernel, and whether it kept lists."""
    tables = build_tables(tokens, merges)
    ids = encode(tables, new_workspace(len(merges)), text)
    return ids, tables.in_order


def encode(tables: Tables, workspace: Workspace, text: bytes) -> list[int]:
    out = np.empty(len(text) + SLACK, dtype=np.int32)
    data = padded(np.frombuffer(text, dtype=np.uint8))
    stop = np.empty(1, dtype=np.int64)
    encode_pieces(pack(State(tables, workspace)), data, np.array([len(text)]), out, stop)
    return out[: stop[0]].tolist()  # type: ignore[no-any-return]


TEXTS = st.one_of(
    st.integers(SHORT + 1, 300).map(lambda n: b"a" * n),
    st.text("ab", min_size=SHORT + 1, max_size=200).map(str.encode),
    st.text("abcd", min_size=SHORT + 1, max_size=200).map(str.encode),
    st.lists(st.sampled_from([b"aa", b"ab", b"aaa", b"abab"]), min_size=SHORT, max_size=100).map(b"".join),
)


@pytest.mark.slow
@given(TEXTS, st.integers(0, 1000), st.integers(1, 30))
@settings(max_examples=300, deadline=None)
def test_merges_in_the_order_they_were_learned(text: bytes, seed: int, size: int) -> None:
    tokens, merges = vocabulary(seed, b"ab", size)
    ids, lists = encoded(tokens, merges, text)
    assert ids == encode_by_definition(tokens, merges, text)
    assert lists


@pytest.mark.slow
@given(TEXTS, st.integers(0, 1000), st.integers(2, 30))
@settings(max_examples=300, deadline=None)
def test_merges_in_any_order(text: bytes, seed: int, size: int) -> None:
    tokens, merges = vocabulary(seed, b"ab", size)
    random.Random(seed).shuffle(merges)
    ids, _ = encoded(tokens, merges, text)
    assert ids == encode_by_definition(tokens, merges, text)


@pytest.mark.parametrize("letters", ["a", "ab", "가나", "ㅋ"])
def test_a_second_text_finds_the_lists_empty(letters: str) -> None:
    tokens, merges = vocabulary(1, letters.encode(), 5)
    tables, workspace = build_tables(tokens, merges), new_workspace(len(merges))
    for size in (50, 1000, 50):
        text = "".join(random.Random(size).choices(letters, k=size)).encode()
        assert b"".join(tokens[i] for i in encode(tables, workspace, text)) == text
        assert (workspace.scratch.heads == -1).all()
