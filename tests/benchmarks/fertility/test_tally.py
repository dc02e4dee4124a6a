"""Sums over a file: its group, whole eojeols, and the entropy of its tokens."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fertility.cuts import TokenCuts
from benchmarks.fertility.measured_text import MeasuredText
from benchmarks.fertility.tally import group_of, renyi_efficiency, whole_eojeols
from tests.support.peers import Fixed


@pytest.mark.parametrize(
    ("name", "letters", "hangul", "latin", "group"),
    [
        ("docs", 100, 20, 80, "Korean"),
        ("code_python", 100, 50, 50, "Korean"),
        ("code_python", 100, 19, 81, "code"),
        ("a/Code.rust", 100, 0, 100, "code"),
        ("news", 100, 0, 51, "English"),
        ("news", 100, 0, 50, "other"),
        ("digits", 0, 0, 0, "other"),
    ],
)
def test_groups(name: str, letters: int, hangul: int, latin: int, group: str) -> None:
    assert group_of(name, letters, hangul, latin) == group


def whole(tokens: str) -> tuple[int, int]:
    """Whole eojeols and those of one token, of a text whose tokens stand between bars."""
    peer, text = Fixed.of("by hand", tokens), MeasuredText(tokens.replace("|", ""))
    cuts = TokenCuts.of(text, range(tokens.count("|") + 1), peer)
    assert cuts
    return whole_eojeols(text, cuts)


def test_whole_eojeols_and_those_of_one_token() -> None:
    assert whole("할 수 있다| 학교|에") == (3, 0)  # inside a superword an eojeol is whole, but no token
    assert whole("할| 수| 있다| 학교에") == (4, 4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40), st.integers(40, 1000))
def test_renyi_efficiency(counts: list[int], vocab_size: int) -> None:
    total = sum(counts)
    entropy = math.log(sum((count / total) ** 2.5 for count in counts)) / (1 - 2.5)
    found = renyi_efficiency(np.array(counts), vocab_size)
    assert found == pytest.approx(max(entropy / math.log(vocab_size), 0), abs=1e-9)
    assert renyi_efficiency(np.full(vocab_size, 3), vocab_size) == pytest.approx(1)
