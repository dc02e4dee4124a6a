"""Byte-pair merges of long sequences of ids, in n log n of their length, and nearly in n for repetitive text.

A heap gives the next rank. In a vocabulary whose merges come in the order in which they were learnt, the pairs of a
rank stand in a linked list and the heap holds each rank once: long words are repetitions of few ranks, whose lists are
read in the order of memory (a word of spaces: 25.8 MB/s, and 2.7 with a heap of pairs, which misses the cache). For any
other vocabulary the heap holds every pair.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.tables import NO_PAIR, Tables, rank_of
from tokenizer.native.arrays import bare, bare_part
from tokenizer.native.compile import inlined, native

SHORT = 48
"""Number of ids up to which scanning for the best pair is faster than a heap."""
_PLACE_BITS = 32
_PLACE_MASK = (1 << _PLACE_BITS) - 1
_NONE = -1  # sentinel: no node


class MergeScratch(NamedTuple):
    """Memory for merges, one per thread."""

    ranks: NDArray[np.int64]
    """Ranks of the pairs of a short sequence, shape (`SHORT`,)."""
    heads: NDArray[np.int32]
    """The first node of each rank's list, shape (merges,); between two calls all lists are empty, -1."""


class _Queue(NamedTuple):
    """Pairs that wait for their merge; a pair is known by the place of its left id."""

    places: NDArray[np.int32]
    """The place of each node's pair."""
    links: NDArray[np.int32]
    """The next node in each node's list, or -1."""
    free: NDArray[np.int32]
    """Shape (1,): the first node of the list of nodes to use again; page faults of fresh ones would cost more."""
    heap: NDArray[np.int64]
    """Binary heap of rank << 32, and the pair's place below where there are no lists."""


def new_scratch(merges: int) -> MergeScratch:
    """Scratch memory for a vocabulary of so many merges."""
    return MergeScratch(np.empty(SHORT, dtype=np.int64), np.full(merges, _NONE, dtype=np.int32))


@native
def merge_long(
    tables: Tables, scratch: MergeScratch, out: NDArray[np.int32], start: int, end: int, limit: int
) -> tuple[int, bool]:
    """As `merge_ids` of `tokenizer.encoding.merge_one`, for more than `SHORT` ids."""
    n = end - start
    most = 3 * n  # pairs: n at first and at most two more for each of n - 1 merges
    lists = most if tables.in_order else 0
    heap = np.empty(min(most, scratch.heads.size) if tables.in_order else most, dtype=np.int64)
    free = np.full(1, _NONE, dtype=np.int32)
    queue = _Queue(np.empty(lists, dtype=np.int32), np.empty(lists, dtype=np.int32), free, heap)
    return _merge(tables, scratch.heads, queue, out, start, end, limit)


@native
def _merge(
    tables: Tables,
    heads: NDArray[np.int32],
    counted_queue: _Queue,
    out: NDArray[np.int32],
    start: int,
    end: int,
    limit: int,
) -> tuple[int, bool]:
    """As `merge_long`; the caller holds the memory of the queue."""
    queue = bare(counted_queue)
    n = end - start
    symbols = bare_part(out, start, n)
    size = used = np.int64(0)
    for k in range(n - 2, -1, -1):  # backwards, as lists grow at their heads
        size, used = _offer(tables, heads, queue, size, used, symbols, k, k + 1, limit)
    while size > 0:
        rank, k, size = _take(tables, heads, queue, size)
        right = _next(symbols, k) if symbols[k] >= 0 else n
        if right >= n or rank_of(tables, symbols[k], symbols[right]) != rank:
            continue  # merged with others since it was offered
        alike = tables.in_order and symbols[k] == symbols[right]
        if alike:  # the only pairs of one rank that overlap: those of a row of equal ids begin at its left end
            while k > 0 and symbols[_before(symbols, k)] == symbols[k]:
                k = _before(symbols, k)
        symbol = symbols[k]
        merges = True
        while merges:
            behind = _join(symbols, k, tables.results[rank])
            if behind < n:
                size, used = _offer(tables, heads, queue, size, used, symbols, k, behind, limit)
            if k > 0:
                size, used = _offer(tables, heads, queue, size, used, symbols, _before(symbols, k), k, limit)
            k = behind
            merges = False
            if alike and k < n and symbols[k] == symbol:
                right = _next(symbols, k)
                merges = right < n and symbols[right] == symbol
    return _written(tables, out, start, symbols)


