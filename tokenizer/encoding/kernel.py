"""The encode kernels: UTF-8 bytes to ids, without Python objects and without the GIL, a block of words at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.merge_long import Room
from tokenizer.encoding.merge_one import bytes_to_ids, merge_group
from tokenizer.encoding.superwords import find_groups, merge_groups
from tokenizer.encoding.tables import ID_BITS, NO_ID, Tables
from tokenizer.encoding.words import add_word, encode_words, token_key
from tokenizer.encoding.workspace import BLOCK, Desk, Words
from tokenizer.native.arrays import bare
from tokenizer.native.byte_words import KEY_BYTES, key_of
from tokenizer.native.compile import inlined, native
from tokenizer.native.hashing import hash_bytes, hash_key
from tokenizer.native.perfect_hash import perfect_table
from tokenizer.native.vectors import LANES
from tokenizer.pretokenize.gyeol import begins_run, next_word, word_behind
from tokenizer.pretokenize.o200k import next_pretoken
from tokenizer.pretokenize.scanning import begins_syllable, char_at
from tokenizer.text.unicode import MARK

_GAP = LANES + 1
"""How far the ids of words stay behind those of groups: one that is no id, and what `copy_lanes` may write."""
SLACK = _GAP + LANES
"""How many more numbers than there are bytes the kernels may write."""
_pretoken_end = next_pretoken


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
    tables = bare(counted)
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
            keys[found] = token_key(_hash(tables.token_data, start, end))
            tokens[found] = token
            found += 1
    return keys[:found], tokens[:found], unreachable


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


@native
def encode_pretokens(
    counted: Tables, held: Desk, text: NDArray[np.uint8], ends: NDArray[np.int64], ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Encode the texts that end at ``ends`` by the grammar ``o200k`` into ``ids`` (room for an id a byte and `SLACK`
    more); where each one's ids end. The memory of ``text`` goes on, see `tokenizer.native.byte_words`."""
    tables, desk, data, out = bare(counted), bare(held), bare(text), bare(ids)
    stops = np.empty(ends.size, dtype=np.int64)
    at = i = done = k = np.int64(0)
    while k < ends.size:
        word = np.int64(0)
        while k < ends.size and word < BLOCK:
            if i < ends[k]:
                j = _pretoken_end(data, i, ends[k], tables.classes)
                add_word(desk, word, data, i, j)
                word += 1
                i = j
            else:
                stops[k] = word
                k += 1
        at = encode_words(tables, desk, data, word, out, at)
        done = _settle(stops, done, k, desk.words)
    return stops


