"""Byte-pair merges of a sequence of ids, in place: by rank, the leftmost of equal ranks first.

Short sequences are scanned for the best pair once per merge, long ones take a heap, so that no input costs
more than n log n.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokenizer.encode_tables import NO_PAIR, Tables, rank_of
from tokenizer.native import inlined, native
from tokenizer.scanning import char_at

SHORT = 48  # ids up to which scanning for the best pair beats a heap
_PLACE_BITS = 6


@inlined
def merge_bytes(
    tables: Tables,
    ranks: NDArray[np.int64],
    data: NDArray[np.uint8],
    start: int,
    end: int,
    out: NDArray[np.int32],
    at: int,
    limit: int,
) -> tuple[int, bool]:
    """Merge the bytes ``data[start:end]`` into ``out`` from ``at`` on; returns what `merge_ids` does."""
    for k in range(end - start):
        out[at + k] = tables.byte_ids[data[start + k]]
    return merge_ids(tables, ranks, out, at, at + end - start, limit)


@inlined
def merge_text(
    tables: Tables,
    ranks: NDArray[np.int64],
    data: NDArray[np.uint8],
    start: int,
    end: int,
    out: NDArray[np.int32],
    at: int,
    limit: int,
) -> tuple[int, bool]:
    """As `merge_bytes`, for whole characters, which are taken as they are where the vocabulary permits."""
    if tables.char_ids.size == 0:
        return merge_bytes(tables, ranks, data, start, end, out, at, limit)
    i = start
    stop = at
    while i < end:
        code, size = char_at(data, i)
        token = tables.char_ids[code]
        if token >= 0:
            out[stop] = token
            stop += 1
        else:
            for k in range(i, i + size):
                out[stop] = tables.byte_ids[data[k]]
                stop += 1
        i += size
    return merge_ids(tables, ranks, out, at, stop, limit)


@inlined
def merge_ids(
    tables: Tables, ranks: NDArray[np.int64], out: NDArray[np.int32], start: int, end: int, limit: int
) -> tuple[int, bool]:
    """Merge the ids ``out[start:end]`` by ranks below ``limit``; where they end, and whether any pair is left that
    has a merge of another rank. ``ranks`` is room for `SHORT` numbers."""
    if end - start > SHORT:
        return _merge_long(tables, out, start, end, limit)
    n = end - start
    for k in range(n - 1):
        ranks[k] = rank_of(tables, out[start + k], out[start + k + 1])
    while n > 1:
        best = np.int64(NO_PAIR) << _PLACE_BITS
        for k in range(n - 1):
            best = min(best, (ranks[k] << _PLACE_BITS) | k)
        rank = best >> _PLACE_BITS
        if rank >= limit:
            return start + n, rank != NO_PAIR
        place = best & ((1 << _PLACE_BITS) - 1)
        at = start + place
        out[at] = tables.results[rank]
        n -= 1
        for k in range(place + 1, n):
            out[start + k] = out[start + k + 1]
            ranks[k] = ranks[k + 1]
        if place > 0:
            ranks[place - 1] = rank_of(tables, out[at - 1], out[at])
        if place < n - 1:
            ranks[place] = rank_of(tables, out[at], out[at + 1])
    return start + n, False


@native
def merge_group(tables: Tables, ranks: NDArray[np.int64], out: NDArray[np.int32], start: int, end: int) -> int:
    """Merge the ids ``out[start:end]`` by all merges; where they end. Compiled apart from its callers."""
    return merge_ids(tables, ranks, out, start, end, NO_PAIR)[0]


@native
def merge_run(
    tables: Tables,
    ranks: NDArray[np.int64],
    data: NDArray[np.uint8],
    start: int,
    end: int,
    out: NDArray[np.int32],
    at: int,
) -> int:
    """As `merge_group`, for the characters ``data[start:end]``, whose ids go to ``out`` from ``at`` on."""
    return merge_text(tables, ranks, data, start, end, out, at, NO_PAIR)[0]


@native
def _merge_long(tables: Tables, out: NDArray[np.int32], start: int, end: int, limit: int) -> tuple[int, bool]:
    """Merges through a heap of rank and place; an item is void when its pair is no longer there."""
    n = end - start
    symbols = out[start:end].copy()
    nexts = np.arange(1, n + 1).astype(np.int32)
    befores = np.arange(-1, n - 1).astype(np.int32)
    heap = np.empty(3 * n, dtype=np.int64)  # n at first and at most two more for each of n - 1 merges
    size = 0
    for k in range(n - 1):
        size = _offer(tables, heap, size, symbols, k, k + 1, limit)
    while size > 0:
        item = heap[0]
        size -= 1
        _sift_down(heap, size, heap[size])
        k = item & 0xFFFFFFFF
        right = nexts[k] if symbols[k] >= 0 else n
        if right >= n:
            continue
        rank = item >> 32
        if rank_of(tables, symbols[k], symbols[right]) != rank:
            continue
        symbols[k] = tables.results[rank]
        symbols[right] = -1
        nexts[k] = nexts[right]
        if nexts[k] < n:
            befores[nexts[k]] = k
            size = _offer(tables, heap, size, symbols, k, nexts[k], limit)
        if befores[k] >= 0:
            size = _offer(tables, heap, size, symbols, befores[k], k, limit)
    k = 0
    at = start
    left = False
    while k < n:
        out[at] = symbols[k]
        if at > start and not left:
            left = rank_of(tables, out[at - 1], out[at]) != NO_PAIR
        at += 1
        k = nexts[k]
    return at, left


@inlined
def _offer(
    tables: Tables, heap: NDArray[np.int64], size: int, symbols: NDArray[np.int32], left: int, right: int, limit: int
) -> int:
    """Put a pair into the heap if it has a merge of a rank below ``limit``; the size of the heap."""
    rank = rank_of(tables, symbols[left], symbols[right])
    if rank >= limit:
        return size
    _sift_up(heap, size, (np.int64(rank) << 32) | left)
    return size + 1


@native
def _sift_up(heap: NDArray[np.int64], i: int, item: int) -> None:
    while i > 0:
        up = (i - 1) >> 1
        if heap[up] <= item:
            break
        heap[i] = heap[up]
        i = up
    heap[i] = item


@native
def _sift_down(heap: NDArray[np.int64], size: int, item: int) -> None:
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= item:
            break
        heap[i] = heap[child]
        i = child
    heap[i] = item
