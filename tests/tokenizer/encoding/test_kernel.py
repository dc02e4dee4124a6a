"""Words encoded a block at a time and merged in lanes give what merging one pair after another gives."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokenizer.encoding.test_merge_long import BYTES, by_the_definition
from tokenizer import InputError, Tokenizer
from tokenizer.encoding.workspace import BLOCK
from tokenizer.pretokenize.grammars import pretokens
from tokenizer.text import transcode
from tokenizer.text.utf8 import texts_as_bytes
from tokenizer.vocabulary.vocabulary import Vocabulary, build

LETTERS = " ab.,!'\u0301가나7\n"
"""Words, what joins them to runs, a mark (it may be merged with a space before words are made), and what ends runs."""


def joining_vocabulary(seed: int, size: int) -> Vocabulary:
    """Random merges, many of them across words, in the order of a vocabulary that was learned or in none."""
    draw = random.Random(seed)
    tokens, merges, known = list(BYTES), [], sorted(set(LETTERS.encode()))
    while len(merges) < size:
        pair = draw.choice(known), draw.choice(known)
        token = tokens[pair[0]] + tokens[pair[1]]
        if (
            token not in tokens
            and len(token) < 10
            and (len(token) > 3 or LETTERS.encode().find(token) >= 0 or draw.random() < 0.3)
        ):
            known.append(len(tokens))
            tokens.append(token)
            merges.append(pair)
    if draw.random() < 0.3:
        draw.shuffle(merges)
    return build(tokens, merges, grammar=draw.choice(["gyeol", "gyeol", "o200k"]))


@given(st.integers(0, 10_000), st.integers(1, 60), st.lists(st.text(LETTERS, max_size=80), max_size=6))
@settings(max_examples=250)
def test_the_ids_of_any_merges(seed: int, size: int, texts: list[str]) -> None:
    vocabulary = joining_vocabulary(seed, size)
    found = Tokenizer(vocabulary).encode_batch(texts, threads=1)
    for text, ids in zip(texts, found, strict=True):
        expected = [
            i
            for part in pretokens(text, vocabulary.grammar)
            for i in by_the_definition(vocabulary.tokens, vocabulary.merges, part.encode())
        ]
        assert ids == expected


@pytest.mark.parametrize("words", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 5])
@pytest.mark.parametrize("word", [" a", " a.", " ab\u0301", " 가나"])
def test_runs_that_go_on_over_blocks(words: int, word: str) -> None:
    for seed in range(8):
        vocabulary = joining_vocabulary(seed, 40)
        tokenizer = Tokenizer(vocabulary)
        text = word * words
        rest = ["b", text, "", text + "\n"]
        whole = [tokenizer.encode(other) for other in rest]
        assert tokenizer.encode_batch(rest, threads=1) == whole
        assert tokenizer.decode(whole[1]) == text
        if words <= BLOCK + 1:
            parts = [part.encode() for part in pretokens(text, vocabulary.grammar)]
            assert whole[1] == [
                i for part in parts for i in by_the_definition(vocabulary.tokens, vocabulary.merges, part)
            ]


def test_a_chain_of_words_that_all_join() -> None:
    tokens, merges = [*BYTES, b" a"], [(0x20, 0x61)]
    for _ in range(4):  # " a a", " a a a a" ...
        merges.append((len(tokens) - 1, len(tokens) - 1))
        tokens.append(tokens[-1] * 2)
    tokenizer = Tokenizer(build(tokens, merges, grammar="gyeol"))
    for words in (16, BLOCK, 16 * BLOCK, 16 * BLOCK + 15):
        ids = tokenizer.encode(" a" * words)
        assert ids == [260] * (words // 16) + [256 + bit for bit in (3, 2, 1, 0) if words >> bit & 1]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), max_size=8), st.sampled_from([1, 30, 10_000]))
@settings(max_examples=300)
def test_texts_as_bytes(texts: list[str], chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transcode, "_CHUNK", chunk)
        data, ends = texts_as_bytes(texts)
    raw = [text.encode("utf-8") for text in texts]
    assert data.tobytes() == b"".join(raw)
    assert [data[start:end].tobytes() for start, end in pairwise([0, *ends.tolist()])] == raw


@given(st.text(max_size=30), st.integers(0xD800, 0xDFFF), st.text("a가😀", max_size=30))
@settings(max_examples=100)
def test_a_lone_surrogate_is_named_wherever_it_stands(before: str, code: int, behind: str) -> None:
    with pytest.raises(InputError, match="lone surrogate U\\+D"):
        texts_as_bytes(["가", before + chr(code) + behind])


def test_every_character_as_bytes() -> None:
    text = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF)
    for part in (text[:128], text[:256], text[:0xD800], text):  # each of the forms in which CPython holds characters
        assert texts_as_bytes([part])[0].tobytes() == part.encode("utf-8")


def test_memory_behind_a_text_is_zero() -> None:
    data, _ = texts_as_bytes(["가나다"])
    whole = np.lib.stride_tricks.as_strided(data, (data.size + 64,), (1,))
    assert not whole[data.size :].any()
