"""Memory that is used again, and arrays joined as they come."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokenizer.native.buffers import KEPT_BYTES, Joined, Memory


def test_room_is_used_again_unless_it_is_large() -> None:
    memory = Memory(np.int32)
    room = memory.room_for(100)
    assert room.dtype == np.int32
    assert room.size >= 100
    assert memory.room_for(7) is room
    larger = memory.room_for(101)
    assert larger.size >= 101
    assert memory.room_for(100) is larger
    assert memory.room_for(KEPT_BYTES).nbytes > KEPT_BYTES
    assert memory.room_for(1) is larger


@given(st.lists(st.lists(st.integers(-(2**31), 2**31 - 1))), st.integers(0, 20))
def test_joined_arrays_are_the_arrays_in_order(parts: list[list[int]], expected: int) -> None:
    joined = Joined(np.int32, expected)
    for part in parts:
        joined.add(np.array(part, dtype=np.int32))
    assert joined.whole().tolist() == [number for part in parts for number in part]
