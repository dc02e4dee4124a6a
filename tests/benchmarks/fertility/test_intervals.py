"""Bootstrap intervals: they are repeatable, cover as often as they say, and decide claims."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fertility.intervals import DRAWS, interval, mean_interval, resampled, verdict


def test_verdicts() -> None:
    found = [verdict(span, 1.5) for span in ((1.5, 1.6), (1.4, 1.6), (1.4, 1.49), None)]
    assert found == ["met", "undecided", "missed", "undecided"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(1, 1000), min_size=2, max_size=2), min_size=2, max_size=30))
def test_bootstrap(rows: list[list[int]]) -> None:
    sections = np.array(rows, dtype=np.float64)
    drawn = resampled(sections)
    assert drawn.shape == (DRAWS, 2)
    assert (drawn >= len(rows) * sections.min(axis=0)).all()
    assert (drawn <= len(rows) * sections.max(axis=0)).all()
    assert (drawn == resampled(sections)).all()
    same = resampled(np.repeat(sections[:1], 5, axis=0))
    span = interval(same[:, 0] / same[:, 1])
    assert span == pytest.approx([rows[0][0] / rows[0][1]] * 2)


def test_intervals_cover_as_often_as_they_say() -> None:
    random = np.random.default_rng(7)
    covered = 0
    for seed in range(200):
        sample = random.normal(10, 2, size=(60, 1))
        span = interval(resampled(sample, seed)[:, 0] / 60)
        assert span is not None
        covered += span[0] <= 10 <= span[1]
    assert 0.88 <= covered / 200 <= 0.99


def test_the_mean_over_files_needs_one_that_varies_or_several() -> None:
    assert mean_interval([1.0, None]) is None
    low, high = mean_interval([1.0, 2.0, None]) or [0, 0]
    assert 1 <= low < high <= 2
    low, high = mean_interval([1.9, 2.0, 2.1] * 20) or [0, 0]
    assert 1.95 < low < 2 < high < 2.05
    drawn = np.linspace(1, 2, DRAWS)
    low, high = mean_interval([drawn, 3.0]) or [0, 0]
    assert (low, high) == pytest.approx(((1.025 + 3) / 2, (1.975 + 3) / 2), rel=1e-3)
