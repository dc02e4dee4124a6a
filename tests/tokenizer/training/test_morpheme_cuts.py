"""Words are cut at Kiwi's boundaries if they hold Hangul and are frequent enough, else as by the grammar o200k."""

import numpy as np

from tests.support.counts import count_pretokens
from tokenizer.text import has_hangul
from tokenizer.text.utf8 import to_utf8
from tokenizer.training.counts import Counts
from tokenizer.training.morpheme_cuts import hold_hangul, morpheme_pieces, word_cuts


def pieces_of(words: Counts, min_count: int) -> dict[str, int]:
    pieces, _, _ = morpheme_pieces(words, word_cuts(words, min_count, "Finding morphemes"), words.counts >= min_count)
    return {string.decode(): count for string, count in pieces.items()}


def test_the_space_before_a_word_stays_with_its_first_piece() -> None:
    words = count_pretokens(["나는 학교에서 책을 read", "학교에서"])
    expected = {"나": 1, "는": 1, " 학교": 1, "학교": 1, "에서": 2, " 책": 1, "을": 1, " read": 1}
    assert pieces_of(words, 1) == expected


def test_rare_words_are_left_out_and_words_without_hangul_cut_before_capitals() -> None:
    words = Counts.of([("학교에서".encode(), 3), ("나는".encode(), 2), (b"readText", 1)])
    assert pieces_of(words, 3) == {"학교": 3, "에서": 3, "read": 1, "Text": 1}


def test_hangul_is_that_of_the_strict_encoder() -> None:
    """For every code point, between two others."""
    texts = [f"a{chr(code)}z" for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    raws = [to_utf8(text) for text in texts]
    offsets = np.cumsum([0, *map(len, raws)])
    found = hold_hangul(np.frombuffer(bytearray().join(raws), dtype=np.uint8), offsets)
    assert found.tolist() == [has_hangul(text) for text in texts]
