"""Counting gives what a Counter over the reference pre-tokens gives."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from tests.support.counts import count_pretokens
from tokenizer.pretokenize.grammars import pretokens
from tokenizer.training.collect import LONGEST_WORD
from tokenizer.training.counts import Counts


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(), max_size=8))
def test_counts_are_a_counter_of_pretokens(texts: list[str]) -> None:
    expected = Counter(piece.encode() for text in texts for piece in pretokens(text))
    assert dict(count_pretokens(texts).items()) == expected


def test_tables_grow_and_threads_add_up() -> None:
    texts = [path.read_text("utf-8") for path in sorted(samples.folder().glob("*.txt"))] * 40
    expected = Counter(piece.encode() for text in texts[: len(texts) // 40] for piece in pretokens(text))
    for threads in (1, 3):
        counts = dict(count_pretokens(texts, threads=threads).items())
        assert counts == {piece: 40 * count for piece, count in expected.items()}


def test_many_distinct_strings_and_one_very_long() -> None:
    counts = count_pretokens([" ".join(f"w{chr(0xAC00 + i)}" for i in range(11_000)), "가" * 1_000_000])
    assert len(counts) == 11_002  # the long one in parts of whole characters, and the rest of it
    assert max(len(string) for string, _ in counts.items()) == LONGEST_WORD - LONGEST_WORD % 3
    assert sum(len(string) * count for string, count in counts.items() if string[:3] == "가".encode()) >= 3_000_000


def test_equal_strings_are_added_beyond_32_bits() -> None:
    big = 3_000_000_000
    assert dict(Counts.of([(b"a", big), (b"b", 1), (b"a", big)]).items()) == {b"a": 2 * big, b"b": 1}