@native
def encode_pieces(
    counted: Tables, held: Desk, text: NDArray[np.uint8], ends: NDArray[np.int64], ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """As `encode_pretokens`, for pieces that are not cut any further."""
    tables, desk, data, out = bare(counted), bare(held), bare(text), bare(ids)
    stops = np.empty(ends.size, dtype=np.int64)
    at = i = done = k = np.int64(0)
    while k < ends.size:
        word = np.int64(0)
        while k < ends.size and word < BLOCK:
            if i < ends[k]:
                add_word(desk, word, data, i, ends[k])
                word += 1
                i = ends[k]
            stops[k] = word
            k += 1
        at = encode_words(tables, desk, data, word, out, at)
        done = _settle(stops, done, k, desk.words)
    return stops


@inlined
def _settle(stops: NDArray[np.int64], done: int, k: int, words: Words) -> int:
    """For the texts that ended in this block: where the ids end, in the place of how many words came before."""
    for text in range(done, k):
        stops[text] = words.places[stops[text]]
    return k


def encode_runs(
    tables: Tables, desk: Desk, text: NDArray[np.uint8], ends: NDArray[np.int64], ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """As `encode_pretokens`, by the grammar ``gyeol``."""
    if tables.word_ranks == tables.results.size:
        return _encode_words_of_runs(tables, desk, text, ends, ids)
    return _encode_runs(tables, desk, text, ends, ids)


@native
def _encode_words_of_runs(
    counted: Tables, held: Desk, text: NDArray[np.uint8], ends: NDArray[np.int64], ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """For vocabularies without merges that reach across words."""
    tables, desk, data, out = bare(counted), bare(held), bare(text), bare(ids)
    stops = np.empty(ends.size, dtype=np.int64)
    at = i = done = k = np.int64(0)
    run = False  # whether words may follow that are in one run with the last
    while k < ends.size:
        word, i, k, run = _take_block(tables, desk, data, ends, stops, i, k, run)
        at = encode_words(tables, desk, data, word, out, at)
        done = _settle(stops, done, k, desk.words)
    return stops


@native
def _encode_runs(
    counted: Tables, held: Desk, text: NDArray[np.uint8], ends: NDArray[np.int64], ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """The ids of words become those of groups in the same memory; the last group of a block waits for the next."""
    tables, desk, data, out = bare(counted), bare(held), bare(text), bare(ids)
    groups = desk.groups
    stops = np.empty(ends.size, dtype=np.int64)
    out[_GAP - 1] = NO_ID
    place = groups.starts[0] = np.int64(_GAP)
    groups.left[0] = False
    at = i = done = k = np.int64(0)
    run = False  # whether words may follow that are in one run with the last
    while k < ends.size:
        word, i, k, run = _take_block(tables, desk, data, ends, stops, i, k, run)
        place = encode_words(tables, desk, data, word, out, place)
        count = find_groups(tables, desk, word, out)
        at = merge_groups(tables, desk, count if k == ends.size else count - 1, out, at)
        while done < k:
            stops[done] = groups.stops[groups.of_words[stops[done]]]
            done += 1
        groups.starts[0] = groups.starts[count - 1]
        groups.left[0] = groups.left[count - 1]
    return stops


@inlined
def _take_block(
    tables: Tables,
    desk: Desk,
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    stops: NDArray[np.int64],
    i: int,
    k: int,
    run: bool,
) -> tuple[int, int, int, bool]:
    """Enter the words from byte ``i`` of text ``k`` on; how many fitted, and ``i``, ``k`` and ``run`` behind them. For
    texts that end, ``stops`` has how many words came before."""
    word = np.int64(0)
    while k < ends.size and word < BLOCK:
        if i < ends[k]:
            desk.words.goes_on[word], j, run = _word_of_run(data, i, ends[k], tables.classes, run)
            add_word(desk, word, data, i, j)
            word += 1
            i = j
        else:
            stops[k] = word
            k += 1
            run = False
    return word, i, k, run


@inlined
def _word_of_run(
    data: NDArray[np.uint8], i: int, end: int, classes: NDArray[np.uint8], run: bool
) -> tuple[bool, int, bool]:
    """Whether the word at ``i`` is in one run with the word before it, where it ends, and whether others may follow."""
    goes_on = False
    j = i
    if run:
        space, j = word_behind(data, i, end, classes)
        goes_on = j > i
        j = space if space > i else j
    if not goes_on:
        j = next_word(data, i, end, classes)
        run = begins_run(data, i, end, classes)
    while run and _ends_in_mark(data, j, classes):  # a mark may be merged with what follows before words are made
        space, stop = word_behind(data, j, end, classes)
        if stop == j:
            break
        j = space if space > j else stop
    return goes_on, j, run


@inlined
def _ends_in_mark(data: NDArray[np.uint8], end: int, classes: NDArray[np.uint8]) -> bool:
    """Whether the last character of the UTF-8 before ``end`` is a combining mark."""
    k = end - 1
    if data[k] < 0x80 or (k >= 2 and begins_syllable(data, k - 2, end)):  # nearly all
        return False
    while data[k] & 0xC0 == 0x80:
        k -= 1
    return classes[char_at(data, k)[0]] == MARK
