"""The arrays of the merge loop, and their hash tables and heap (see `tokenizer.training.merge_kernel`)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import inlined, native
from tokenizer.native.hashing import hash_number

SEPARATOR = np.int32(-(2**31))
"""Sentinel: the cell between two words."""


class Words(NamedTuple):
    """The training text in its current segmentation (words, or runs of words in the stage superwords)."""

    cells: NDArray[np.int32]
    """Ids, spans and separators as `tokenizer.training.merge_kernel` describes; starts and ends with a separator."""
    word_of: NDArray[np.int32]
    """For each cell the index of its word; undefined for separators."""
    weights: NDArray[np.int64]
    """Occurrences of each word, multiplied by the weight of its source."""
    occurrences: NDArray[np.int64]
    """Occurrences of each word."""
    sections: NDArray[np.int32]
    """The one section of the corpus that each word stands in, of the first words; size 0 without any."""
    rows: NDArray[np.int32]
    """Sections of the words behind those, a row for each (`tokenizer.training.sections`); size 0 without any."""


class Pairs(NamedTuple):
    """Every pair that was ever adjacent so often that it may be merged soon: hash table, counts, positions and heap.
    The arrays have room to spare.

    Such a pair is an entry, numbered as they come. Its positions are a linked list of segments, each a slice of
    ``positions``. Of the others only sums are kept, in ``rare``.
    """

    slots: NDArray[np.int32]
    """The hash table (linear probing): index of an entry, or -1 where it is free; a power of two, at most half used."""
    keys: NDArray[np.int64]
    """By entry, the ids of the pair: ``left << 32 | right``."""
    counts: NDArray[np.int64]
    """By entry, its occurrences now, weighted."""
    heads: NDArray[np.int32]
    """By entry, its first segment, or -1 without any."""
    segment_starts: NDArray[np.int64]
    """By segment, its first item of ``positions``."""
    segment_sizes: NDArray[np.int32]
    """By segment, its number of positions."""
    segment_nexts: NDArray[np.int32]
    """By segment, the next one of the same pair, or -1 behind the last."""
    positions: NDArray[np.int32]
    """Cells at which a pair was found when its newer token was made; some no longer hold it."""
    heap_counts: NDArray[np.int64]
    """The heap, largest first: the count that an entry had when it entered."""
    heap_entries: NDArray[np.int32]
    """The heap: its entries."""
    rare: NDArray[np.int64]
    """By the hash of the key, weighted occurrences of the pairs without an entry; a power of two."""
    least: NDArray[np.int64]
    """Shape (1,): every pair with so many weighted occurrences has an entry."""
    used: NDArray[np.int64]
    """Shape (4,): number of entries, segments, positions and items of the heap in use."""


class Scratch(NamedTuple):
    """Workspace of one merge, for the tokens on one side of its occurrences."""

    counts: NDArray[np.int64]
    """By token, its weighted occurrences beside the pair; zeros between merges."""
    sizes: NDArray[np.int64]
    """By token, its number of cells beside the pair; zeros between merges."""
    cursors: NDArray[np.int64]
    """By token, the item of `Pairs.positions` for its next position."""
    neighbours: NDArray[np.int32]
    """The distinct tokens beside the pair."""
    tokens: NDArray[np.int32]
    """By occurrence, the token beside it."""
    places: NDArray[np.int32]
    """By occurrence, the cell at which its new pair starts."""


ENTRIES, SEGMENTS, POSITIONS, HEAP = range(4)
"""Items of `Pairs.used`."""


@inlined
def pair_key(left: int, right: int) -> int:
    """The key of a pair of ids."""
    return (np.int64(left) << 32) | np.int64(right)


@inlined
def ids_of(pairs: Pairs, entry: int) -> tuple[int, int]:
    """The ids of the left and the right token of an entry."""
    return pairs.keys[entry] >> 32, pairs.keys[entry] & 0x7FFFFFFF


@inlined
def find_pair(pairs: Pairs, key: int, create: bool) -> int:
    """The entry of a pair's key; if there is none, a new one with ``create``, else -1."""
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
def rare_slot(pairs: Pairs, key: int) -> int:
    """The item of `Pairs.rare` for a pair's key."""
    return np.int64(hash_number(key) & np.uint64(pairs.rare.size - 1))


@inlined
def _before(pairs: Pairs, count_a: int, a: int, count_b: int, b: int) -> bool:
    """Whether entry ``a`` is merged before entry ``b``: by count, then by the smaller key."""
    return count_a > count_b or (count_a == count_b and pairs.keys[a] < pairs.keys[b])


@native
def push(pairs: Pairs, count: int, entry: int) -> None:
    """Put an entry into the heap."""
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
    """Take the first entry from the heap."""
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
    """Number of cells of the token that starts at ``p``."""
    v = cells[p + 1]
    return -v if v < 0 and v != SEPARATOR else 1


@inlined
def previous(cells: NDArray[np.int32], p: int) -> int:
    """Start of the token before the one at ``p``, or -1 behind a separator."""
    v = cells[p - 1]
    if v == SEPARATOR:
        return -1
    return p + v if v < 0 else p - 1


@native
def place_keys(pairs: Pairs) -> None:
    """Enter all entries into an empty hash table."""
    mask = pairs.slots.size - 1
    for entry in range(pairs.used[ENTRIES]):
        slot = np.int64(hash_number(pairs.keys[entry]) & np.uint64(mask))
        while pairs.slots[slot] >= 0:
            slot = (slot + 1) & mask
        pairs.slots[slot] = entry


@native
def fill_heap(pairs: Pairs) -> None:
    """Put all entries into the heap."""
    for entry in range(pairs.used[ENTRIES]):
        push(pairs, pairs.counts[entry], entry)
