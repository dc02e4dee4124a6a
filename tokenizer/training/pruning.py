"""Leaving out the tokens that are used least, of more tokens than are wanted.

Merging by frequency spends tokens on steps to longer ones, on what later tokens take over, and on what a single source
repeats. So some more tokens than wanted are learnt, the training text in its final segmentation says how often each is
used, and the least used are left out, one after another: only tokens that are part of no other may go, and then their
parts are used in their place. What remains is a vocabulary in the order in which it was learnt, ordinary BPE.

Uses are *damped* by source: those in each source are raised to a power below 1 before they are summed. A token that
ten sources use a hundred times each stays rather than one that a single source uses a thousand times, as text of yet
other sources will be more like that.

Pruning tokens of little use in byte-pair encoding: Cognetta et al. (2024, trimming, after training by rank), Chizhov et
al. (2024, PickyBPE, while training); the uses, and their damping by source, are what is ours here.
"""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.arrays import bare
from tokenizer.native.compile import native
from tokenizer.training.merge_arrays import SEPARATOR, Words, span


class Damping(NamedTuple):
    """How the uses of a token in several sources are summed."""

    power: float
    """Uses in each source are raised to this power."""
    min_sources: int = 1
    """A token that fewer sources use counts nothing."""


def damped_uses(words: Words, ends: NDArray[np.int64], tokens: int, damping: Damping) -> NDArray[np.float64]:
    """For each of ``tokens`` tokens its uses in the segmented text, summed over sources.

    ``ends`` are the cells at which the text of each source ends that stands in runs, and behind those its text by
    itself: shape (2 * sources,).
    """
    totals = np.zeros(tokens, dtype=np.float64)
    used_by = np.zeros(tokens, dtype=np.int64)
    starts = np.concatenate([[0], ends[:-1]])
    for source in range(len(ends) // 2):
        uses = np.zeros(tokens, dtype=np.int64)
        for part in (source, source + len(ends) // 2):
            _add_uses(words, starts[part], ends[part], uses)
        totals += uses.astype(np.float64) ** damping.power
        used_by += uses > 0
    totals[used_by < damping.min_sources] = 0
    return totals


@native
def _add_uses(counted: Words, start: int, end: int, uses: NDArray[np.int64]) -> None:
    """Add the weighted occurrences of each token in the cells from ``start`` to ``end``."""
    words, totals = bare(counted), bare(uses)
    p = np.int64(start)
    while p < end:
        if words.cells[p] == SEPARATOR:
            p += 1
            continue
        totals[words.cells[p]] += words.weights[words.word_of[p]]
        p += span(words.cells, p)


def least_used(
    uses: NDArray[np.float64], merges: Sequence[tuple[int, int]], made: Sequence[int], first: int, count: int
) -> set[int]:
    """The ``count`` tokens from number ``first`` on that may go with the least loss, fewer where there are not so many.

    ``merges`` are the pairs that were merged, ``made`` the token that each made, ``uses`` how often each token is used.
    """
    parts: dict[int, list[tuple[int, int]]] = {}
    needed = np.zeros(len(uses), dtype=np.int64)
    for token, pair in zip(made, merges, strict=True):
        parts.setdefault(token, []).append(pair)
        needed[list(pair)] += 1 if pair[0] != pair[1] else 2
    value = uses.tolist()
    heap = [(value[token], token) for token in parts if token >= first and not needed[token]]
    heapq.heapify(heap)
    gone: set[int] = set()
    while heap and len(gone) < count:
        used, token = heapq.heappop(heap)
        if used < value[token]:  # it has taken over what a longer token was used for
            heapq.heappush(heap, (value[token], token))
            continue
        gone.add(token)
        for pair in parts[token]:
            for part in pair:
                value[part] += used
                needed[part] -= 1
                if not needed[part] and part >= first:
                    heapq.heappush(heap, (value[part], part))
    return gone
