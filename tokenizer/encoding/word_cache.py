"""The cache of words lately encoded: direct-mapped, bounded, one per thread.

An entry is one line of the processor's cache, 64 bytes: the word's bytes as a key of three numbers, a number
that describes it, and up to eight ids.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.merge_long import Room, new_room
from tokenizer.native.compile import inlined
from tokenizer.native.vectors import copy_lanes

_LINE = 64


class Cache(NamedTuple):
    """Words lately encoded, and room for the merges."""

    entries: NDArray[np.uint64]
    """Eight numbers an entry: the key, then size | number of ids << 8 | whether merges are left << 16 (0 in an
    empty entry), then the ids."""
    ids: NDArray[np.int32]
    """The same memory as numbers of 32 bits."""
    room: Room


def new_cache(merges: int, slots: int = 1 << 15) -> Cache:
    """An empty cache for a vocabulary of so many merges; ``slots`` is a power of two."""
    lines = np.zeros((slots + 1) * _LINE, dtype=np.uint8)
    start = -lines.ctypes.data % _LINE
    memory = lines[start : start + slots * _LINE]
    return Cache(memory.view(np.uint64), memory.view(np.int32), new_room(merges))


@inlined
def entry_of(cache: Cache, h: np.uint64) -> int:
    """Where the entry of the words with hash ``h`` begins."""
    return np.int64(h & np.uint64((cache.entries.size >> 3) - 1)) << 3


@inlined
def holds(cache: Cache, entry: int, key: tuple[np.uint64, np.uint64, np.uint64], size: int) -> bool:
    """Whether the entry is of the word of ``size`` bytes. No branches: it is nothing to bet on."""
    entries = cache.entries
    other = (entries[entry] ^ key[0]) | (entries[entry + 1] ^ key[1]) | (entries[entry + 2] ^ key[2])
    return (other | ((entries[entry + 3] & np.uint64(0xFF)) ^ np.uint64(size))) == 0


@inlined
def remember(
    cache: Cache,
    entry: int,
    key: tuple[np.uint64, np.uint64, np.uint64],
    size: int,
    ids: NDArray[np.int32],
    at: int,
    count: int,
    left: bool,
) -> None:
    """Enter a word whose ids are ``ids[at : at + count]``, at most eight; eight are read."""
    cache.entries[entry] = key[0]
    cache.entries[entry + 1] = key[1]
    cache.entries[entry + 2] = key[2]
    cache.entries[entry + 3] = np.uint64(size | (count << 8) | (np.int64(left) << 16))
    copy_lanes(cache.ids, 2 * entry + 8, ids, at)
