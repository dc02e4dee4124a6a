"""Words encoded a block at a time and merged in rows give what merging one pair after another gives."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.bpe import BYTES, random_merges
from tokenizer import Tokenizer
from tokenizer.encoding.workspace import BLOCK
from tokenizer.pretokenize import PATTERNS
from tokenizer.reference import encode_text_by_definition
from tokenizer.vocabulary.vocabulary import Vocabulary, build

LETTERS = " ab.,!'\u0301가나7\n"
"""Words, what joins them to runs, a mark (it may be merged with a space before words are made), and what ends runs."""


GRAMMARS = pytest.mark.parametrize("grammar", sorted(PATTERNS))


def joining_vocabulary(seed: int, size: int, grammar: str) -> Vocabulary:
    """Random merges, many of them across words, in the order of a vocabulary that was learned or in none."""
    draw = random.Random(seed)
    tokens, merges = random_merges(
        draw,
        bytes(sorted(set(LETTERS.encode()))),
        size,
        lambda token: len(token) < 10 and (len(token) > 3 or LETTERS.encode().find(token) >= 0 or draw.random() < 0.3),
    )
    if draw.random() < 0.3:
        draw.shuffle(merges)
    return build(tokens, merges, grammar=grammar)


@GRAMMARS
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 60),
    texts=st.lists(st.text(LETTERS + "7７", max_size=80), max_size=6),
)
@example(
    seed=232, size=19, texts=["나,"]
)  # a word that an earlier merge makes of the token of a later one, and then a superword
@settings(max_examples=250)
def test_the_ids_of_any_merges(grammar: str, seed: int, size: int, texts: list[str]) -> None:
    vocabulary = joining_vocabulary(seed, size, grammar)
    found = Tokenizer(vocabulary).encode_batch(texts, threads=1)
    for text, ids in zip(texts, found, strict=True):
        assert ids == encode_text_by_definition(vocabulary, text)


@GRAMMARS
@pytest.mark.parametrize("words", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 5])
@pytest.mark.parametrize("word", [" a", " a.", " ab\u0301", " 가나", "7"])
def test_runs_that_go_on_over_blocks(grammar: str, words: int, word: str) -> None:
    for seed in range(8):
        vocabulary = joining_vocabulary(seed, 40, grammar)
        tokenizer = Tokenizer(vocabulary)
        text = word * words
        rest = ["b", text, "", text + "\n", text + "７7\n"]
        whole = [tokenizer.encode(other) for other in rest]
        assert tokenizer.encode_batch(rest, threads=1) == whole
        assert tokenizer.decode(whole[1]) == text
        if words <= BLOCK + 1:
            assert whole[1] == encode_text_by_definition(vocabulary, text)


@pytest.mark.parametrize("grammar", ["gyeol", "right3"])
def test_a_chain_of_words_that_all_join(grammar: str) -> None:
    tokens, merges = [*BYTES, b" a"], [(0x20, 0x61)]
    for _ in range(4):  # " a a", " a a a a" ...
        merges.append((len(tokens) - 1, len(tokens) - 1))
        tokens.append(tokens[-1] * 2)
    tokenizer = Tokenizer(build(tokens, merges, grammar=grammar))
    for words in (16, BLOCK, 16 * BLOCK, 16 * BLOCK + 15):
        ids = tokenizer.encode(" a" * words)
        assert ids == [260] * (words // 16) + [256 + bit for bit in (3, 2, 1, 0) if words >> bit & 1]
