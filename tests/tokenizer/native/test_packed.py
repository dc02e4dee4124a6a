"""A packed named tuple gives kernels what the tuple itself does."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import native
from tokenizer.native.packed import pack, unpacker


class Inner(NamedTuple):
    letters: NDArray[np.uint8]
    fits: bool


class Outer(NamedTuple):
    numbers: NDArray[np.int32]
    inner: Inner
    flags: NDArray[np.bool_]
    most: int


unpacked = unpacker(Outer)


@native
def _sum(memory: NDArray[np.int64]) -> int:
    value = unpacked(memory)
    value.numbers[0] += 1
    total = value.most + np.int64(value.inner.fits) + value.inner.letters.size + value.flags[1]
    for i in range(value.numbers.size):
        total += value.numbers[i]
    return total


def test_fields_are_read_and_written_where_they_are() -> None:
    value = Outer(np.array([1, 2], np.int32), Inner(np.zeros(5, np.uint8), True), np.array([False, True]), 1 << 40)
    memory = pack(value)
    assert _sum(memory) == (1 << 40) + 1 + 5 + 1 + 4
    assert value.numbers[0] == 2
    assert _sum(memory) == (1 << 40) + 1 + 5 + 1 + 5
