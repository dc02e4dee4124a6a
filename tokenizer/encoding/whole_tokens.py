"""The tokens that their own merges give back: the short cut from a word to its id, and the tokens that no text
produces.

Byte-pair encoding of a token's bytes need not end in that token, as a merge of lower rank may cut across it. A word
that is a token may skip the merges only if they do; a token for which they do not is unreachable.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.merge_long import MergeScratch, new_scratch
from tokenizer.encoding.merge_one import bytes_to_ids, merge_all
from tokenizer.encoding.tables import ID_BITS, Tables, encoding_tables, token_key
from tokenizer.native.arrays import bare
from tokenizer.native.byte_words import KEY_BYTES, key_of
from tokenizer.native.compile import inlined, native
from tokenizer.native.hashing import hash_bytes, hash_key
from tokenizer.native.perfect_hash import perfect_table
from tokenizer.pretokenize.grammars import O200K


def build_tables(
    tokens: list[bytes], merges: list[tuple[int, int]], scanner: int = O200K, *, ignore_merges: bool = False
) -> Tables:
    """The tables of a vocabulary, complete; ids that have no token stand for no bytes. With ``ignore_merges`` every
    token is what a word that is the same may be. `InputError` for more tokens than ids have bits."""
    tables = encoding_tables(tokens, merges, scanner)
    whole, keys = _whole_tokens(tables, new_scratch(len(merges)), max(map(len, tokens)))
    ranks = np.full(len(tokens), -1, dtype=np.int64)
    ranks[tables.results[::-1]] = np.arange(len(merges))[::-1]  # of several merges that make a token the first
    char_ids = np.where(whole[tables.char_ids], tables.char_ids, -1).astype(np.int32)
    there = np.diff(tables.token_offsets) > 0
    whole = there & (whole | ignore_merges)
    short_cuts = np.flatnonzero(whole & (ranks < tables.superword_rank))
    keys = keys[short_cuts]
    return tables._replace(
        char_ids=char_ids,
        whole_tokens=perfect_table(keys, (keys >> ID_BITS << ID_BITS) | short_cuts),
        unreachable=int(np.count_nonzero(there & ~whole)),
    )


@native
def _whole_tokens(counted: Tables, scratch: MergeScratch, longest: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """For each token: whether its own merges give it back, and its key."""
    tables = bare(counted)
    size = tables.token_offsets.size - 1
    whole = np.empty(size, dtype=np.bool_)
    keys = np.empty(size, dtype=np.int64)
    ids = np.empty(longest, dtype=np.int32)
    first = np.int64(0)
    for token in range(size):
        start, end = tables.token_offsets[token], tables.token_offsets[token + 1]
        stop = bytes_to_ids(tables, tables.token_data, start, end, ids, first)
        whole[token] = merge_all(tables, scratch, ids, first, stop) == 1 and ids[0] == token
        keys[token] = token_key(_hash(tables.token_data, start, end))
    return whole, keys


@inlined
def _hash(data: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    """The hash of a word, as `tokenizer.encoding.words` takes it."""
    if end - start > KEY_BYTES:
        return hash_bytes(data, start, end)
    first, second, third = key_of(data, start, end - start)
    return hash_key(first, second, third)
