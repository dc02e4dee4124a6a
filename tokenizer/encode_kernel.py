"""The encode kernel: UTF-8 bytes to ids, without Python objects and without the GIL.

A piece (a pre-token, or what a morpheme boundary left of one) becomes ids in the cheapest way that applies:

1. it is a token whose own merges give it back: its id;
2. it was met lately: the ids in the cache (a direct-mapped table, bounded, one per thread);
3. byte-pair merges by rank, the leftmost of equal ranks first: a scan per merge for short pieces, a heap for
   long ones, so that no input costs more than n log n.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.counts import hash_bytes
from tokenizer.native import inlined, native
from tokenizer.pretokenize import O200K, next_pretoken
from tokenizer.unicode import class_table

SHORT = 48  # symbols up to which scanning for the best pair beats a heap
CACHED_BYTES, CACHED_IDS = 40, 16
NO_PAIR = np.int32(2**31 - 1)
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Tables(NamedTuple):
    """What the kernel reads: built once per tokenizer, shared by all threads."""

    classes: NDArray[np.uint8]
    """Character classes, see `tokenizer.unicode`."""
    scanner: int
    """The grammar, see `tokenizer.pretokenize`."""
    byte_ids: NDArray[np.int32]
    """The id of each byte."""
    token_slots: NDArray[np.int32]
    """Hash table from bytes to the id of a whole token."""
    token_hashes: NDArray[np.uint64]
    token_data: NDArray[np.uint8]
    token_offsets: NDArray[np.int64]
    pair_keys: NDArray[np.int64]
    """Hash table from (left id << 32 | right id) to rank and result."""
    pair_ranks: NDArray[np.int32]
    pair_results: NDArray[np.int32]


class Cache(NamedTuple):
    """Pieces lately encoded, and room for the merges: one per thread."""

    hashes: NDArray[np.uint64]
    sizes: NDArray[np.int32]
    data: NDArray[np.uint8]
    id_counts: NDArray[np.int32]
    ids: NDArray[np.int32]
    symbols: NDArray[np.int32]
    ranks: NDArray[np.int32]


def new_cache(slots: int = 1 << 15) -> Cache:
    """An empty cache; ``slots`` is a power of two."""
    return Cache(
        hashes=np.zeros(slots, dtype=np.uint64),
        sizes=np.zeros(slots, dtype=np.int32),
        data=np.zeros((slots, CACHED_BYTES), dtype=np.uint8),
        id_counts=np.zeros(slots, dtype=np.int32),
        ids=np.zeros((slots, CACHED_IDS), dtype=np.int32),
        symbols=np.zeros(SHORT + 1, dtype=np.int32),
        ranks=np.zeros(SHORT + 1, dtype=np.int32),
    )


@inlined
def find_pair(tables: Tables, left: int, right: int) -> int:
    """The slot of a pair in the pair table, or -1."""
    key = (np.int64(left) << 32) | np.int64(right)
    mask = tables.pair_keys.size - 1
    h = np.uint64(key) * _MIX
    slot = np.int64((h ^ (h >> np.uint64(32))) & np.uint64(mask))
    while tables.pair_keys[slot] != -1:
        if tables.pair_keys[slot] == key:
            return slot
        slot = (slot + 1) & mask
    return -1


@inlined
def _rank(tables: Tables, left: int, right: int) -> int:
    slot = find_pair(tables, left, right)
    return tables.pair_ranks[slot] if slot >= 0 else NO_PAIR


@native
def fill_pairs(tables: Tables, lefts: NDArray[np.int32], rights: NDArray[np.int32], results: NDArray[np.int32]) -> None:
    """Enter the merges in order of rank; of equal pairs the first counts."""
    for rank in range(lefts.size):
        if find_pair(tables, lefts[rank], rights[rank]) < 0:
            add_pair(tables, lefts[rank], rights[rank], rank, results[rank])


@native
def add_pair(tables: Tables, left: int, right: int, rank: int, result: int) -> None:
    """Enter one merge, whose pair must be new."""
    mask = tables.pair_keys.size - 1
    key = (np.int64(left) << 32) | np.int64(right)
    h = np.uint64(key) * _MIX
    slot = np.int64((h ^ (h >> np.uint64(32))) & np.uint64(mask))
    while tables.pair_keys[slot] != -1:
        slot = (slot + 1) & mask
    tables.pair_keys[slot] = key
    tables.pair_ranks[slot] = rank
    tables.pair_results[slot] = result


@native
def fill_tokens(tables: Tables, cache: Cache, work: NDArray[np.int32]) -> int:
    """Enter the tokens that their own merges give back; how many others there are."""
    unreachable = 0
    mask = tables.token_slots.size - 1
    for token in range(tables.token_offsets.size - 1):
        start, end = tables.token_offsets[token], tables.token_offsets[token + 1]
        h = hash_bytes(tables.token_data, start, end)
        tables.token_hashes[token] = h
        count = merge_bytes(tables, cache, tables.token_data, start, end, work, 0)
        if count != 1 or work[0] != token:
            unreachable += 1
            continue
        slot = np.int64(h & np.uint64(mask))
        while tables.token_slots[slot] >= 0:
            slot = (slot + 1) & mask
        tables.token_slots[slot] = token
    return unreachable


@inlined
def _whole_token(tables: Tables, data: NDArray[np.uint8], start: int, end: int, h: np.uint64) -> int:
    """The id of the token with these bytes, or -1."""
    mask = tables.token_slots.size - 1
    slot = np.int64(h & np.uint64(mask))
    while tables.token_slots[slot] >= 0:
        token = tables.token_slots[slot]
        base = tables.token_offsets[token]
        if tables.token_hashes[token] == h and tables.token_offsets[token + 1] - base == end - start:
            same = True
            for k in range(end - start):
                if tables.token_data[base + k] != data[start + k]:
                    same = False
                    break
            if same:
                return token
        slot = (slot + 1) & mask
    return -1


@native
def _merge_short(
    tables: Tables,
    cache: Cache,
    data: NDArray[np.uint8],
    start: int,
    end: int,
    out: NDArray[np.int32],
    at: int,
) -> int:
    symbols, ranks = cache.symbols, cache.ranks
    n = end - start
    for k in range(n):
        symbols[k] = tables.byte_ids[data[start + k]]
    for k in range(n - 1):
        ranks[k] = _rank(tables, symbols[k], symbols[k + 1])
    while n > 1:
        best = NO_PAIR
        place = 0
        for k in range(n - 1):
            if ranks[k] < best:
                best = ranks[k]
                place = k
        if best == NO_PAIR:
            break
        symbols[place] = tables.pair_results[find_pair(tables, symbols[place], symbols[place + 1])]
        n -= 1
        for k in range(place + 1, n):
            symbols[k] = symbols[k + 1]
            ranks[k] = ranks[k + 1]
        if place > 0:
            ranks[place - 1] = _rank(tables, symbols[place - 1], symbols[place])
        if place < n - 1:
            ranks[place] = _rank(tables, symbols[place], symbols[place + 1])
    for k in range(n):
        out[at + k] = symbols[k]
    return at + n


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


@native
def _merge_long(tables: Tables, data: NDArray[np.uint8], start: int, end: int, out: NDArray[np.int32], at: int) -> int:
    """Merges through a heap of rank and place; an item is void when its pair is no longer there."""
    n = end - start
    symbols = np.empty(n, dtype=np.int32)
    nexts = np.empty(n, dtype=np.int32)
    befores = np.empty(n, dtype=np.int32)
    for k in range(n):
        symbols[k] = tables.byte_ids[data[start + k]]
        nexts[k] = k + 1
        befores[k] = k - 1
    heap = np.empty(3 * n, dtype=np.int64)  # n at first and at most two more for each of n - 1 merges
    size = 0
    for k in range(n - 1):
        rank = _rank(tables, symbols[k], symbols[k + 1])
        if rank != NO_PAIR:
            _sift_up(heap, size, (np.int64(rank) << 32) | k)
            size += 1
    while size > 0:
        item = heap[0]
        size -= 1
        _sift_down(heap, size, heap[size])
        k = item & 0xFFFFFFFF
        right = nexts[k] if symbols[k] >= 0 else n
        if right >= n:
            continue
        slot = find_pair(tables, symbols[k], symbols[right])
        if slot < 0 or tables.pair_ranks[slot] != item >> 32:
            continue
        symbols[k] = tables.pair_results[slot]
        symbols[right] = -1
        nexts[k] = nexts[right]
        if nexts[k] < n:
            befores[nexts[k]] = k
            rank = _rank(tables, symbols[k], symbols[nexts[k]])
            if rank != NO_PAIR:
                _sift_up(heap, size, (np.int64(rank) << 32) | k)
                size += 1
        if befores[k] >= 0:
            rank = _rank(tables, symbols[befores[k]], symbols[k])
            if rank != NO_PAIR:
                _sift_up(heap, size, (np.int64(rank) << 32) | befores[k])
                size += 1
    k = 0
    while k < n:
        out[at] = symbols[k]
        at += 1
        k = nexts[k]
    return at


@inlined
def merge_bytes(
    tables: Tables,
    cache: Cache,
    data: NDArray[np.uint8],
    start: int,
    end: int,
    out: NDArray[np.int32],
    at: int,
) -> int:
    """Byte-pair merges of ``data[start:end]`` into ``out`` from ``at`` on; where the ids end."""
    if end - start <= SHORT:
        return _merge_short(tables, cache, data, start, end, out, at)
    return _merge_long(tables, data, start, end, out, at)


@inlined
def _encode_piece(
    tables: Tables,
    cache: Cache,
    data: NDArray[np.uint8],
    start: int,
    end: int,
    out: NDArray[np.int32],
    at: int,
) -> int:
    h = hash_bytes(data, start, end)
    token = _whole_token(tables, data, start, end, h)
    if token >= 0:
        out[at] = token
        return at + 1
    size = end - start
    if size > CACHED_BYTES:
        return merge_bytes(tables, cache, data, start, end, out, at)
    slot = np.int64(h & np.uint64(cache.hashes.size - 1))
    if cache.hashes[slot] == h and cache.sizes[slot] == size:
        same = True
        for k in range(size):
            if cache.data[slot, k] != data[start + k]:
                same = False
                break
        if same:
            for k in range(cache.id_counts[slot]):
                out[at + k] = cache.ids[slot, k]
            return at + cache.id_counts[slot]
    stop = merge_bytes(tables, cache, data, start, end, out, at)
    if stop - at <= CACHED_IDS:
        cache.hashes[slot] = h
        cache.sizes[slot] = size
        cache.id_counts[slot] = stop - at
        for k in range(size):
            cache.data[slot, k] = data[start + k]
        for k in range(stop - at):
            cache.ids[slot, k] = out[at + k]
    return stop


@native
def encode_texts(
    tables: Tables, cache: Cache, data: NDArray[np.uint8], ends: NDArray[np.int64], out: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Encode the texts that end at ``ends`` into ``out`` (room for an id a byte); where each one's ids end."""
    stops = np.empty(ends.size, dtype=np.int64)
    at = 0
    i = np.int64(0)
    for text in range(ends.size):
        while i < ends[text]:
            j = next_pretoken(data, i, ends[text], tables.classes, tables.scanner)
            at = _encode_piece(tables, cache, data, i, j, out, at)
            i = j
        stops[text] = at
    return stops


