"""A sample of the lines of a text, as hashes, by which another text is found to have lines in common with it.

Kept are the `KEPT` lowest hashes of the distinct lines: which lines these are depends on the lines only, so two samples
are compared exactly below the lower of their bounds (bottom-k sketches: Cohen and Kaplan 2007,
https://doi.org/10.1145/1281100.1281133). Lines shorter than `SHORTEST` are left out, as texts that have nothing to do
with each other have such in common.
"""

import base64
import binascii
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.native.byte_words import load64
from tokenizer.native.compile import inlined, native
from tokenizer.native.hashing import hash_long
from tokenizer.text.utf8 import joined

SHORTEST = 64
"""Bytes of the shortest line that is sampled, without white space around it: some 25 syllables of Korean."""
BITS = 40
"""Bits of a hash. Of a billion lines one in a thousand has the hash of another, and a kept hash takes under 3 bytes."""
KEPT = 1 << 14
"""Hashes kept at most: all lines of 3 MB of text; of 300 MB so many that a file of 50 KB has two or three of them. They
take 60 to 80 KB of gyeol.json, beside a tokenizer.json of megabytes."""
_ALL = 1 << BITS
_SPACE, _LINE_FEED = 0x20, 0x0A
_ONES = np.uint64(0x0101010101010101)
_LINE_FEEDS, _TOP_BITS = _ONES * np.uint64(_LINE_FEED), _ONES * np.uint64(0x80)


@dataclass(frozen=True)
class LineSample:
    """The lowest hashes of the distinct lines of a text."""

    lines: int
    """Lines that were sampled from, equal ones each time they occur."""
    below: int
    """Every line whose hash is lower is kept; 2 ** `BITS` if all lines are."""
    hashes: NDArray[np.int64]
    """The hashes kept, ascending, each once."""

    @property
    def whole(self) -> bool:
        """Whether every line is kept."""
        return self.below == _ALL

    @property
    def record(self) -> dict[str, Any]:
        """The sample as `json.dumps` takes it; the hashes by their differences, compressed, in base64."""
        steps = np.diff(self.hashes, prepend=0).astype("<u8").view(np.uint8).reshape(-1, 8)
        packed = zlib.compress(steps.T.tobytes(), 9)  # byte by byte: the upper bytes of all steps are mostly zero
        return {"lines": self.lines, "below": self.below, "hashes": base64.b64encode(packed).decode()}

    @classmethod
    def of_record(cls, record: Any) -> "LineSample":
        """The sample of a `record`; `InputError` for what is none."""
        try:
            lines, below = int(record["lines"]), int(record["below"])
            steps = zlib.decompress(base64.b64decode(record["hashes"], validate=True))
            hashes = np.frombuffer(steps, np.uint8).reshape(8, -1).T.copy().view("<u8").ravel().cumsum(dtype=np.int64)
            if not 0 <= below <= _ALL:
                raise ValueError(f"below is {below}")
        except (KeyError, TypeError, ValueError, OverflowError, binascii.Error, zlib.error) as error:
            raise InputError(
                f"line_sample in gyeol.json is damaged ({error}); restore the file, or take that field out"
            ) from None
        return cls(lines, below, hashes)

    def up_to(self, below: int) -> NDArray[np.int64]:
        """The hashes lower than ``below``."""
        return self.hashes[: int(np.searchsorted(self.hashes, below))]

    def found_in(self, other: "LineSample") -> tuple[int, int]:
        """Distinct lines of this sample, and how many of them the text of ``other`` has too, among those that both
        samples would have kept: (found, sampled)."""
        below = min(self.below, other.below)
        own = self.up_to(below)
        return int(np.isin(own, other.up_to(below), assume_unique=True).sum()), own.size


def joined_samples(samples: Iterable[LineSample]) -> LineSample:
    """The sample of several texts together."""
    samples = list(samples)
    below = min((sample.below for sample in samples), default=_ALL)
    hashes, below = _lowest([sample.up_to(below) for sample in samples], below)
    return LineSample(sum(sample.lines for sample in samples), below, hashes)


def _lowest(parts: Iterable[NDArray[np.int64]], below: int) -> tuple[NDArray[np.int64], int]:
    """The `KEPT` lowest distinct hashes of ``parts``, all lower than ``below``, and the bound that they have then."""
    hashes = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *parts]))
    distinct = hashes[np.diff(hashes, prepend=-1) > 0]  # np.unique, by a hash table, takes four times as long
    return (distinct, below) if distinct.size <= KEPT else (distinct[:KEPT].copy(), int(distinct[KEPT]))


class LineSampler:
    """Samples the lines of a text that comes in parts, in any order; may be shared between threads."""

    def __init__(self) -> None:
        self._lines, self._below = 0, _ALL
        self._held: list[NDArray[np.int64]] = []
        self._size = 0
        self._lock = Lock()

    def add(self, data: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        """Take in texts as UTF-8, as by `joined`, that end at ``ends``; no line goes on in the next text."""
        hashes, lines = _line_hashes(data, ends, self._below)
        with self._lock:
            self._lines += lines
            if hashes.size:
                self._held.append(hashes)
                self._size += hashes.size
            if self._size > 4 * KEPT:
                self._prune()

    def add_text(self, raw: bytes) -> None:
        """Take in one text as UTF-8."""
        self.add(joined([raw]), np.array([len(raw)], dtype=np.int64))

    def sample(self) -> LineSample:
        """The sample of what was added so far."""
        with self._lock:
            self._prune()
            return LineSample(self._lines, self._below, self._held[0])

    def _prune(self) -> None:
        hashes, self._below = _lowest([part[part < self._below] for part in self._held], self._below)
        self._held, self._size = [hashes], hashes.size


@native
def _line_hashes(data: NDArray[np.uint8], ends: NDArray[np.int64], below: int) -> tuple[NDArray[np.int64], int]:
    """The hashes lower than ``below`` of the lines of texts, and the number of all lines that are long enough."""
    hashes = np.empty(data.size // SHORTEST, dtype=np.int64)
    lines = kept = start = np.int64(0)
    for text in range(ends.size):
        while start < ends[text]:
            end = _line_end(data, start, ends[text])
            first, last = start, end
            while first < last and data[first] <= _SPACE:
                first += 1
            while last > first and data[last - 1] <= _SPACE:
                last -= 1
            if last - first >= SHORTEST:
                lines += 1
                line_hash = np.int64(hash_long(data, first, last) >> np.uint64(64 - BITS))
                if line_hash < below:
                    hashes[kept] = line_hash
                    kept += 1
            start = end + 1
        start = ends[text]
    return hashes[:kept].copy(), lines


@inlined
def _line_end(data: NDArray[np.uint8], start: int, end: int) -> int:
    """The first line feed from ``start`` on, or ``end``; eight bytes at a time (Hacker's Delight, 6-1)."""
    while start < end:
        others = load64(data, start) ^ _LINE_FEEDS
        if (others - _ONES) & ~others & _TOP_BITS:
            break
        start += 8
    while start < end and data[start] != _LINE_FEED:
        start += 1
    return min(start, end)
