"""A vocabulary as the encode kernel reads it: perfect hash tables, built once, never changed, shared by all threads."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.native.compile import inlined, native
from tokenizer.native.perfect_hash import NO_ENTRIES, PerfectTable, entry_at, perfect_table
from tokenizer.pretokenize.grammars import O200K
from tokenizer.pretokenize.gyeol import crosses_words, outer_kinds, word_ends_between
from tokenizer.text.unicode import class_table
from tokenizer.vocabulary.token_bytes import TokenBytes, token_bytes

ID_BITS = 20
ID_MASK = (1 << ID_BITS) - 1
NO_ID = ID_MASK
"""Sentinel: no id; no merge has it."""
NO_PAIR = np.int64(1 << ID_BITS)
"""Sentinel: the rank of a pair without a merge, above all ranks."""
_PART = re.compile(rb"[\x80-\xBF]{2,3}|[\xE0-\xF4][\x80-\xBF]{1,2}")
"""Bytes of one character, not all of it."""


class Tables(NamedTuple):
    """A vocabulary for the kernel."""

    classes: NDArray[np.uint8]
    """Class of each code point (`tokenizer.text.unicode`), shape (0x110000,)."""
    byte_ids: NDArray[np.int32]
    """The id of each byte, shape (256,)."""
    char_ids: NDArray[np.int32]
    """The id of each character that is one token, by code point, else -1, shape (0x110000,); empty if merging must
    begin with bytes (see `_char_ids`)."""
    token_data: NDArray[np.uint8]
    """The bytes of all tokens one after another, padded (see `tokenizer.native.byte_words`)."""
    token_offsets: NDArray[np.int64]
    """Start of each token in ``token_data``, and the end of the last: shape (tokens + 1,)."""
    whole_tokens: PerfectTable
    """The tokens that a word may be as a whole: `token_key` of its bytes in the upper 44 bits, the id below; see
    `tokenizer.encoding.whole_tokens`."""
    pairs: PerfectTable
    """The merges, left id << 40 | right id << 20 | rank by their pair: eight bytes a merge, so that most of the table
    stays in the second-level cache."""
    results: NDArray[np.int32]
    """The id that the merge of each rank makes, shape (merges,)."""
    in_order: bool
    """Whether every merge has a higher rank than those that make its parts, as in a vocabulary that was learnt."""
    superword_rank: int
    """Rank of the first merge that reaches across words (see `superword_rank`)."""
    joinable: PerfectTable
    """Set of left id << 20 | right id: last and first ids of neighbouring words that a superword merge may join. The
    sentinel `NO_ENTRIES` if it may join any, as it must be taken to without `in_order`."""
    unreachable: int
    """Number of tokens that no text produces, because their own merges do not give them back."""


@inlined
def rank_of(tables: Tables, left: int, right: int) -> int:
    """The rank of a pair's merge; `NO_PAIR` if there is none."""
    key = _pair_key(left, right)
    entry = entry_at(tables.pairs, key)
    return entry & ID_MASK if entry >> ID_BITS == key else NO_PAIR


@inlined
def may_join(tables: Tables, left: int, right: int) -> bool:
    """Whether merges may ever reach across two words, the first ending in the id ``left``, the second beginning
    with ``right``."""
    if tables.joinable.slots.size == 0:
        return True
    key = _pair_key(left, right)
    return entry_at(tables.joinable, key) == key


@inlined
def token_key(h: np.uint64) -> int:
    """The key of a token in `Tables.whole_tokens` from the hash of its bytes: 63 bits, as entries are not negative."""
    return np.int64(h >> np.uint64(1))


@inlined
def _pair_key(left: int, right: int) -> int:
    return (np.int64(left) << ID_BITS) | np.int64(right)


