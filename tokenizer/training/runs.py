"""The runs of a corpus that are kept: up to `RUN_WORDS` words of them.

Of a corpus that has more, every second, fourth ... run is kept and counts that many times, chosen by its hash. They are
thinned out while the corpus is read, so from there on memory grows with the distinct words only.
"""

from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import native
from tokenizer.native.hashing import combined
from tokenizer.training.counts import CountTable
from tokenizer.training.spool import Spool

RUN_WORDS = 100_000_000
"""The most words that all kept runs may have."""


class Runs(NamedTuple):
    """Some runs of a source."""

    words: NDArray[np.int32]
    """The words of the runs, one run after another, as indices into a `CountTable`."""
    sizes: NDArray[np.int32]
    """Number of words in each run."""
    sections: NDArray[np.int32]
    """Section of the corpus in which each run ends, numbered over all files."""


class KeptRuns:
    """All kept runs, in lists for sources and for parts of the source that is being read; safe to share between
    threads."""

    def __init__(self, table: CountTable, spool: Spool) -> None:
        """``table`` has the words of sources, ``spool`` makes the arrays."""
        self.level = 0
        """One run in 2**level is kept."""
        self._table, self._spool, self._words, self._lock = table, spool, 0, Lock()
        self._sources: list[list[Runs]] = []
        self._parts: list[tuple[list[Runs], CountTable]] = []

    def new_part(self, table: CountTable) -> list[Runs]:
        """A list for runs of words in ``table``, to be filled by `add`."""
        self._parts.append(([], table))
        return self._parts[-1][0]

    def add(self, part: list[Runs], table: CountTable, runs: Runs) -> None:
        """Keep ``runs`` in a list by `new_part`; thin out all runs if they have more than `RUN_WORDS` words now."""
        with self._lock:
            part.append(self._thinned(runs, table) if self.level else Runs(*map(self._spool.copy, runs)))
            self._words += part[-1].words.size
            while self._words > RUN_WORDS:
                self.level += 1
                everything = [*((runs, self._table) for runs in self._sources), *self._parts]
                for held, of in everything:
                    held[:] = [self._thinned(runs, of) for runs in held]
                self._words = sum(runs.words.size for held, _ in everything for runs in held)

    def as_source(self, numbers: list[NDArray[np.int32]]) -> list[Runs]:
        """The runs of all parts as a source's: their words become ``numbers[part][word]``, indices into its table."""
        source: list[Runs] = []
        for (part, _), number in zip(self._parts, numbers, strict=True):
            for runs in part:
                runs.words[:] = number[runs.words]
            source += part
        self._parts = []
        self._sources.append(source)
        return source

    def _thinned(self, runs: Runs, table: CountTable) -> Runs:
        keep = _chosen(runs.words, runs.sizes, (1 << self.level) - 1, table.table.hashes)
        words = runs.words[np.repeat(keep, runs.sizes)]
        return Runs(*map(self._spool.copy, (words, runs.sizes[keep], runs.sections[keep])))


@native
def _chosen(
    words: NDArray[np.int32], sizes: NDArray[np.int32], mask: int, hashes: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """For each run whether the bits ``mask`` of its hash are zero."""
    chosen = np.empty(sizes.size, dtype=np.bool_)
    at = np.int64(0)
    for run in range(sizes.size):
        h = np.uint64(sizes[run])
        for _ in range(sizes[run]):
            h = combined(h, hashes[words[at]])
            at += 1
        chosen[run] = (h & np.uint64(mask)) == 0
    return chosen
