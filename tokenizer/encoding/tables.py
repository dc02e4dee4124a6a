"""What the encode kernel reads: a vocabulary as hash tables, built once and shared by all threads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.native.compile import inlined, native
from tokenizer.native.perfect_hash import NO_ENTRIES, PerfectTable, entry_at, perfect_table
from tokenizer.pretokenize.grammars import GYEOL, O200K
from tokenizer.text.unicode import class_table
from tokenizer.vocabulary.token_bytes import TokenBytes, made_in_order, token_bytes

ID_BITS = 20
ID_MASK = (1 << ID_BITS) - 1
NO_ID = ID_MASK
"""In the place of an id; no merge has it."""
NO_PAIR = np.int64(1 << ID_BITS)
"""In the place of a rank; above all."""
_WORD_STARTS = (b" ", b".", b",", b"!", b"?")
"""What a word behind another of the same run begins with."""
_PART = re.compile(rb"[\x80-\xBF]{2,3}|[\xE0-\xF4][\x80-\xBF]{1,2}")
"""Bytes of one character, not all of it."""
_JOINT_BYTE = re.compile(rb"[ .,!?]")
_JOINT = regex.compile(r"(?<=[\p{L}\uFFFD])[ .,!?]|[.,!?] ")


class Tables(NamedTuple):
    """A vocabulary for the kernel."""

    classes: NDArray[np.uint8]
    """Character classes, see `tokenizer.text.unicode`."""
    byte_ids: NDArray[np.int32]
    """The id of each byte."""
    whole_tokens: PerfectTable
    """The tokens that a word may be as a whole: the upper bits of the hash of the bytes, and the id; see
    `tokenizer.encoding.kernel.with_whole_tokens`."""
    token_data: NDArray[np.uint8]
    """The bytes of all tokens, padded (see `tokenizer.native.byte_words`)."""
    token_offsets: NDArray[np.int64]
    token_ranks: NDArray[np.int32]
    """The rank of the merge that makes each token, -1 for bytes."""
    pairs: PerfectTable
    """The merges, left id << 40 | right id << 20 | rank by their pair: eight bytes a merge, to stay near the core."""
    results: NDArray[np.int32]
    """The id that the merge of each rank makes."""
    in_order: bool
    """Whether every merge comes behind those that make its parts."""
    char_ids: NDArray[np.int32]
    """The id of each character that is one token, by code point, else -1; see `_char_ids`."""
    word_ranks: int
    """Merges of lower rank never reach across the words of a run, see `word_ranks`."""
    seams: PerfectTable
    """Set of (left id << 20 | right id): last and first ids of words, by merges of those ranks, that a later
    merge may join; without slots when any may."""


@inlined
def rank_of(tables: Tables, left: int, right: int) -> int:
    """The rank of a pair's merge; `NO_PAIR` if there is none."""
    key = _key(left, right)
    entry = entry_at(tables.pairs, key)
    return entry & ID_MASK if entry >> ID_BITS == key else NO_PAIR


@inlined
def may_join(tables: Tables, left: int, right: int) -> bool:
    """Whether merges may ever reach across two words, the first ending in the id ``left``, the second beginning
    with ``right``."""
    if tables.seams.slots.size == 0:
        return True
    key = _key(left, right)
    return entry_at(tables.seams, key) == key


@inlined
def _key(left: int, right: int) -> int:
    return (np.int64(left) << ID_BITS) | np.int64(right)


@native
def _seam_keys(
    begins_word: NDArray[np.bool_],
    is_char: NDArray[np.bool_],
    lefts: NDArray[np.int32],
    rights: NDArray[np.int32],
    results: NDArray[np.int32],
    first: int,
) -> NDArray[np.int64]:
    """What the merges from rank ``first`` on may join: the ids on both sides of the seam as they are when words are
    merged by the lower ranks, characters being whole."""
    heads = np.arange(begins_word.size)
    tails = np.arange(begins_word.size)
    keys = np.empty(lefts.size, dtype=np.int64)
    count = 0
    for rank in range(first, lefts.size):
        a, b = lefts[rank], rights[rank]
        if not is_char[results[rank]]:
            heads[results[rank]] = heads[a]
            tails[results[rank]] = tails[b]
        if begins_word[b]:
            keys[count] = _key(tails[a], heads[b])
            count += 1
    return keys[:count]


