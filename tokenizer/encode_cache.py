"""The cache of words lately encoded: direct-mapped, bounded, one per thread.

An entry is one line of the processor's cache, 64 bytes: the word's bytes as a key of three numbers, a number
that describes it, and up to eight ids.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.encode_long import Room, new_room, uncounted_room
from tokenizer.native import inlined, uncounted

CACHED_IDS = 8
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
def uncounted_cache(cache: Cache) -> Cache:
    """The cache for the inside of a kernel, see `tokenizer.native.uncounted`."""
    return Cache(uncounted(cache.entries), uncounted(cache.ids), uncounted_room(cache.room))


@inlined
def entry_of(cache: Cache, h: np.uint64) -> int:
    """Where the entry of the words with hash ``h`` begins."""
    return np.int64(h & np.uint64((cache.entries.size >> 3) - 1)) << 3


@inlined
def described(cache: Cache, entry: int, key: tuple[np.uint64, np.uint64, np.uint64], size: int) -> int:
    """What describes the entry if it holds the word of ``size`` bytes, else 0."""
    entries = cache.entries
    number = np.int64(entries[entry + 3])
    if entries[entry] == key[0] and entries[entry + 1] == key[1] and entries[entry + 2] == key[2]:
        return number if number & 0xFF == size else 0
    return 0


@inlined
def recall(cache: Cache, entry: int, number: int, out: NDArray[np.int32], at: int) -> tuple[int, bool]:
    """Copy the ids of an entry to ``out``, which has room for eight; where they end, and whether merges are left."""
    first = 2 * entry + 8
    for k in range(CACHED_IDS):  # all eight: a loop of fixed length is a single copy
        out[at + k] = cache.ids[first + k]
    return at + ((number >> 8) & 0xFF), number >> 16 != 0


@inlined
def remember(
    cache: Cache,
    entry: int,
    key: tuple[np.uint64, np.uint64, np.uint64],
    size: int,
    out: NDArray[np.int32],
    at: int,
    stop: int,
    left: bool,
) -> None:
    """Enter a word whose ids are ``out[at:stop]``, unless they are too many."""
    count = stop - at
    if count <= CACHED_IDS:
        cache.entries[entry] = key[0]
        cache.entries[entry + 1] = key[1]
        cache.entries[entry + 2] = key[2]
        cache.entries[entry + 3] = np.uint64(size | (count << 8) | (np.int64(left) << 16))
        for k in range(CACHED_IDS):
            cache.ids[2 * entry + 8 + k] = out[at + k]
