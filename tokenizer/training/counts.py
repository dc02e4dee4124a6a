"""Counting distinct byte strings in an open-addressing hash table.

Memory grows with the number of distinct strings, never with the corpus. Counts are 64-bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.arrays import bare
from tokenizer.native.compile import inlined, native
from tokenizer.native.hashing import hash_bytes
from tokenizer.text.utf8 import joined

Scalar = TypeVar("Scalar", bound=np.generic)
EMPTY = -1
"""Sentinel: a free slot of a hash table."""


class StringTable(NamedTuple):
    """Distinct byte strings, numbered as they come, and a hash table to find them: what kernels read and write.

    It has a fixed capacity; `CountTable` replaces it by a larger one.
    """

    slots: NDArray[np.int32]
    """The hash table (linear probing): index of a string, or `EMPTY`; a power of two, at most half of it in use."""
    hashes: NDArray[np.uint64]
    """Hash of each string."""
    offsets: NDArray[np.int64]
    """Byte of ``arena`` at which each string starts, and behind the last one its end."""
    counts: NDArray[np.int64]
    """Occurrences of each string."""
    arena: NDArray[np.uint8]
    """The bytes of the strings, one after another."""
    used: NDArray[np.int64]
    """Number of strings, as an array of shape (1,) so that kernels can raise it."""


@inlined
def add_string(table: StringTable, data: NDArray[np.uint8], start: int, end: int, amount: int) -> int:
    """Add ``amount`` to the count of ``data[start:end]``, a new string if need be; its index."""
    h = hash_bytes(data, start, end)
    mask = table.slots.size - 1
    slot = np.int64(h & np.uint64(mask))
    size = end - start
    while table.slots[slot] >= 0:
        entry = np.int64(table.slots[slot])
        base = table.offsets[entry]
        if table.hashes[entry] == h and table.offsets[entry + 1] - base == size:
            same = True
            for k in range(size):
                if table.arena[base + k] != data[start + k]:
                    same = False
                    break
            if same:
                table.counts[entry] += amount
                return entry
        slot = (slot + 1) & mask
    entry = table.used[0]
    table.used[0] = entry + 1
    table.slots[slot] = entry
    table.hashes[entry] = h
    table.counts[entry] = amount
    base = table.offsets[entry]
    for k in range(size):
        table.arena[base + k] = data[start + k]
    table.offsets[entry + 1] = base + size
    return entry


@native
def _add_strings(
    table: StringTable,
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    amounts: NDArray[np.int64],
    found: NDArray[np.int32],
    first: int,
) -> int:
    """Add ``data[starts[i]:ends[i]]`` from string ``first`` on, and note their indices, until all are added or the
    table is full; the number of strings done."""
    table, data = bare(table), bare(data)
    for i in range(first, ends.size):
        used = table.used[0]
        if 2 * used >= table.slots.size or table.offsets[used] + ends[i] - starts[i] > table.arena.size:
            return i
        found[i] = add_string(table, data, starts[i], ends[i], amounts[i])
    return ends.size


@native
def _place(slots: NDArray[np.int32], hashes: NDArray[np.uint64], used: int) -> None:
    """Enter the strings of the given hashes into an empty hash table."""
    mask = slots.size - 1
    for entry in range(used):
        slot = np.int64(hashes[entry] & np.uint64(mask))
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = entry


@dataclass(frozen=True)
class Counts:
    """Distinct byte strings and how often each occurs."""

    data: NDArray[np.uint8]
    """The strings one after another."""
    offsets: NDArray[np.int64]
    """Byte of ``data`` at which each string starts, and behind the last one its end."""
    counts: NDArray[np.int64]
    """Occurrences of each string."""

    def __len__(self) -> int:
        return self.counts.size

    def string(self, i: int) -> bytes:
        """The i-th string."""
        return self.data[self.offsets[i] : self.offsets[i + 1]].tobytes()

    def items(self) -> Iterator[tuple[bytes, int]]:
        """Every string with its count."""
        raw, bounds = self.data.tobytes(), self.offsets.tolist()
        for i, count in enumerate(self.counts.tolist()):
            yield raw[bounds[i] : bounds[i + 1]], count

    @classmethod
    def of(cls, items: Iterable[tuple[bytes, int]]) -> Counts:
        """Counts from pairs of string and count; equal strings are added up."""
        pairs = list(items)
        bounds = np.cumsum([0, *(len(string) for string, _ in pairs)])
        table = CountTable()
        table.add(joined(string for string, _ in pairs), bounds[:-1], bounds[1:], np.array([n for _, n in pairs], int))
        return table.result()


class CountTable:
    """A `StringTable` that grows."""

    def __init__(self) -> None:
        self.table = StringTable(
            slots=np.full(1 << 16, EMPTY, dtype=np.int32),
            hashes=np.empty(1 << 15, dtype=np.uint64),
            offsets=np.zeros((1 << 15) + 1, dtype=np.int64),
            counts=np.zeros(1 << 15, dtype=np.int64),
            arena=np.empty(1 << 19, dtype=np.uint8),
            used=np.zeros(1, dtype=np.int64),
        )

    def __len__(self) -> int:
        return int(self.table.used[0])

    def add(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        amounts: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int32]:
        """Add ``amounts[i]``, else 1, to the count of each string ``data[starts[i]:ends[i]]``; their indices."""
        found = np.empty(ends.size, dtype=np.int32)
        amounts = np.ones(ends.size, dtype=np.int64) if amounts is None else amounts
        done = 0
        while (done := _add_strings(self.table, data, starts, ends, amounts, found, done)) < ends.size:
            self.reserve(len(self) + 1, int(self.table.offsets[len(self)] + ends[done] - starts[done]))
        return found

    def reserve(self, strings: int, size: int) -> None:
        """Make room for ``strings`` of ``size`` bytes in all, at least doubling what is short."""
        table = self.table
        if size > table.arena.size:
            table = table._replace(arena=grown(table.arena, max(size, 2 * table.arena.size)))
        if 2 * strings >= table.slots.size:
            capacity = 1 << (2 * strings).bit_length()
            table = table._replace(
                slots=np.full(capacity, EMPTY, dtype=np.int32),
                hashes=grown(table.hashes, capacity // 2),
                offsets=grown(table.offsets, capacity // 2 + 1),
                counts=grown(table.counts, capacity // 2),
            )
            _place(table.slots, table.hashes, len(self))
        self.table = table

    def result(self) -> Counts:
        """The counts so far."""
        table, used = self.table, len(self)
        offsets = table.offsets[: used + 1].copy()
        return Counts(table.arena[: offsets[-1]].copy(), offsets, table.counts[:used].copy())


def grown(array: NDArray[Scalar], size: int) -> NDArray[Scalar]:
    """A copy of ``array`` with room for ``size`` elements; the new ones are zero."""
    bigger = np.zeros(size, dtype=array.dtype)
    bigger[: array.size] = array
    return bigger
