"""Counting distinct pre-tokens: one open-addressing hash table per thread, joined at the end.

Memory grows with the number of distinct pre-tokens, never with the corpus. Counts are 64-bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import inlined, native
from tokenizer.native.hashing import hash_bytes
from tokenizer.pretokenize.grammars import O200K, next_pretoken
from tokenizer.text.cutting import batches
from tokenizer.text.unicode import class_table
from tokenizer.text.utf8 import joined, texts_as_bytes

Scalar = TypeVar("Scalar", bound=np.generic)


@inlined
def add_string(
    data: NDArray[np.uint8],
    start: int,
    end: int,
    amount: int,
    slots: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    arena: NDArray[np.uint8],
    entries: int,
) -> tuple[int, int]:
    """Add ``amount`` to the entry of ``data[start:end]``, made if new; it and the number of entries after it."""
    h = hash_bytes(data, start, end)
    mask = slots.size - 1
    slot = np.int64(h & np.uint64(mask))
    size = end - start
    while slots[slot] >= 0:
        entry = slots[slot]
        if hashes[entry] == h and offsets[entry + 1] - offsets[entry] == size:
            base = offsets[entry]
            same = True
            for k in range(size):
                if arena[base + k] != data[start + k]:
                    same = False
                    break
            if same:
                counts[entry] += amount
                return entry, entries
        slot = (slot + 1) & mask
    slots[slot] = entries
    hashes[entries] = h
    counts[entries] = amount
    base = offsets[entries]
    for k in range(size):
        arena[base + k] = data[start + k]
    offsets[entries + 1] = base + size
    return entries, entries + 1


@native
def _count(
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    position: int,
    classes: NDArray[np.uint8],
    scanner: int,
    slots: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    arena: NDArray[np.uint8],
    entries: int,
) -> tuple[int, int]:
    """Count the pre-tokens of the texts that end at ``ends`` from byte ``position`` on, until all is done or
    the table wants to grow; the byte reached and the number of entries."""
    document = np.searchsorted(ends, position, side="right")
    while document < ends.size:
        end = ends[document]
        while position < end:
            stop = next_pretoken(data, position, end, classes, scanner)
            if 2 * entries >= slots.size or offsets[entries] + (stop - position) > arena.size:
                return position, entries
            _, entries = add_string(data, position, stop, np.int64(1), slots, hashes, offsets, counts, arena, entries)
            position = stop
        document += 1
    return position, entries


@native
def _add_all(
    data: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    amounts: NDArray[np.int64],
    slots: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    arena: NDArray[np.uint8],
    entries: int,
    found: NDArray[np.int32],
) -> int:
    for i in range(amounts.size):
        found[i], entries = add_string(
            data, bounds[i], bounds[i + 1], amounts[i], slots, hashes, offsets, counts, arena, entries
        )
    return entries


@dataclass(frozen=True)
class Counts:
    """Distinct byte strings and how often each occurs."""

    data: NDArray[np.uint8]
    """The strings one after another."""
    offsets: NDArray[np.int64]
    """Where each starts in ``data``; one more than there are strings."""
    counts: NDArray[np.int64]
    """Occurrences of each, at least 1."""

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
        table = CountTable()
        strings, amounts = [], []
        for string, amount in items:
            strings.append(string)
            amounts.append(amount)
        table.add(strings, amounts)
        return table.result()


@dataclass
class CountTable:
    """A growing hash table of byte strings."""

    slots: NDArray[np.int32] = field(default_factory=lambda: np.full(1 << 16, -1, dtype=np.int32))
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(1 << 15, dtype=np.uint64))
    offsets: NDArray[np.int64] = field(default_factory=lambda: np.zeros((1 << 15) + 1, dtype=np.int64))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1 << 15, dtype=np.int64))
    arena: NDArray[np.uint8] = field(default_factory=lambda: np.empty(1 << 19, dtype=np.uint8))
    entries: int = 0

    def count_pretokens(self, texts: list[str], scanner: int = O200K) -> None:
        """Count the pre-tokens of ``texts``; none crosses from one text to the next."""
        data, ends = texts_as_bytes(texts)
        position = 0
        while True:
            t = self
            position, self.entries = _count(
                data, ends, position, class_table(), scanner, t.slots, t.hashes, t.offsets, t.counts, t.arena, t.entries
            )
            if position == data.size:
                return
            self.reserve(self.entries + 1, int(self.offsets[self.entries]) + data.size - position)

    def add(self, strings: list[bytes], amounts: list[int]) -> None:
        """Add ``amounts[i]`` to the count of ``strings[i]``."""
        bounds = np.zeros(len(strings) + 1, dtype=np.int64)
        np.cumsum([len(s) for s in strings], out=bounds[1:])
        data = joined(strings)
        self._add(data, bounds, np.asarray(amounts, dtype=np.int64))

    def merge(self, other: Counts) -> NDArray[np.int32]:
        """Add all of ``other``; for each of its strings the index here."""
        return self._add(other.data, other.offsets, other.counts)

    def result(self) -> Counts:
        """What was counted so far."""
        size = int(self.offsets[self.entries])
        return Counts(
            self.arena[:size].copy(),
            self.offsets[: self.entries + 1].copy(),
            self.counts[: self.entries].copy(),
        )

    def _add(self, data: NDArray[np.uint8], bounds: NDArray[np.int64], amounts: NDArray[np.int64]) -> NDArray[np.int32]:
        self.reserve(self.entries + amounts.size, int(self.offsets[self.entries]) + data.size)
        t = self
        found = np.empty(amounts.size, dtype=np.int32)
        self.entries = _add_all(
            data, bounds, amounts, t.slots, t.hashes, t.offsets, t.counts, t.arena, t.entries, found
        )
        return found

    def reserve(self, entries: int, size: int) -> None:
        """Make room for ``entries`` strings of ``size`` bytes in all, at least doubling what is short."""
        if size > self.arena.size:
            self.arena = grown(self.arena, max(size, 2 * self.arena.size))
        if 2 * entries >= self.slots.size:
            capacity = 1 << (2 * entries).bit_length()
            self.hashes = grown(self.hashes, capacity // 2)
            self.counts = grown(self.counts, capacity // 2)
            self.offsets = grown(self.offsets, capacity // 2 + 1)
            self.slots = np.full(capacity, -1, dtype=np.int32)
            _place(self.slots, self.hashes, self.entries)


@native
def _place(slots: NDArray[np.int32], hashes: NDArray[np.uint64], entries: int) -> None:
    mask = slots.size - 1
    for entry in range(entries):
        slot = np.int64(hashes[entry] & np.uint64(mask))
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = entry


def grown(array: NDArray[Scalar], size: int) -> NDArray[Scalar]:
    """A copy of ``array`` with room for ``size`` elements; the new ones are zero."""
    bigger = np.zeros(size, dtype=array.dtype)
    bigger[: array.size] = array
    return bigger


def count_pretokens(texts: Iterable[str], *, threads: int = 2, on_batch: Callable[[int], None] | None = None) -> Counts:
    """The distinct pre-tokens of ``texts`` and their counts.

    Texts are taken from the iterator while others are being counted, at most two batches a thread ahead.
    ``on_batch`` is told the number of texts in each batch handed out. The order of the result depends on
    the threads' timing, its content does not; nothing downstream depends on the order.
    """
    idle = [CountTable() for _ in range(threads)]

    def work(batch: list[str]) -> None:
        table = idle.pop()  # list.pop and append are atomic, and there are as many tables as workers
        try:
            table.count_pretokens(batch)
        finally:
            idle.append(table)

    with ThreadPoolExecutor(threads) as pool:
        running = []
        for batch in batches(texts):
            running.append(pool.submit(work, batch))
            if on_batch:
                on_batch(len(batch))
            if len(running) >= 2 * threads:
                running.pop(0).result()
        for task in running:
            task.result()
    largest, *others = sorted(idle, key=lambda table: -table.entries)
    for other in others:
        largest.merge(other.result())
    return largest.result()
