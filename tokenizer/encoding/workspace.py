"""Per-thread workspace of the encode kernels: word cache, one block of 128 words, rows of ids being merged.

Everything is allocated once and used for every text that the thread encodes: page faults of fresh memory cost more than
what is done in it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.merge_long import MergeScratch, new_scratch
from tokenizer.encoding.merge_rows import MergeRows, new_rows
from tokenizer.native.compile import inlined
from tokenizer.native.vectors import LANES, copy_lanes

BLOCK = 128
"""Words looked up together: enough to hide the latency of one cache miss behind the next look-ups, few enough for the
workspace to stay in the first-level cache."""
CACHE_SLOTS = 1 << 15
"""Entries of the word cache, 2 MiB in all; 16,384 to 131,072 are as fast."""
_LINE = 64  # bytes of a cache line


class WordCache(NamedTuple):
    """Direct-mapped cache of encoded words. An entry is one cache line of 64 bytes, so that a look-up costs at most one
    cache miss."""

    entries: NDArray[np.uint64]
    """Shape (entries * 8,): the word's bytes as three numbers, then size | ids << 8 | unfinished << 16 (0 in an empty
    entry), then eight ids of 32 bits."""
    ids: NDArray[np.int32]
    """The same memory as 32-bit numbers, shape (entries * 16,)."""


class WordBlock(NamedTuple):
    """The words of one block, at most `BLOCK`."""

    starts: NDArray[np.int64]
    """First byte of each word; the next word begins where it ends."""
    hashes: NDArray[np.uint64]
    """Hash of each word's first 24 bytes."""
    continues: NDArray[np.bool_]
    """Whether the word is in the same pre-token as the word before it."""
    ids: NDArray[np.int32]
    """Shape (words * 8,): the word's ids first."""
    counts: NDArray[np.int64]
    """Number of ids; -1, a sentinel, for a word that does not fit a row and is encoded alone."""
    unfinished: NDArray[np.bool_]
    """Whether a pair among its ids has a merge, which then is a superword's."""
    missed: NDArray[np.int64]
    """The words that were not in the cache."""
    id_starts: NDArray[np.int64]
    """Start of the ids of each word in the output, and the end of the last."""


class SpanBlock(NamedTuple):
    """Spans: neighbouring words that superword merges may join; those of a block, and the last of the block before."""

    starts: NDArray[np.int64]
    """Start of each span in the ids of words, and the end of the last."""
    unfinished: NDArray[np.bool_]
    """Whether a pair among its ids may have a merge."""
    ids: NDArray[np.int32]
    """Shape (spans * 8,): the span's ids first unless it has more than eight."""
    counts: NDArray[np.int64]
    """Number of ids."""
    id_starts: NDArray[np.int64]
    """Start of the merged ids of each span in the output, and the end of the last."""
    of_word: NDArray[np.int64]
    """The span of each word, and the number of spans."""


class Workspace(NamedTuple):
    """All memory of one thread."""

    cache: WordCache
    words: WordBlock
    spans: SpanBlock
    rows: MergeRows
    scratch: MergeScratch


def new_workspace(merges: int) -> Workspace:
    """A workspace with an empty cache for a vocabulary of so many merges."""
    words = WordBlock(
        starts=np.empty(BLOCK + 1, dtype=np.int64),
        hashes=np.empty(BLOCK, dtype=np.uint64),
        continues=np.zeros(BLOCK, dtype=np.bool_),
        ids=np.empty(BLOCK * LANES, dtype=np.int32),
        counts=np.empty(BLOCK, dtype=np.int64),
        unfinished=np.empty(BLOCK, dtype=np.bool_),
        missed=np.empty(BLOCK, dtype=np.int64),
        id_starts=np.empty(BLOCK + 1, dtype=np.int64),
    )
    most = BLOCK + 1  # one more than there are words: the last span of the block before
    spans = SpanBlock(
        starts=np.empty(most + 1, dtype=np.int64),
        unfinished=np.empty(most, dtype=np.bool_),
        ids=np.empty(most * LANES, dtype=np.int32),
        counts=np.empty(most, dtype=np.int64),
        id_starts=np.empty(most + 1, dtype=np.int64),
        of_word=np.empty(BLOCK + 1, dtype=np.int64),
    )
    return Workspace(_new_cache(), words, spans, new_rows(most), new_scratch(merges))


def _new_cache() -> WordCache:
    memory = np.zeros((CACHE_SLOTS + 1) * _LINE, dtype=np.uint8)
    start = -memory.ctypes.data % _LINE
    lines = memory[start : start + CACHE_SLOTS * _LINE]
    return WordCache(lines.view(np.uint64), lines.view(np.int32))


@inlined
def entry_of(cache: WordCache, h: np.uint64) -> int:
    """Index of the entry for words with hash ``h``."""
    return np.int64(h & np.uint64((cache.entries.size >> 3) - 1)) << 3


@inlined
def holds(cache: WordCache, entry: int, key: tuple[np.uint64, np.uint64, np.uint64], size: int) -> bool:
    """Whether the entry is that of the word with this key and ``size`` bytes. Branch-free: hit or miss is
    unpredictable, and a misprediction costs more than the comparison."""
    entries = cache.entries
    differ = (entries[entry] ^ key[0]) | (entries[entry + 1] ^ key[1]) | (entries[entry + 2] ^ key[2])
    return (differ | ((entries[entry + 3] & np.uint64(0xFF)) ^ np.uint64(size))) == 0


@inlined
def store(
    cache: WordCache,
    entry: int,
    key: tuple[np.uint64, np.uint64, np.uint64],
    size: int,
    ids: NDArray[np.int32],
    at: int,
    count: int,
    unfinished: bool,
) -> None:
    """Put a word of ``size`` bytes with the ids ``ids[at : at + count]``, at most eight, in the place of what was
    there. Eight ids are read."""
    cache.entries[entry] = key[0]
    cache.entries[entry + 1] = key[1]
    cache.entries[entry + 2] = key[2]
    cache.entries[entry + 3] = np.uint64(size | (count << 8) | (np.int64(unfinished) << 16))
    copy_lanes(cache.ids, 2 * entry + 8, ids, at)
