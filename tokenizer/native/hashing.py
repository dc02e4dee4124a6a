"""Hash functions of 64 bits for kernels: every hash table of the project takes its hashes from here."""

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.byte_words import load64
from tokenizer.native.compile import inlined

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 / golden ratio: the multiplier of Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4)."""
SECOND = np.uint64(0xD6E8FEB86659FD93)
"""A multiplier for a second, independent hash."""


@inlined
def hash_bytes(data: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    """The hash of ``data[start:end]``: one multiplication a byte and a final mix (after FNV-1a)."""
    h = np.uint64(0xCBF29CE484222325)
    for i in range(start, end):
        h = (h ^ np.uint64(data[i])) * GOLDEN
    h ^= h >> np.uint64(29)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    return h ^ (h >> np.uint64(32))


@inlined
def hash_key(first: np.uint64, second: np.uint64, third: np.uint64) -> np.uint64:
    """The hash of three 64-bit numbers: one multiplication each and MurmurHash3's final mix (Appleby)."""
    h = first * GOLDEN
    h ^= (second + np.uint64(0x7F4A7C15)) * np.uint64(0xC2B2AE3D27D4EB4F)
    h ^= (third + np.uint64(0x165667B1)) * SECOND
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    return h ^ (h >> np.uint64(33))


@inlined
def hash_number(number: int | np.uint64) -> np.uint64:
    """The hash of one 64-bit number: a multiplication, its upper half mixed into the lower."""
    h = np.uint64(number) * GOLDEN
    return h ^ (h >> np.uint64(32))


@inlined
def combined(h: np.uint64, other: np.uint64) -> np.uint64:
    """The hash of a sequence whose items so far have the hash ``h``, and whose next item has ``other``."""
    h = (h ^ other) * GOLDEN
    return h ^ (h >> np.uint64(29))


@inlined
def hash_long(data: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    """The hash of ``data[start:end]``, eight bytes or more, eight at a time: saved samples of lines depend on it."""
    h = np.uint64(end - start)
    for i in range(start, end - 8, 8):
        h = combined(h, load64(data, i))
    return hash_number(combined(h, load64(data, end - 8)))
