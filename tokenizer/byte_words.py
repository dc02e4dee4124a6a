"""Short byte strings as three 64-bit numbers: compared and hashed without a loop over their bytes.

Kernels that use this read up to `PADDING` bytes behind a text, so its array must have as many more than the text.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numba.np import arrayobj
from numpy.typing import NDArray

from tokenizer.native import inlined

KEY_BYTES = 24
"""The longest string that three numbers hold."""
PADDING = 32


def padded(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of ``data`` with `PADDING` zero bytes behind it."""
    return np.concatenate([data, np.zeros(PADDING, dtype=np.uint8)])


def _load64(typing: Any, array: Any, index: Any) -> Any:
    """Eight bytes of a uint8 array from ``index`` on as one number; they need not be aligned."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = arrayobj.make_array(array)(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(64).as_pointer())
        return builder.load(address, align=1)

    return types.uint64(array, types.int64), generate


load64: Any = intrinsic(_load64)


@inlined
def key_of(data: NDArray[np.uint8], start: int, size: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """The ``size`` bytes at ``start``, at most `KEY_BYTES`, as three little-endian numbers, zeros behind the last."""
    zero, ones = np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)
    first = load64(data, start)
    if size <= 8:
        return first & (ones >> np.uint64(64 - 8 * size)), zero, zero
    second = load64(data, start + 8)
    if size <= 16:
        return first, second & (ones >> np.uint64(128 - 8 * size)), zero
    return first, second, load64(data, start + 16) & (ones >> np.uint64(192 - 8 * size))


@inlined
def hash_key(first: np.uint64, second: np.uint64, third: np.uint64) -> np.uint64:
    """A 64-bit hash of a key: a multiplication each and a final mix (MurmurHash3's, by Appleby)."""
    h = first * np.uint64(0x9E3779B97F4A7C15)
    h ^= (second + np.uint64(0x7F4A7C15)) * np.uint64(0xC2B2AE3D27D4EB4F)
    h ^= (third + np.uint64(0x165667B1)) * np.uint64(0xD6E8FEB86659FD93)
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    return h ^ (h >> np.uint64(33))


@inlined
def same_bytes(one: NDArray[np.uint8], i: int, other: NDArray[np.uint8], j: int, size: int) -> bool:
    """Whether ``size`` bytes, at least one, of two padded arrays are the same from ``i`` and ``j`` on."""
    k = 0
    while k + 8 < size:
        if load64(one, i + k) != load64(other, j + k):
            return False
        k += 8
    return (load64(one, i + k) ^ load64(other, j + k)) << np.uint64(64 - 8 * (size - k)) == 0