def encoding_tables(tokens: Sequence[bytes], merges: Sequence[tuple[int, int]], scanner: int = O200K) -> Tables:
    """The tables of a vocabulary, its tokens not yet entered (see `tokenizer.encoding.kernel.with_whole_tokens`)."""
    if len(tokens) > ID_MASK or len(merges) > ID_MASK:
        raise InputError(f"the vocabulary has {max(len(tokens), len(merges)):,} tokens; at most {ID_MASK:,} fit")
    flat = token_bytes(tokens)
    pairs = np.array(merges, dtype=np.int32).reshape(-1, 2)
    results = _results(tokens, flat, pairs)
    keys = (pairs[:, 0].astype(np.int64) << ID_BITS) | pairs[:, 1]
    ranks = np.full(len(tokens), -1, dtype=np.int32)
    ranks[results[::-1]] = np.arange(len(merges))[::-1]
    first = word_ranks([tokens[result] for result in results.tolist()]) if scanner == GYEOL else len(merges)
    chars = _char_ids(tokens)
    return Tables(
        classes=class_table(),
        word_ranks=first,
        seams=_seams(tokens, chars, pairs, results, first),
        byte_ids=_byte_ids(flat),
        whole_tokens=NO_ENTRIES,
        token_data=flat.data,
        token_offsets=flat.offsets,
        pairs=perfect_table(keys, (keys << ID_BITS) | np.arange(len(keys))),
        results=results,
        in_order=_in_order(pairs, results, len(tokens)),
        char_ids=chars,
        token_ranks=ranks,
    )


def _byte_ids(flat: TokenBytes) -> NDArray[np.int32]:
    """The id of each byte; all 256 are tokens."""
    single = np.flatnonzero(np.diff(flat.offsets) == 1)
    ids = np.zeros(256, dtype=np.int32)
    ids[flat.data[flat.offsets[single]]] = single
    return ids


def _results(tokens: Sequence[bytes], flat: TokenBytes, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
    """The token that each merge makes."""
    if made_in_order(flat, pairs):
        return np.arange(256, 256 + len(pairs), dtype=np.int32)
    ids = {token: i for i, token in enumerate(tokens)}
    return np.array([ids[tokens[a] + tokens[b]] for a, b in pairs.tolist()], dtype=np.int32)


def _in_order(pairs: NDArray[np.int32], results: NDArray[np.int32], tokens: int) -> bool:
    """Whether every merge comes behind all merges that make its parts, as in a vocabulary that was learned."""
    made = np.full(tokens, -1, dtype=np.int64)
    made[results] = np.arange(len(results))  # of several that make a token the last
    return bool((made[pairs].max(axis=1, initial=-1) < np.arange(len(pairs))).all())


def _char_ids(tokens: Sequence[bytes]) -> NDArray[np.int32]:
    """Ids of the characters that are tokens, for vocabularies in which bytes of a character never join others.

    There what happens inside a character does not depend on its neighbours and comes before all else that
    happens to it, so that merging may begin with characters instead of bytes. Empty for other vocabularies, and
    for those in which a character's own merges do not make its token (see `with_whole_tokens`).
    """
    found = np.full(0x110000, -1, dtype=np.int32)
    for i, token in enumerate(tokens):
        if token.isascii() and len(token) > 1:
            continue
        try:
            text = token.decode("utf-8")
        except UnicodeDecodeError:
            if len(token) > 1 and not _PART.fullmatch(token):
                return np.empty(0, dtype=np.int32)
            continue
        if len(text) == 1:
            found[ord(text)] = i
    return found


def _seams(
    tokens: Sequence[bytes], chars: NDArray[np.int32], pairs: NDArray[np.int32], results: NDArray[np.int32], first: int
) -> PerfectTable:
    if np.unique(results).size < results.size:  # a token made in two ways has no one head and tail
        return NO_ENTRIES
    begins_word = np.array([token[:1] in _WORD_STARTS for token in tokens], dtype=np.bool_)
    is_char = np.zeros(len(tokens), dtype=np.bool_)
    is_char[chars[chars >= 0]] = True
    keys = _seam_keys(begins_word, is_char, pairs[:, 0].copy(), pairs[:, 1].copy(), results, first)
    return perfect_table(keys, keys)


def word_ranks(made: Sequence[bytes]) -> int:
    """The rank of the first merge whose token holds parts of two words of a run; the number of merges if none does.

    ``made`` has the token of each merge in order. Until that rank byte-pair encoding treats the words of a run as
    if each stood alone, so that their ids may come from a cache; from there on it merges the ids of the whole
    run. (A word that ends in a combining mark is the exception, as marks are symbols too: the kernel
    encodes a run with such a word from its bytes.)
    """
    return next((rank for rank, token in enumerate(made) if _spans_words(token)), len(made))


def _spans_words(token: bytes) -> bool:
    if not _JOINT_BYTE.search(token, 1):
        return False
    return _JOINT.search(token.decode("utf-8", errors="replace")) is not None
