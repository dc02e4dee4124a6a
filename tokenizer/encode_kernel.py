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

import numpy as np
from numpy.typing import NDArray

from tokenizer.byte_words import KEY_BYTES, hash_key, key_of, same_bytes
from tokenizer.counts import hash_bytes
from tokenizer.encode_cache import CACHED_IDS, Cache, described, entry_of, recall, remember, uncounted_cache
from tokenizer.encode_long import Room
from tokenizer.encode_merges import bytes_to_ids, merge_group, merge_ids, text_to_ids
from tokenizer.encode_tables import ID_BITS, ID_MASK, Tables, may_join, uncounted_tables
from tokenizer.native import inlined, native, uncounted
from tokenizer.o200k import next_pretoken
from tokenizer.perfect_hash import entry_at, perfect_table
from tokenizer.runs import begins_run, next_run, next_word, word_behind
from tokenizer.scanning import char_at
from tokenizer.unicode import MARK

SLACK = CACHED_IDS
"""How many numbers behind the ids the kernels may write."""
_run_end, _word_end, _pretoken_end = next_run, next_word, next_pretoken


def with_whole_tokens(tables: Tables, room: Room) -> tuple[Tables, int]:
    """``tables`` with the tokens entered that their own merges give back; how many others there are."""
    work = np.empty(int(np.diff(tables.token_offsets).max()), dtype=np.int32)
    keys, tokens, unreachable = _whole_tokens(tables, room, work)
    entries = (keys >> ID_BITS << ID_BITS) | tokens
    return tables._replace(whole_tokens=perfect_table(keys, entries)), unreachable