@inlined
def _next(symbols: NDArray[np.int32], k: int) -> int:
    """The place of the id behind that at ``k``; the size if there is none. `_join` notes it, as a complement, in the
    places of ids that vanished: separate links would double the memory."""
    if k + 1 >= symbols.size or symbols[k + 1] >= 0:
        return k + 1
    other = ~np.int64(symbols[k + 1])
    return k + 2 if other == k else other


@inlined
def _before(symbols: NDArray[np.int32], k: int) -> int:
    """The place of the id before that at ``k``, which is not the first."""
    return k - 1 if symbols[k - 1] >= 0 else ~np.int64(symbols[k - 1])


@inlined
def _join(symbols: NDArray[np.int32], k: int, result: int) -> int:
    """Put ``result`` in the place of the id at ``k`` and the one behind it; the place of the next one. Of the places
    between them the last has the complement of ``k``, and the first, if it is another, that of the next one's."""
    right = _next(symbols, k)
    behind = _next(symbols, right)
    symbols[k] = result
    symbols[right] = -1
    symbols[k + 1] = ~behind
    symbols[behind - 1] = ~k
    return behind


@inlined
def _written(tables: Tables, out: NDArray[np.int32], start: int, symbols: NDArray[np.int32]) -> tuple[int, bool]:
    """Move what is left in ``out`` together; where it ends, and whether any merge is left in it."""
    at = start
    unfinished = False
    k = np.int64(0)
    while k < symbols.size:
        out[at] = symbols[k]
        if at > start and not unfinished:
            unfinished = rank_of(tables, out[at - 1], out[at]) != NO_PAIR
        at += 1
        k = _next(symbols, k)
    return at, unfinished


@native
def _offer(
    tables: Tables,
    heads: NDArray[np.int32],
    queue: _Queue,
    size: int,
    used: int,
    symbols: NDArray[np.int32],
    left: int,
    right: int,
    limit: int,
) -> tuple[int, int]:
    """Enter a pair if it has a merge of a rank below ``limit``; the size of the heap and the number of nodes."""
    rank = rank_of(tables, symbols[left], symbols[right])
    if rank >= limit:
        return size, used
    item = rank << _PLACE_BITS
    if tables.in_order:
        first = heads[rank]
        node = np.int64(queue.free[0])
        if node == _NONE:
            node = used
            used += 1
        else:
            queue.free[0] = queue.links[node]
        queue.places[node] = left
        queue.links[node] = first
        heads[rank] = node
        if first != _NONE:
            return size, used
    else:
        item |= left
    i = size
    while i > 0 and queue.heap[(i - 1) >> 1] > item:
        queue.heap[i] = queue.heap[(i - 1) >> 1]
        i = (i - 1) >> 1
    queue.heap[i] = item
    return size + 1, used


@native
def _take(tables: Tables, heads: NDArray[np.int32], queue: _Queue, size: int) -> tuple[int, int, int]:
    """Take a pair of the lowest rank, the leftmost where order may matter: its rank and place, and the heap's size."""
    item = queue.heap[0]
    rank = item >> _PLACE_BITS
    place = item & _PLACE_MASK
    if tables.in_order:
        node = heads[rank]
        place = np.int64(queue.places[node])
        heads[rank] = queue.links[node]
        queue.links[node] = queue.free[0]
        queue.free[0] = node
        if heads[rank] != _NONE:
            return rank, place, size
    size -= 1
    last = queue.heap[size]
    i = 0
    while 2 * i + 1 < size:
        child = 2 * i + 1
        if child + 1 < size and queue.heap[child + 1] < queue.heap[child]:
            child += 1
        if queue.heap[child] >= last:
            break
        queue.heap[i] = queue.heap[child]
        i = child
    queue.heap[i] = last
    return rank, place, size
