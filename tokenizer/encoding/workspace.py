"""What one thread encodes with: words lately encoded, a block of words at work, and the room to merge their ids."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.merge_rows import Lanes, new_lanes
from tokenizer.encoding.word_cache import Cache, new_cache
from tokenizer.native.vectors import LANES

BLOCK = 128
"""How many words are looked up together: enough to hide the latency of one word behind others, few enough to stay in
the nearest of the processor's caches."""


class Words(NamedTuple):
    """The words of a block."""

    starts: NDArray[np.int64]
    """Where each begins; the next one begins where it ends."""
    hashes: NDArray[np.uint64]
    goes_on: NDArray[np.bool_]
    """Whether it is in one run with the word before it."""
    ids: NDArray[np.int32]
    """Eight numbers a word, its ids first."""
    counts: NDArray[np.int64]
    """How many ids it has; -1 if it must be encoded alone."""
    left: NDArray[np.bool_]
    """Whether merges may be left among its ids."""
    missed: NDArray[np.int64]
    """Those that are not in the cache."""
    places: NDArray[np.int64]
    """Where its ids were written; one more than there are words."""


class Groups(NamedTuple):
    """Groups of words that merges may join, of a block and the last of the block before."""

    starts: NDArray[np.int64]
    """Where the ids of each begin."""
    left: NDArray[np.bool_]
    """Whether merges may be left in it."""
    ids: NDArray[np.int32]
    """Eight numbers a group, its ids first unless it has more."""
    sizes: NDArray[np.int64]
    """How many ids it has."""
    stops: NDArray[np.int64]
    """Where its ids were written; one more than there are groups."""
    of_words: NDArray[np.int64]
    """The group of each word; one more than there are words."""


class Desk(NamedTuple):
    """All of it."""

    cache: Cache
    words: Words
    groups: Groups
    lanes: Lanes


def new_desk(merges: int) -> Desk:
    """A desk with an empty cache for a vocabulary of so many merges."""
    words = Words(
        starts=np.empty(BLOCK + 1, dtype=np.int64),
        hashes=np.empty(BLOCK, dtype=np.uint64),
        goes_on=np.empty(BLOCK, dtype=np.bool_),
        ids=np.empty(BLOCK * LANES, dtype=np.int32),
        counts=np.empty(BLOCK, dtype=np.int64),
        left=np.empty(BLOCK, dtype=np.bool_),
        missed=np.empty(BLOCK, dtype=np.int64),
        places=np.empty(BLOCK + 1, dtype=np.int64),
    )
    most = BLOCK + 1  # one more than there are words: the last of the block before
    groups = Groups(
        starts=np.empty(most + 1, dtype=np.int64),
        left=np.empty(most, dtype=np.bool_),
        ids=np.empty(most * LANES, dtype=np.int32),
        sizes=np.empty(most, dtype=np.int64),
        stops=np.empty(most + 1, dtype=np.int64),
        of_words=np.empty(BLOCK + 1, dtype=np.int64),
    )
    return Desk(new_cache(merges), words, groups, new_lanes(most))