@native
def encode_pieces(
    tables: Tables, cache: Cache, data: NDArray[np.uint8], ends: NDArray[np.int64], out: NDArray[np.int32]
) -> NDArray[np.int64]:
    """As `encode_texts`, for pieces that are not cut any further."""
    stops = np.empty(ends.size, dtype=np.int64)
    at = 0
    i = np.int64(0)
    for piece in range(ends.size):
        if ends[piece] > i:
            at = _encode_piece(tables, cache, data, i, ends[piece], out, at)
        i = ends[piece]
        stops[piece] = at
    return stops


def encoding_tables(tokens: Sequence[bytes], merges: Sequence[tuple[int, int]], scanner: int = O200K) -> Tables:
    """The tables of a vocabulary, its tokens not yet entered (see `fill_tokens`)."""
    ids = {token: i for i, token in enumerate(tokens)}
    byte_ids = np.array([ids[bytes([b])] for b in range(256)], dtype=np.int32)
    offsets = np.zeros(len(tokens) + 1, dtype=np.int64)
    np.cumsum([len(token) for token in tokens], out=offsets[1:])
    pair_slots = 1 << (2 * max(len(merges), len(tokens)) + 2).bit_length()
    tables = Tables(
        classes=class_table(),
        scanner=scanner,
        byte_ids=byte_ids,
        token_slots=np.full(1 << (2 * len(tokens)).bit_length(), -1, dtype=np.int32),
        token_hashes=np.zeros(len(tokens), dtype=np.uint64),
        token_data=np.frombuffer(b"".join(tokens), dtype=np.uint8),
        token_offsets=offsets,
        pair_keys=np.full(pair_slots, -1, dtype=np.int64),
        pair_ranks=np.zeros(pair_slots, dtype=np.int32),
        pair_results=np.zeros(pair_slots, dtype=np.int32),
    )
    pairs = np.array(merges, dtype=np.int32).reshape(-1, 2)
    results = np.array([ids[tokens[a] + tokens[b]] for a, b in merges], dtype=np.int32)
    fill_pairs(tables, pairs[:, 0].copy(), pairs[:, 1].copy(), results)
    return tables
