"""Bootstrap intervals of rates and ratios, by resampling the sections of each file.

Files are taken as given and resampled one by one, so an interval speaks of text like that of these files, not of
other sources. All tokenizers meet the same draws, so that ratios are paired.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.results import Interval, Verdict

DRAWS = 1000
SEED = 0
LEVEL = 0.95
CELLS = 1 << 22
"""Largest number of draws times sections held at a time."""


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


def interval(values: NDArray[np.float64]) -> Interval | None:
    """The percentile interval of `LEVEL` over draws; None where a value is missing."""
    if not len(values) or not np.isfinite(values).all():
        return None
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def mean_interval(files: Sequence[NDArray[np.float64] | float | None]) -> Interval | None:
    """The interval of the mean over files, each given as its draws or, of a single section, as its one value.

    Where no file has two sections, the files themselves are resampled. None for a single one: nothing says how much
    another sample would differ.
    """
    known = [values for values in files if values is not None]
    if not any(isinstance(values, np.ndarray) for values in known):
        if len(known) < 2:
            return None
        return interval(resampled(np.array(known, dtype=np.float64)[:, None])[:, 0] / len(known))
    return interval(np.mean([np.broadcast_to(values, DRAWS) for values in known], axis=0))


def verdict(span: Interval | None, claim: float) -> Verdict:
    """The verdict on a figure being at least ``claim``: "undecided" when its interval holds both answers."""
    if span is None or span[0] < claim <= span[1]:
        return "undecided"
    return "met" if span[0] >= claim else "missed"
