"""Bootstrap intervals: how sure a ratio is, by drawing the sections of each file again and again.

Files are taken as given and resampled one by one, so an interval speaks of text like that of these files; how
other sources would come out it cannot say. All tokenizers meet the same draws, so that ratios are paired.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
SEED = 0
LEVEL = 0.95
CELLS = 1 << 22
"""Draws times sections held at a time."""


def resampled(sections: NDArray[np.float64], seed: int = SEED) -> NDArray[np.float64]:
    """Sums over `DRAWS` bootstrap samples of the rows of ``sections``, (sections, columns) -> (draws, columns)."""
    number = len(sections)
    random = np.random.default_rng(seed)
    rows = max(CELLS // number, 1)
    drawn = [
        random.multinomial(number, np.full(number, 1 / number), size=min(rows, DRAWS - first)) @ sections
        for first in range(0, DRAWS, rows)
    ]
    return np.concatenate(drawn)


def interval(values: NDArray[np.float64]) -> list[float] | None:
    """The percentile interval of `LEVEL` over draws, [low, high]; None where a value is missing."""
    if not len(values) or not np.isfinite(values).all():
        return None
    tail = 100 * (1 - LEVEL) / 2
    return [float(edge) for edge in np.percentile(values, [tail, 100 - tail])]


def mean_interval(files: Sequence[NDArray[np.float64] | float | None]) -> list[float] | None:
    """The interval of the mean over files, each given as its draws or, of a single section, as its one value.

    None when no file has two sections: nothing says how much another sample would differ.
    """
    known = [values for values in files if values is not None]
    if not any(isinstance(values, np.ndarray) for values in known):
        return None
    return interval(np.mean([np.broadcast_to(values, DRAWS) for values in known], axis=0))


def verdict(span: Sequence[float] | None, claim: float) -> str:
    """Whether a figure is at least ``claim``: "met", "missed", or "undecided" when its interval holds both."""
    if span is None or span[0] < claim <= span[1]:
        return "undecided"
    return "met" if span[0] >= claim else "missed"
