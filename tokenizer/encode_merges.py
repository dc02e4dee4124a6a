"""Byte-pair merges of a sequence of ids, in place: by rank, the leftmost of equal ranks first.

Short sequences are scanned for the best pair once per merge, long ones take a heap (`tokenizer.encode_long`), so that
no input costs more than n log n.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokenizer.encode_long import SHORT, Room, merge_long
from tokenizer.encode_tables import NO_PAIR, Tables, rank_of
from tokenizer.native import inlined, native
from tokenizer.scanning import char_at

_PLACE_BITS = 6


@inlined
def merge_bytes(
    tables: Tables,
    room: Room,
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
    return merge_ids(tables, room, out, at, at + end - start, limit)


@inlined
def merge_text(
    tables: Tables,
    room: Room,
    data: NDArray[np.uint8],
    start: int,
    end: int,
    out: NDArray[np.int32],
    at: int,
    limit: int,
) -> tuple[int, bool]:
    """As `merge_bytes`, for whole characters, which are taken as they are where the vocabulary permits."""
    if tables.char_ids.size == 0:
        return merge_bytes(tables, room, data, start, end, out, at, limit)
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
    return merge_ids(tables, room, out, at, stop, limit)


@inlined
def merge_ids(tables: Tables, room: Room, out: NDArray[np.int32], start: int, end: int, limit: int) -> tuple[int, bool]:
    """Merge the ids ``out[start:end]`` by ranks below ``limit``; where they end, and whether any pair is left that
    has a merge of another rank."""
    if end - start > SHORT:
        return merge_long(tables, room, out, start, end, limit)
    n = end - start
    ranks = room.ranks
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
def merge_group(tables: Tables, room: Room, out: NDArray[np.int32], start: int, end: int) -> int:
    """Merge the ids ``out[start:end]`` by all merges; where they end. Compiled apart from its callers."""
    return merge_ids(tables, room, out, start, end, NO_PAIR)[0]


@native
def merge_run(
    tables: Tables,
    room: Room,
    data: NDArray[np.uint8],
    start: int,
    end: int,
    out: NDArray[np.int32],
    at: int,
) -> int:
    """As `merge_group`, for the characters ``data[start:end]``, whose ids go to ``out`` from ``at`` on."""
    return merge_text(tables, room, data, start, end, out, at, NO_PAIR)[0]
