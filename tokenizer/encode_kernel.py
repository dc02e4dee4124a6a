"""The encode kernel: UTF-8 bytes to ids, without Python objects and without the GIL.

A word (a pre-token, or what a morpheme boundary left of one) becomes ids in the cheapest way that applies:

1. it was met lately: the ids in the cache (a direct-mapped table, bounded, one per thread);
2. it is a token whose own merges give it back: its id;
3. byte-pair merges (`tokenizer.encode_merges`).

Runs of several words are encoded in two steps: each word by the merges that never reach across words, and then
the ids of those that later merges may join. The result is that of merging the bytes of the whole run, as other
engines do: see `tokenizer.encode_tables.word_ranks`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.counts import hash_bytes
from tokenizer.encode_merges import SHORT, merge_bytes, merge_ids, merge_text
from tokenizer.encode_tables import NO_PAIR, Tables, may_join, rank_of, uncounted_tables
from tokenizer.native import inlined, native, uncounted
from tokenizer.pretokenize import GYEOL, next_pretoken
from tokenizer.runs import begins_run, next_run, next_word, word_behind
from tokenizer.scanning import char_at
from tokenizer.unicode import MARK

CACHED_BYTES, CACHED_IDS = 40, 16
_run_end, _word_end = next_run, next_word


class Cache(NamedTuple):
    """Words lately encoded, and room for the merges: one per thread."""

    hashes: NDArray[np.uint64]
    sizes: NDArray[np.int32]
    data: NDArray[np.uint8]
    id_counts: NDArray[np.int32]
    """Negative when merges among the ids are left."""
    ids: NDArray[np.int32]
    ranks: NDArray[np.int32]


def new_cache(slots: int = 1 << 15) -> Cache:
    """An empty cache; ``slots`` is a power of two."""
    return Cache(
        hashes=np.zeros(slots, dtype=np.uint64),
        sizes=np.zeros(slots, dtype=np.int32),
        data=np.zeros((slots, CACHED_BYTES), dtype=np.uint8),
        id_counts=np.zeros(slots, dtype=np.int32),
        ids=np.zeros((slots, CACHED_IDS), dtype=np.int32),
        ranks=np.zeros(SHORT, dtype=np.int32),
    )


@inlined
def _uncounted_cache(cache: Cache) -> Cache:
    return Cache(
        uncounted(cache.hashes),
        uncounted(cache.sizes),
        uncounted(cache.data),
        uncounted(cache.id_counts),
        uncounted(cache.ids),
        uncounted(cache.ranks),
    )


@native
def fill_tokens(tables: Tables, cache: Cache, work: NDArray[np.int32]) -> int:
    """Enter the tokens that their own merges give back; how many others there are."""
    unreachable = 0
    mask = tables.token_slots.size - 1
    for token in range(tables.token_offsets.size - 1):
        start, end = tables.token_offsets[token], tables.token_offsets[token + 1]
        h = hash_bytes(tables.token_data, start, end)
        tables.token_hashes[token] = h
        count = merge_bytes(tables, cache.ranks, tables.token_data, start, end, work, 0, NO_PAIR)
        if count != 1 or work[0] != token:
            unreachable += 1
            _forget_char(tables, start, end)
            continue
        slot = np.int64(h & np.uint64(mask))
        while tables.token_slots[slot] >= 0:
            slot = (slot + 1) & mask
        tables.token_slots[slot] = token
    return unreachable


@native
def _forget_char(tables: Tables, start: int, end: int) -> None:
    """Have a character that its own merges do not make one token merged from its bytes."""
    if tables.char_ids.size and end > start + 1 and tables.token_data[start] >= 0xC0:
        code, size = char_at(tables.token_data, start)
        if size == end - start:
            tables.char_ids[code] = -1


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


@inlined
def _encode_word(
    tables: Tables,
    cache: Cache,
    data: NDArray[np.uint8],
    start: int,
    end: int,
    out: NDArray[np.int32],
    at: int,
) -> tuple[int, bool]:
    """Encode ``data[start:end]`` by the merges that stay within words; where the ids end, and whether any of the
    other merges is left among them."""
    h = hash_bytes(data, start, end)
    size = end - start
    slot = np.int64(h & np.uint64(cache.hashes.size - 1))
    if cache.hashes[slot] == h and cache.sizes[slot] == size:
        same = True
        for k in range(size):
            if cache.data[slot, k] != data[start + k]:
                same = False
                break
        if same:
            count = abs(cache.id_counts[slot])
            for k in range(count):
                out[at + k] = cache.ids[slot, k]
            return at + count, cache.id_counts[slot] < 0
    left = False
    token = _whole_token(tables, data, start, end, h)
    if token >= 0 and tables.token_ranks[token] < tables.word_ranks:
        out[at] = token
        stop = at + 1
    else:
        stop = merge_text(tables, cache.ranks, data, start, end, out, at, tables.word_ranks)
        for k in range(at, stop - 1):
            if rank_of(tables, out[k], out[k + 1], NO_PAIR) != NO_PAIR:
                left = True
                break
    if size <= CACHED_BYTES and stop - at <= CACHED_IDS:
        cache.hashes[slot] = h
        cache.sizes[slot] = size
        cache.id_counts[slot] = at - stop if left else stop - at
        for k in range(size):
            cache.data[slot, k] = data[start + k]
        for k in range(stop - at):
            cache.ids[slot, k] = out[at + k]
    return stop, left


@inlined
def _ends_in_mark(tables: Tables, data: NDArray[np.uint8], end: int) -> bool:
    """Whether the last character of the UTF-8 before ``end`` is a combining mark."""
    k = end - 1
    if data[k] < 0x80:
        return False
    while data[k] & 0xC0 == 0x80:
        k -= 1
    return tables.classes[char_at(data, k)[0]] == MARK


@inlined
def _encode_run(
    tables: Tables,
    cache: Cache,
    data: NDArray[np.uint8],
    start: int,
    end: int,
    out: NDArray[np.int32],
    at: int,
) -> tuple[int, int]:
    """Encode the run at ``start`` of the text ``data[:end]``: its words, and then groups of those that merges may
    join. Where the ids end, and the run."""
    i, j = start, _word_end(data, start, end, tables.classes)
    goes_on = begins_run(data, start, end, tables.classes)
    following = j  # where the word behind a sentence mark ends
    group = stop = at  # where the ids of the open group begin and end
    left = False  # whether merges may be left in it
    while True:
        word = stop
        stop, more = _encode_word(tables, cache, data, i, j, out, word)
        if i > start:
            if may_join(tables, out[word - 1], out[word]):
                left = True
            else:
                closed = merge_ids(tables, cache.ranks, out, group, word, NO_PAIR) if left else word
                for k in range(stop - word):
                    out[closed + k] = out[word + k]
                group = closed
                stop = closed + stop - word
                left = False
        left = left or more
        i = j
        if following > j:
            j = following
            continue
        if not goes_on:
            break
        space, following = word_behind(data, j, end, tables.classes)
        if following == j:
            break
        if _ends_in_mark(tables, data, j):
            j = _run_end(data, start, end, tables.classes)
            return merge_text(tables, cache.ranks, data, start, j, out, at, NO_PAIR), j
        j = space if space > j else following
    return merge_ids(tables, cache.ranks, out, group, stop, NO_PAIR) if left else stop, j


@native
def encode_texts(
    counted: Tables, held: Cache, text: NDArray[np.uint8], ends: NDArray[np.int64], ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Encode the texts that end at ``ends`` into ``ids`` (room for an id a byte); where each one's ids end."""
    tables, cache, data, out = uncounted_tables(counted), _uncounted_cache(held), uncounted(text), uncounted(ids)
    stops = np.empty(ends.size, dtype=np.int64)
    at = 0
    i = np.int64(0)
    for k in range(ends.size):
        while i < ends[k]:
            if tables.scanner == GYEOL:
                at, i = _encode_run(tables, cache, data, i, ends[k], out, at)
            else:
                j = next_pretoken(data, i, ends[k], tables.classes, tables.scanner)
                at, _ = _encode_word(tables, cache, data, i, j, out, at)
                i = j
        stops[k] = at
    return stops


@native
def encode_pieces(
    counted: Tables, held: Cache, text: NDArray[np.uint8], ends: NDArray[np.int64], ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """As `encode_texts`, for pieces that are not cut any further."""
    tables, cache, data, out = uncounted_tables(counted), _uncounted_cache(held), uncounted(text), uncounted(ids)
    stops = np.empty(ends.size, dtype=np.int64)
    at = 0
    i = np.int64(0)
    for k in range(ends.size):
        if ends[k] > i:
            at, _ = _encode_word(tables, cache, data, i, ends[k], out, at)
        i = ends[k]
        stops[k] = at
    return stops
