"""Buffers reused from call to call, and arrays that grow: page faults of fresh memory cost 10% of encoding."""

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

KEPT_BYTES = 32 << 20
"""Buffers up to this size, in bytes, are kept for the next call."""

Number = TypeVar("Number", bound=np.generic)


class ReusedBuffer(Generic[Number]):
    """Memory for numbers of one type; for one thread."""

    def __init__(self, dtype: type[Number]) -> None:
        self._dtype = dtype
        self._buffer = np.empty(0, dtype=dtype)

    def of_size(self, size: int) -> NDArray[Number]:
        """An array of at least ``size`` numbers of any value; the next call may return the same memory."""
        if self._buffer.size >= size:
            return self._buffer
        buffer = np.empty(size, dtype=self._dtype)
        if buffer.nbytes <= KEPT_BYTES:
            self._buffer = buffer
        return buffer


class GrowingArray(Generic[Number]):
    """Arrays joined as they come, in memory that doubles when it is full."""

    def __init__(self, dtype: type[Number], expected: int) -> None:
        self._array = np.empty(expected, dtype=dtype)
        self._size = 0

    def extend(self, part: NDArray[Number]) -> None:
        """Put ``part`` at the end."""
        end = self._size + part.size
        if end > self._array.size:
            self._array.resize(max(end, 2 * self._array.size), refcheck=False)
        self._array[self._size : end] = part
        self._size = end

    def finish(self) -> NDArray[Number]:
        """The whole array; it cannot be extended any more."""
        self._array.resize(self._size, refcheck=False)
        return self._array


def grown(array: NDArray[Number], size: int) -> NDArray[Number]:
    """A copy of ``array`` with memory for ``size`` elements; the new ones are zero."""
    bigger = np.zeros(size, dtype=array.dtype)
    bigger[: array.size] = array
    return bigger
