"""Byte-pair merges of one sequence of ids, in place: the lowest rank first, of equal ranks the leftmost.

Up to `SHORT` ids the best pair is found by scanning all of them once per merge; longer sequences take a heap
(`tokenizer.encoding.merge_long`), so that no input costs more than n log n.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.merge_long import SHORT, MergeScratch, merge_long
from tokenizer.encoding.tables import NO_PAIR, Tables, rank_of
from tokenizer.native.compile import inlined, native
from tokenizer.pretokenize.scanning import char_at

_PLACE_BITS = 6


@inlined
def bytes_to_ids(tables: Tables, data: NDArray[np.uint8], start: int, end: int, out: NDArray[np.int32], at: int) -> int:
    """Write the id of each byte of ``data[start:end]`` to ``out`` from ``at`` on; where they end."""
    for k in range(end - start):
        out[at + k] = tables.byte_ids[data[start + k]]
    return at + end - start


@inlined
def chars_to_ids(tables: Tables, data: NDArray[np.uint8], start: int, end: int, out: NDArray[np.int32], at: int) -> int:
    """As `bytes_to_ids`, for whole characters: one id for each character that is a token, where ``char_ids`` allows."""
    if tables.char_ids.size == 0:
        return bytes_to_ids(tables, data, start, end, out, at)
    i = start
    while i < end:
        code, size = char_at(data, i)
        token = tables.char_ids[code]
        if token >= 0:
            out[at] = token
            at += 1
        else:
            at = bytes_to_ids(tables, data, i, i + size, out, at)
        i += size
    return at


@inlined
def merge_ids(
    tables: Tables, scratch: MergeScratch, out: NDArray[np.int32], start: int, end: int, limit: int
) -> tuple[int, bool]:
    """Apply the merges of ranks below ``limit`` to ``out[start:end]``; where the ids end, and whether a pair is left
    that has a merge of a higher rank."""
    if end - start > SHORT:
        return merge_long(tables, scratch, out, start, end, limit)
    n = end - start
    ranks = scratch.ranks
    for k in range(n - 1):
        ranks[k] = rank_of(tables, out[start + k], out[start + k + 1])
    while n > 1:
        best = NO_PAIR << _PLACE_BITS
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
def merge_all(tables: Tables, scratch: MergeScratch, out: NDArray[np.int32], start: int, end: int) -> int:
    """Apply all merges to ``out[start:end]``; where the ids end. Compiled apart from its callers: it is rarely needed,
    and inlined three times it would take seconds more to compile."""
    return merge_ids(tables, scratch, out, start, end, NO_PAIR)[0]
