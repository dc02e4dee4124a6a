"""Memory that is used again, and arrays joined as they come."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokenizer.native.buffers import KEPT_BYTES, GrowingArray, ReusedBuffer


def test_array_is_used_again_unless_it_is_large() -> None:
    buffer = ReusedBuffer(np.int32)
    array = buffer.of_size(100)
    assert array.dtype == np.int32
    assert array.size >= 100
    assert buffer.of_size(7) is array
    larger = buffer.of_size(101)
    assert larger.size >= 101
    assert buffer.of_size(100) is larger
    assert buffer.of_size(KEPT_BYTES).nbytes > KEPT_BYTES
    assert buffer.of_size(1) is larger


@given(st.lists(st.lists(st.integers(-(2**31), 2**31 - 1))), st.integers(0, 20))
def test_joined_arrays_are_the_arrays_in_order(parts: list[list[int]], expected: int) -> None:
    joined = GrowingArray(np.int32, expected)
    for part in parts:
        joined.extend(np.array(part, dtype=np.int32))
    assert joined.finish().tolist() == [number for part in parts for number in part]