def encoding_tables(tokens: Sequence[bytes], merges: Sequence[tuple[int, int]], scanner: int = O200K) -> Tables:
    """The tables of a vocabulary but for ``whole_tokens`` and ``unreachable``, which take merging to find out."""
    if len(tokens) > ID_MASK or len(merges) > ID_MASK:
        raise InputError(f"the vocabulary has {max(len(tokens), len(merges)):,} tokens; at most {ID_MASK:,} fit")
    flat = token_bytes(tokens)
    pairs = np.array(merges, dtype=np.int32).reshape(-1, 2)
    ids = {token: i for i, token in enumerate(tokens)}
    results = np.array([ids[tokens[a] + tokens[b]] for a, b in merges], dtype=np.int32)
    keys = (pairs[:, 0].astype(np.int64) << ID_BITS) | pairs[:, 1]
    first = len(merges) if scanner == O200K else superword_rank(flat, results, class_table())
    chars = _char_ids(tokens)
    in_order = _in_order(pairs, results, len(tokens))
    return Tables(
        classes=class_table(),
        byte_ids=_byte_ids(flat),
        char_ids=chars,
        token_data=flat.data,
        token_offsets=flat.offsets,
        whole_tokens=NO_ENTRIES,
        pairs=perfect_table(keys, (keys << ID_BITS) | np.arange(len(keys))),
        results=results,
        in_order=in_order,
        superword_rank=first,
        joinable=_joinable(flat, chars, pairs, results, first) if in_order else NO_ENTRIES,
        unreachable=0,
    )


@native
def superword_rank(tokens: TokenBytes, results: NDArray[np.int32], classes: NDArray[np.uint8]) -> int:
    """The rank of the first merge whose token may hold parts of two words of a pre-token; the number of merges if none
    does. ``results`` has the token of each merge in order.

    Below that rank byte-pair encoding treats the words of a pre-token as if each stood alone, so that their ids may
    come from a cache; from there on it merges the ids of the whole pre-token.
    """
    for rank in range(results.size):
        token = results[rank]
        if crosses_words(tokens.data, tokens.offsets[token], tokens.offsets[token + 1], classes):
            return rank
    return results.size


def _byte_ids(flat: TokenBytes) -> NDArray[np.int32]:
    """The id of each byte; all 256 are tokens."""
    single = np.flatnonzero(np.diff(flat.offsets) == 1)
    ids = np.zeros(256, dtype=np.int32)
    ids[flat.data[flat.offsets[single]]] = single
    return ids


def _in_order(pairs: NDArray[np.int32], results: NDArray[np.int32], tokens: int) -> bool:
    """Whether every merge comes behind all merges that make its parts."""
    made = np.full(tokens, -1, dtype=np.int64)
    made[results] = np.arange(len(results))  # of several that make a token the last
    return bool((made[pairs].max(axis=1, initial=-1) < np.arange(len(pairs))).all())


def _char_ids(tokens: Sequence[bytes]) -> NDArray[np.int32]:
    """Ids of the characters that are tokens, for vocabularies in which bytes of a character never join others.

    There the merges inside a character do not depend on its neighbours and come before all others that it takes part
    in, so that merging may begin with characters instead of bytes. Empty for other vocabularies. Characters whose own
    merges do not make their token are taken out later (`tokenizer.encoding.whole_tokens`).
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


def _joinable(
    tokens: TokenBytes, chars: NDArray[np.int32], pairs: NDArray[np.int32], results: NDArray[np.int32], first: int
) -> PerfectTable:
    if np.unique(results).size < results.size:  # a token made in two ways has no one first and last part
        return NO_ENTRIES
    is_char = np.zeros(tokens.offsets.size - 1, dtype=np.bool_)
    is_char[chars[chars >= 0]] = True
    keys = _joinable_keys(tokens, class_table(), is_char, pairs, results, first)
    return perfect_table(keys, keys)


@native
def _joinable_keys(
    tokens: TokenBytes,
    classes: NDArray[np.uint8],
    is_char: NDArray[np.bool_],
    pairs: NDArray[np.int32],
    results: NDArray[np.int32],
    first: int,
) -> NDArray[np.int64]:
    """Keys of the pairs that the merges from rank ``first`` on may join: the ids on both sides of the boundary between
    two words as they are when the words are merged by the lower ranks, characters being whole."""
    heads = np.arange(is_char.size)
    tails = np.arange(is_char.size)
    keys = np.empty(results.size, dtype=np.int64)
    count = 0
    for rank in range(first, results.size):
        a, b = pairs[rank]
        if not is_char[results[rank]]:
            heads[results[rank]] = heads[a]
            tails[results[rank]] = tails[b]
        last = outer_kinds(tokens.data, tokens.offsets[a], tokens.offsets[a + 1], classes)[1]
        following = outer_kinds(tokens.data, tokens.offsets[b], tokens.offsets[b + 1], classes)[0]
        if word_ends_between(last, following):
            keys[count] = _pair_key(tails[a], heads[b])
            count += 1
    return keys[:count]
