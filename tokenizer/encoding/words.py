"""Words to ids, a block of them at a time, by the merges that stay within words.

A word (a pre-token, or what a morpheme boundary left of one) becomes ids in the cheapest way that applies:

1. it was met lately: the ids in the cache (a direct-mapped table, bounded, one per thread);
2. it is a token whose own merges give it back: its id;
3. byte-pair merges, of all short words of the block at a time (`tokenizer.encoding.merge_rows`), of others one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.merge_one import merge_ids, text_to_ids
from tokenizer.encoding.merge_rows import add_row, clear_row, first_lane, merge_rows
from tokenizer.encoding.tables import ID_BITS, ID_MASK, Tables
from tokenizer.encoding.word_cache import entry_of, holds, remember
from tokenizer.encoding.workspace import Desk
from tokenizer.native.byte_words import KEY_BYTES, key_of, same_bytes
from tokenizer.native.compile import inlined, native
from tokenizer.native.hashing import hash_bytes, hash_key
from tokenizer.native.perfect_hash import entry_at, slot_of
from tokenizer.native.vectors import LANES, copy_lanes, prefetch

_ALONE = -1


@inlined
def add_word(desk: Desk, word: int, data: NDArray[np.uint8], start: int, end: int) -> None:
    """Enter ``data[start:end]`` into the block."""
    words = desk.words
    key = key_of(data, start, min(end - start, KEY_BYTES))
    words.starts[word] = start
    words.starts[word + 1] = end
    words.hashes[word] = hash_key(key[0], key[1], key[2])
    prefetch(desk.cache.entries, entry_of(desk.cache, words.hashes[word]))


@native
def encode_words(
    tables: Tables, desk: Desk, data: NDArray[np.uint8], count: int, out: NDArray[np.int32], at: int
) -> int:
    """Write the ids of the first ``count`` words of the block to ``out`` from ``at`` on; where they end. Eight numbers
    behind them may be written too."""
    missed = _look_up(desk, data, count)
    rows = _tokens_or_rows(tables, desk, data, missed)
    merge_rows(tables, desk.lanes, rows, tables.word_ranks)
    _take_rows(desk, data, rows)
    words = desk.words
    for word in range(count):
        words.places[word] = at
        if words.counts[word] == _ALONE:
            at = _encode_alone(tables, desk, data, word, out, at)
        else:
            copy_lanes(out, at, words.ids, word * LANES)
            at += words.counts[word]
    words.places[count] = at
    return at


@inlined
def _look_up(desk: Desk, data: NDArray[np.uint8], count: int) -> int:
    """Take what the cache holds; how many words it does not."""
    cache, words = desk.cache, desk.words
    missed = 0
    for word in range(count):
        start = words.starts[word]
        size = words.starts[word + 1] - start
        key = key_of(data, start, min(size, KEY_BYTES))
        entry = entry_of(cache, words.hashes[word])
        number = np.int64(cache.entries[entry + 3])
        copy_lanes(words.ids, word * LANES, cache.ids, 2 * entry + 8)
        words.counts[word] = (number >> 8) & 0xFF
        words.left[word] = number >> 16 != 0
        words.missed[missed] = word
        missed += 1 - np.int64(holds(cache, entry, key, size))
    return missed


@inlined
def _tokens_or_rows(tables: Tables, desk: Desk, data: NDArray[np.uint8], missed: int) -> int:
    """Of the words that the cache does not hold, take those that are tokens, and enter the others for merging; how many
    rows they take."""
    words, lanes = desk.words, desk.lanes
    for k in range(missed):
        prefetch(tables.whole_tokens.slots, slot_of(tables.whole_tokens, token_key(words.hashes[words.missed[k]])))
    rows = 0
    for k in range(missed):
        word = words.missed[k]
        start, end = words.starts[word], words.starts[word + 1]
        words.counts[word] = _ALONE
        if end - start > KEY_BYTES:
            continue
        token = whole_token(tables, data, start, end, words.hashes[word])
        if token >= 0:
            words.ids[word * LANES] = token
            words.counts[word] = 1
            words.left[word] = False
            _remember(desk, data, word, words.ids, word * LANES, 1)
            continue
        first = first_lane(rows)
        size = text_to_ids(tables, data, start, end, lanes.ids, first) - first
        if size <= LANES:
            add_row(lanes, rows, size, word)
            rows += 1
        else:
            clear_row(lanes, rows)
    return rows


@inlined
def _take_rows(desk: Desk, data: NDArray[np.uint8], rows: int) -> None:
    """The merged rows are the ids of their words."""
    words, lanes = desk.words, desk.lanes
    for row in range(rows):
        word = lanes.owners[row]
        copy_lanes(words.ids, word * LANES, lanes.ids, first_lane(row))
        words.counts[word] = lanes.sizes[row]
        words.left[word] = lanes.left[row]
        _remember(desk, data, word, words.ids, word * LANES, lanes.sizes[row])


@inlined
def _remember(desk: Desk, data: NDArray[np.uint8], word: int, ids: NDArray[np.int32], at: int, count: int) -> None:
    words = desk.words
    start = words.starts[word]
    size = words.starts[word + 1] - start
    entry = entry_of(desk.cache, words.hashes[word])
    remember(desk.cache, entry, key_of(data, start, size), size, ids, at, count, words.left[word])


@native
def _encode_alone(
    tables: Tables, desk: Desk, data: NDArray[np.uint8], word: int, out: NDArray[np.int32], at: int
) -> int:
    """Encode a word that has too many bytes or ids for a row; where its ids end."""
    words = desk.words
    start, end = words.starts[word], words.starts[word + 1]
    words.left[word] = False
    if end - start > KEY_BYTES:
        token = whole_token(tables, data, start, end, hash_bytes(data, start, end))
        if token >= 0:
            out[at] = token
            return at + 1
    stop = text_to_ids(tables, data, start, end, out, at)
    stop, words.left[word] = merge_ids(tables, desk.cache.room, out, at, stop, tables.word_ranks)
    if end - start <= KEY_BYTES and stop - at <= LANES:
        _remember(desk, data, word, out, at, stop - at)
    return stop


@inlined
def token_key(h: np.uint64) -> int:
    """The key of a token in `tokenizer.encoding.tables.Tables.whole_tokens`."""
    return np.int64(h >> np.uint64(1))


@inlined
def whole_token(tables: Tables, data: NDArray[np.uint8], start: int, end: int, h: np.uint64) -> int:
    """The id of the token that the word with hash ``h`` is, or -1."""
    key = token_key(h)
    entry = entry_at(tables.whole_tokens, key)
    if (entry ^ key) >> ID_BITS == 0:
        token = entry & ID_MASK
        base = tables.token_offsets[token]
        if tables.token_offsets[token + 1] - base == end - start and same_bytes(
            tables.token_data, base, data, start, end - start
        ):
            return token
    return -1
