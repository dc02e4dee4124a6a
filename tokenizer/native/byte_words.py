"""Short byte strings as three 64-bit numbers: compared without a loop over their bytes.

Kernels that use this read behind the end of a text; `padded` and `tokenizer.text.utf8.joined` see to it that they may.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from tokenizer.native.arrays import address_of
from tokenizer.native.compile import inlined
from tokenizer.native.vectors import BEYOND

KEY_BYTES = 24
"""The longest string that three numbers hold."""
_KEY_MASKS = np.array(
    [(1 << 8 * min(max(size - 8 * part, 0), 8)) - 1 for size in range(KEY_BYTES + 1) for part in range(3)],
    dtype=np.uint64,
)


def padded(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of ``data`` with zeros in the memory behind it."""
    return np.concatenate([data, np.zeros(BEYOND, dtype=np.uint8)])[:-BEYOND]


def _load64(typing: Any, array: Any, index: Any) -> Any:
    """Eight bytes of a uint8 array from ``index`` on as one number; they need not be aligned."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = address_of(context, builder, array, *arguments)
        address = builder.bitcast(address, ir.IntType(64).as_pointer())
        return builder.load(address, align=1)

    return types.uint64(array, types.int64), generate


load64: Any = intrinsic(_load64)


@inlined
def key_of(data: NDArray[np.uint8], start: int, size: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """The ``size`` bytes at ``start``, at most `KEY_BYTES`, as three little-endian numbers, zeros behind the last."""
    masks = 3 * size  # a table instead of branches: the number of 8-byte parts is unpredictable
    return (
        load64(data, start) & _KEY_MASKS[masks],
        load64(data, start + 8) & _KEY_MASKS[masks + 1],
        load64(data, start + 16) & _KEY_MASKS[masks + 2],
    )


@inlined
def same_bytes(one: NDArray[np.uint8], i: int, other: NDArray[np.uint8], j: int, size: int) -> bool:
    """Whether ``size`` bytes, at least one, of two padded arrays are the same from ``i`` and ``j`` on."""
    k = 0
    while k + 8 < size:
        if load64(one, i + k) != load64(other, j + k):
            return False
        k += 8
    return (load64(one, i + k) ^ load64(other, j + k)) << np.uint64(64 - 8 * (size - k)) == 0