@native
def _whole_tokens(
    counted: Tables, room: Room, work: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """The keys and ids of the tokens that words may be, and how many tokens their own merges do not give back."""
    tables = uncounted_tables(counted)
    size = tables.token_offsets.size - 1
    keys = np.empty(size, dtype=np.int64)
    tokens = np.empty(size, dtype=np.int64)
    found = unreachable = 0
    first = np.int64(0)
    for token in range(size):
        start, end = tables.token_offsets[token], tables.token_offsets[token + 1]
        stop = bytes_to_ids(tables, tables.token_data, start, end, work, first)
        if merge_group(tables, room, work, first, stop) != 1 or work[0] != token:
            unreachable += 1
            _forget_char(tables, start, end)
        elif tables.token_ranks[token] < tables.word_ranks:
            keys[found] = _token_key(_hash(tables.token_data, start, end))
            tokens[found] = token
            found += 1
    return keys[:found], tokens[:found], unreachable


@inlined
def _token_key(h: np.uint64) -> int:
    """The key of a token in `Tables.whole_tokens`."""
    return np.int64(h >> np.uint64(1))


@inlined
def _hash(data: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    """The hash of a word."""
    if end - start > KEY_BYTES:
        return hash_bytes(data, start, end)
    first, second, third = key_of(data, start, end - start)
    return hash_key(first, second, third)


@native
def _forget_char(tables: Tables, start: int, end: int) -> None:
    """Have a character that its own merges do not make one token merged from its bytes."""
    if tables.char_ids.size and end > start + 1 and tables.token_data[start] >= 0xC0:
        code, size = char_at(tables.token_data, start)
        if size == end - start:
            tables.char_ids[code] = -1


@inlined
def _whole_token(tables: Tables, data: NDArray[np.uint8], start: int, end: int, h: np.uint64) -> int:
    """The id of the token that the word with hash ``h`` is, or -1."""
    key = _token_key(h)
    entry = entry_at(tables.whole_tokens, key)
    if (entry ^ key) >> ID_BITS == 0:
        token = entry & ID_MASK
        base = tables.token_offsets[token]
        if tables.token_offsets[token + 1] - base == end - start and same_bytes(
            tables.token_data, base, data, start, end - start
        ):
            return token
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
    size = end - start
    if size > KEY_BYTES:
        return _encode_anew(tables, cache, data, start, end, hash_bytes(data, start, end), out, at)
    key = key_of(data, start, size)
    h = hash_key(key[0], key[1], key[2])
    entry = entry_of(cache, h)
    number = described(cache, entry, key, size)
    if number != 0:
        return recall(cache, entry, number, out, at)
    stop, left = _encode_anew(tables, cache, data, start, end, h, out, at)
    remember(cache, entry, key, size, out, at, stop, left)
    return stop, left


@inlined
def _encode_anew(
    tables: Tables,
    cache: Cache,
    data: NDArray[np.uint8],
    start: int,
    end: int,
    h: np.uint64,
    out: NDArray[np.int32],
    at: int,
) -> tuple[int, bool]:
    """As `_encode_word`, for a word that is not in the cache."""
    token = _whole_token(tables, data, start, end, h)
    if token >= 0:
        out[at] = token
        return at + 1, False
    return merge_ids(tables, cache.room, out, at, text_to_ids(tables, data, start, end, out, at), tables.word_ranks)


@inlined
def _ends_in_mark(tables: Tables, data: NDArray[np.uint8], end: int) -> bool:
    """Whether the last character of the UTF-8 before ``end`` is a combining mark."""
    k = end - 1
    if data[k] < 0x80 or (k >= 2 and 0xEB <= data[k - 2] <= 0xED):  # nearly all: ASCII, Hangul syllables
        return False
    while data[k] & 0xC0 == 0x80:
        k -= 1
    return tables.classes[char_at(data, k)[0]] == MARK


@native
def _encode_as_one(
    tables: Tables, cache: Cache, data: NDArray[np.uint8], start: int, end: int, out: NDArray[np.int32], at: int
) -> int:
    """Encode a run by all merges at once; where the ids end."""
    return merge_group(tables, cache.room, out, at, text_to_ids(tables, data, start, end, out, at))


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
                closed = merge_group(tables, cache.room, out, group, word) if left else word
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
            return _encode_as_one(tables, cache, data, start, j, out, at), j
        j = space if space > j else following
    return merge_group(tables, cache.room, out, group, stop) if left else stop, j


@native
def encode_runs(
    counted: Tables, held: Cache, text: NDArray[np.uint8], ends: NDArray[np.int64], ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Encode the texts that end at ``ends`` by the grammar ``gyeol`` into ``ids`` (room for an id a byte and `SLACK`
    more); where each one's ids end. ``text`` is padded, see `tokenizer.byte_words`."""
    tables, cache, data, out = uncounted_tables(counted), uncounted_cache(held), uncounted(text), uncounted(ids)
    stops = np.empty(ends.size, dtype=np.int64)
    at = np.int64(0)
    i = np.int64(0)
    for k in range(ends.size):
        while i < ends[k]:
            at, i = _encode_run(tables, cache, data, i, ends[k], out, at)
        stops[k] = at
    return stops


@native
def encode_pretokens(
    counted: Tables, held: Cache, text: NDArray[np.uint8], ends: NDArray[np.int64], ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """As `encode_runs`, by the grammar ``o200k``."""
    tables, cache, data, out = uncounted_tables(counted), uncounted_cache(held), uncounted(text), uncounted(ids)
    stops = np.empty(ends.size, dtype=np.int64)
    at = np.int64(0)
    i = np.int64(0)
    for k in range(ends.size):
        while i < ends[k]:
            j = _pretoken_end(data, i, ends[k], tables.classes)
            at, _ = _encode_word(tables, cache, data, i, j, out, at)
            i = j
        stops[k] = at
    return stops


@native
def encode_pieces(
    counted: Tables, held: Cache, text: NDArray[np.uint8], ends: NDArray[np.int64], ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """As `encode_runs`, for pieces that are not cut any further."""
    tables, cache, data, out = uncounted_tables(counted), uncounted_cache(held), uncounted(text), uncounted(ids)
    stops = np.empty(ends.size, dtype=np.int64)
    at = np.int64(0)
    i = np.int64(0)
    for k in range(ends.size):
        if ends[k] > i:
            at, _ = _encode_word(tables, cache, data, i, ends[k], out, at)
        i = ends[k]
        stops[k] = at
    return stops
