"""The arrays of the merge loop, and their hash tables and heap (see `tokenizer.training.merge_kernel`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import inlined, native
from tokenizer.native.hashing import hash_number

WALL = np.int32(-(2**31))


class Words(NamedTuple):
    """The training text in its current segmentation."""

    cells: NDArray[np.int32]
    """Ids, spans and walls, see above; starts and ends with a wall."""
    word_of: NDArray[np.int32]
    """The word that each cell belongs to."""
    weights: NDArray[np.int64]
    """How often each word occurs."""
    sections: NDArray[np.int32]
    """For the document-frequency rule, else empty: the section of the corpus that each word stands in."""


class Pairs(NamedTuple):
    """Every adjacent pair: hash table, counts, positions and heap."""

    slots: NDArray[np.int32]
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    heads: NDArray[np.int32]
    segment_starts: NDArray[np.int64]
    segment_sizes: NDArray[np.int32]
    segment_nexts: NDArray[np.int32]
    positions: NDArray[np.int32]
    heap_counts: NDArray[np.int64]
    heap_entries: NDArray[np.int32]
    used: NDArray[np.int64]
    """How much of the arrays is in use: entries, segments, positions, heap."""


class Scratch(NamedTuple):
    """Room for one merge: per neighbouring token its weight, occurrences and cursor, and the occurrences."""

    counts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    cursors: NDArray[np.int64]
    touched: NDArray[np.int32]
    tokens: NDArray[np.int32]
    places: NDArray[np.int32]


ENTRIES, SEGMENTS, POSITIONS, HEAP = range(4)


@inlined
def find_pair(pairs: Pairs, key: int, create: bool) -> int:
    """The entry of a pair's key; made when absent if ``create``, else -1."""
    mask = pairs.slots.size - 1
    slot = np.int64(hash_number(key) & np.uint64(mask))
    while pairs.slots[slot] >= 0:
        entry = pairs.slots[slot]
        if pairs.keys[entry] == key:
            return entry
        slot = (slot + 1) & mask
    if not create:
        return -1
    entry = np.int32(pairs.used[ENTRIES])
    pairs.slots[slot] = entry
    pairs.keys[entry] = key
    pairs.counts[entry] = 0
    pairs.heads[entry] = -1
    pairs.used[ENTRIES] += 1
    return entry


@inlined
def _before(pairs: Pairs, count_a: int, a: int, count_b: int, b: int) -> bool:
    return count_a > count_b or (count_a == count_b and pairs.keys[a] < pairs.keys[b])


@native
def push(pairs: Pairs, count: int, entry: int) -> None:
    i = pairs.used[HEAP]
    pairs.used[HEAP] = i + 1
    while i > 0:
        up = (i - 1) >> 1
        if not _before(pairs, count, entry, pairs.heap_counts[up], pairs.heap_entries[up]):
            break
        pairs.heap_counts[i] = pairs.heap_counts[up]
        pairs.heap_entries[i] = pairs.heap_entries[up]
        i = up
    pairs.heap_counts[i] = count
    pairs.heap_entries[i] = entry


@native
def drop_top(pairs: Pairs) -> None:
    size = pairs.used[HEAP] - 1
    pairs.used[HEAP] = size
    count, entry = pairs.heap_counts[size], pairs.heap_entries[size]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        other = child + 1
        if other < size and _before(
            pairs,
            pairs.heap_counts[other],
            pairs.heap_entries[other],
            pairs.heap_counts[child],
            pairs.heap_entries[child],
        ):
            child = other
        if not _before(pairs, pairs.heap_counts[child], pairs.heap_entries[child], count, entry):
            break
        pairs.heap_counts[i] = pairs.heap_counts[child]
        pairs.heap_entries[i] = pairs.heap_entries[child]
        i = child
    pairs.heap_counts[i] = count
    pairs.heap_entries[i] = entry


@inlined
def span(cells: NDArray[np.int32], p: int) -> int:
    """How many cells the token that starts at ``p`` occupies."""
    v = cells[p + 1]
    return -v if v < 0 and v != WALL else 1


@inlined
def previous(cells: NDArray[np.int32], p: int) -> int:
    """Where the token before the one at ``p`` starts, or -1 behind a wall."""
    v = cells[p - 1]
    if v == WALL:
        return -1
    return p + v if v < 0 else p - 1


@native
def place_keys(pairs: Pairs) -> None:
    mask = pairs.slots.size - 1
    for entry in range(pairs.used[ENTRIES]):
        slot = np.int64(hash_number(pairs.keys[entry]) & np.uint64(mask))
        while pairs.slots[slot] >= 0:
            slot = (slot + 1) & mask
        pairs.slots[slot] = entry


@native
def fill_heap(pairs: Pairs) -> None:
    for entry in range(pairs.used[ENTRIES]):
        push(pairs, pairs.counts[entry], entry)
