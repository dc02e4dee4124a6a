"""Memory used again and again, as to fault in fresh memory costs a tenth of the time that encoding takes."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

KEPT_BYTES = 32 << 20
"""Room up to this size is kept."""

Number = TypeVar("Number", bound=np.generic)


class Memory(Generic[Number]):
    """Room for numbers of one type; for one thread."""

    def __init__(self, dtype: type[Number]) -> None:
        self._dtype = dtype
        self._room = np.empty(0, dtype=dtype)

    def room_for(self, size: int) -> NDArray[Number]:
        """An array of at least ``size`` numbers, whatever they are; the next call may return the same."""
        if self._room.size >= size:
            return self._room
        room = np.empty(size, dtype=self._dtype)
        if room.nbytes <= KEPT_BYTES:
            self._room = room
        return room


class Joined(Generic[Number]):
    """Arrays joined as they come."""

    def __init__(self, dtype: type[Number], expected: int) -> None:
        self._room = np.empty(expected, dtype=dtype)
        self._size = 0

    def add(self, part: NDArray[Number]) -> None:
        """Put ``part`` behind those that came before."""
        end = self._size + part.size
        if end > self._room.size:
            self._room.resize(max(end, 2 * self._room.size), refcheck=False)
        self._room[self._size : end] = part
        self._size = end

    def whole(self) -> NDArray[Number]:
        """All of them; nothing can be added any more."""
        self._room.resize(self._size, refcheck=False)
        return self._room
