"""The first step of encoding: the words of a block to ids, by the merges that stay within words.

A word becomes ids in the cheapest way that applies:

1. the word cache holds it;
2. it is a token that its own merges give back (`tokenizer.encoding.whole_tokens`): that id;
3. byte-pair merges: of all short words of the block at a time (`merge_rows`), of the others one by one (`merge_one`).
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.merge_one import chars_to_ids, merge_ids
from tokenizer.encoding.merge_rows import add_row, clear_row, first_lane, merge_rows
from tokenizer.encoding.tables import ID_BITS, ID_MASK, Tables, token_key
from tokenizer.encoding.workspace import Workspace, entry_of, holds, store
from tokenizer.native.byte_words import KEY_BYTES, key_of, same_bytes
from tokenizer.native.compile import inlined, native
from tokenizer.native.hashing import hash_bytes, hash_key
from tokenizer.native.perfect_hash import entry_at, slot_of
from tokenizer.native.vectors import LANES, copy_lanes, prefetch

_ALONE = -1  # sentinel in `WordBlock.counts`


@inlined
def add_word(workspace: Workspace, word: int, data: NDArray[np.uint8], start: int, end: int) -> None:
    """Enter ``data[start:end]`` into the block."""
    words = workspace.words
    key = key_of(data, start, min(end - start, KEY_BYTES))
    words.starts[word] = start
    words.starts[word + 1] = end
    words.hashes[word] = hash_key(key[0], key[1], key[2])
    prefetch(workspace.cache.entries, entry_of(workspace.cache, words.hashes[word]))


@native
def encode_words(
    tables: Tables, workspace: Workspace, data: NDArray[np.uint8], count: int, out: NDArray[np.int32], at: int
) -> int:
    """Write the ids of the block's first ``count`` words to ``out`` from ``at`` on; where they end. Eight numbers
    behind them may be written too."""
    missed = _look_up(workspace, data, count)
    rows = _tokens_or_rows(tables, workspace, data, missed)
    merge_rows(tables, workspace.rows, rows, tables.superword_rank)
    _take_rows(workspace, data, rows)
    words = workspace.words
    for word in range(count):
        words.id_starts[word] = at
        if words.counts[word] == _ALONE:
            at = _encode_alone(tables, workspace, data, word, out, at)
        else:
            copy_lanes(out, at, words.ids, word * LANES)
            at += words.counts[word]
    words.id_starts[count] = at
    return at


@inlined
def _look_up(workspace: Workspace, data: NDArray[np.uint8], count: int) -> int:
    """Take the ids that the cache holds; the number of words that it does not hold."""
    cache, words = workspace.cache, workspace.words
    missed = 0
    for word in range(count):
        start = words.starts[word]
        size = words.starts[word + 1] - start
        key = key_of(data, start, min(size, KEY_BYTES))
        entry = entry_of(cache, words.hashes[word])
        number = np.int64(cache.entries[entry + 3])
        copy_lanes(words.ids, word * LANES, cache.ids, 2 * entry + 8)
        words.counts[word] = (number >> 8) & 0xFF
        words.unfinished[word] = number >> 16 != 0
        words.missed[missed] = word
        missed += 1 - np.int64(holds(cache, entry, key, size))
    return missed


@inlined
def _tokens_or_rows(tables: Tables, workspace: Workspace, data: NDArray[np.uint8], missed: int) -> int:
    """Of the missed words, take those that are tokens, and make rows of the others; the number of rows."""
    words, rows = workspace.words, workspace.rows
    for k in range(missed):
        prefetch(tables.whole_tokens.slots, slot_of(tables.whole_tokens, token_key(words.hashes[words.missed[k]])))
    row = 0
    for k in range(missed):
        word = words.missed[k]
        start, end = words.starts[word], words.starts[word + 1]
        words.counts[word] = _ALONE
        if end - start > KEY_BYTES:
            continue
        token = _whole_token(tables, data, start, end, words.hashes[word])
        if token >= 0:
            words.ids[word * LANES] = token
            words.counts[word] = 1
            words.unfinished[word] = False
            _store(workspace, data, word, words.ids, word * LANES, 1)
            continue
        first = first_lane(row)
        size = chars_to_ids(tables, data, start, end, rows.ids, first) - first
        if size <= LANES:
            add_row(rows, row, size, word)
            row += 1
        else:
            clear_row(rows, row)
    return row


@inlined
def _take_rows(workspace: Workspace, data: NDArray[np.uint8], count: int) -> None:
    """Give the ids of the merged rows to their words."""
    words, rows = workspace.words, workspace.rows
    for row in range(count):
        word = rows.owners[row]
        copy_lanes(words.ids, word * LANES, rows.ids, first_lane(row))
        words.counts[word] = rows.counts[row]
        words.unfinished[word] = rows.unfinished[row]
        _store(workspace, data, word, words.ids, word * LANES, rows.counts[row])


@inlined
def _store(
    workspace: Workspace, data: NDArray[np.uint8], word: int, ids: NDArray[np.int32], at: int, count: int
) -> None:
    """Put a word's ids into the cache."""
    words = workspace.words
    start = words.starts[word]
    size = words.starts[word + 1] - start
    entry = entry_of(workspace.cache, words.hashes[word])
    store(workspace.cache, entry, key_of(data, start, size), size, ids, at, count, words.unfinished[word])


@native
def _encode_alone(
    tables: Tables, workspace: Workspace, data: NDArray[np.uint8], word: int, out: NDArray[np.int32], at: int
) -> int:
    """Encode a word that has too many bytes or ids for a row; where its ids end."""
    words = workspace.words
    start, end = words.starts[word], words.starts[word + 1]
    words.unfinished[word] = False
    if end - start > KEY_BYTES:
        token = _whole_token(tables, data, start, end, hash_bytes(data, start, end))
        if token >= 0:
            out[at] = token
            return at + 1
    stop = chars_to_ids(tables, data, start, end, out, at)
    stop, words.unfinished[word] = merge_ids(tables, workspace.scratch, out, at, stop, tables.superword_rank)
    if end - start <= KEY_BYTES and stop - at <= LANES:
        _store(workspace, data, word, out, at, stop - at)
    return stop


@inlined
def _whole_token(tables: Tables, data: NDArray[np.uint8], start: int, end: int, h: np.uint64) -> int:
    """The id of the token that the word with hash ``h`` is; -1 if it is none."""
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
