"""Token shards as training windows: memory-mapped, verified, shuffled without a list, resumable by a number.

A shard folder holds ``manifest.json``, for each shard the raw little-endian ids (``.bin``) and the offsets at which
its documents start (``.idx``), and the tokenizer. Documents end with the end-of-text token; windows run across
them, as in GPT-2.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.shuffle import Permutation
from tokenizer.errors import InputError
from tokenizer.files import read_json, sha256_file

FORMAT, VERSION = "gyeol-shards", 1
DTYPES: dict[str, np.dtype] = {"uint16": np.dtype("<u2"), "uint32": np.dtype("<u4")}
OFFSETS: np.dtype = np.dtype("<u8")
BLOCK = 1000
"""Windows within which a mixture keeps to its weights."""

HELD_OUT_SHARE = 0.01
HELD_OUT_PARTS = 16


class TokenStream:
    """Several arrays of ids read as one sequence, without joining them."""

    def __init__(self, parts: list[np.ndarray]) -> None:
        self.parts = [part for part in parts if len(part)]
        self.starts = np.cumsum([0, *(len(part) for part in self.parts)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def read(self, start: int, length: int) -> np.ndarray:
        """Return ids ``start`` to ``start + length`` as int64 (length,)."""
        pieces = []
        number = int(np.searchsorted(self.starts, start, side="right")) - 1
        while length > 0:
            first = start - int(self.starts[number])
            piece = self.parts[number][first : first + length]
            pieces.append(piece.astype(np.int64))
            start, length, number = start + len(piece), length - len(piece), number + 1
        return np.concatenate(pieces)

    def counts(self, vocab_size: int) -> np.ndarray:
        """How often each id occurs, int64 (vocab_size,); reads in blocks. `InputError` for an id beyond."""
        total = np.zeros(vocab_size, dtype=np.int64)
        for part in self.parts:
            for start in range(0, len(part), 1 << 24):
                found = np.bincount(part[start : start + (1 << 24)], minlength=vocab_size)
                if len(found) > vocab_size:
                    raise InputError(f"the shards hold id {len(found) - 1}, beyond {vocab_size:,} tokens; encode again")
                total += found
        return total


def joined(streams: list[TokenStream]) -> TokenStream:
    """Several streams as one, one after another."""
    return TokenStream([part for stream in streams for part in stream.parts])


class ShardFolder:
    """A verified shard folder. Raises `InputError` that names the file which is missing, cut short or altered."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.manifest: dict[str, Any] = read_json(self.path / "manifest.json")
        if self.manifest.get("format") != FORMAT or self.manifest.get("version") != VERSION:
            found = f"{self.manifest.get('format')} version {self.manifest.get('version')}"
            raise InputError(f"{self.path / 'manifest.json'}: {found}, not {FORMAT} version {VERSION}; encode again")
        try:
            self.dtype = DTYPES[self.manifest["dtype"]]
            self.tokens, self.bytes = int(self.manifest["tokens"]), int(self.manifest["bytes"])
            self.fingerprint: str = self.manifest["tokenizer"]["fingerprint"]
            self.vocab_size = int(self.manifest["tokenizer"]["vocab_size"])
            self._shards = [self._open(shard) for shard in self.manifest["shards"]]
        except (KeyError, TypeError) as error:
            raise InputError(f"{self.path / 'manifest.json'}: {error!r} is missing or wrong; encode again") from None

    def stream(self) -> TokenStream:
        """All tokens."""
        return TokenStream([ids for ids, _ in self._shards])

    def split(self, context: int) -> tuple[TokenStream, TokenStream]:
        """Return (training, held out): 1% of each shard, or one window where that is more, is held out.

        It is taken from the ends of up to `HELD_OUT_PARTS` equal parts of the shard, so that held-out text is of the
        same kinds as the rest where a corpus was not shuffled. A cut goes back to the nearest start of a document
        unless that would hold out more than twice as much. A shard shorter than two windows is all training.
        """
        training, held_out = [], []
        for ids, starts in self._shards:
            count = min(HELD_OUT_PARTS, max(1, int(len(ids) * HELD_OUT_SHARE) // (context + 1)))
            edges = [len(ids) * number // count for number in range(count + 1)]
            for first, last in pairwise(edges):
                cut = _cut(starts, first, last, max(context + 1, int((last - first) * HELD_OUT_SHARE)))
                training.append(ids[first:cut])
                held_out.append(ids[cut:last])
        return TokenStream(training), TokenStream(held_out)

    def _open(self, shard: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        ids = self._map(shard["ids"], self.dtype, int(shard["tokens"]), shard["sha256"]["ids"])
        starts = self._map(shard["offsets"], OFFSETS, int(shard["documents"]) + 1, shard["sha256"]["offsets"])
        return ids, starts

    def _map(self, name: str, dtype: np.dtype, length: int, sha256: str) -> np.ndarray:
        path = self.path / name
        if path.parent != self.path:
            raise InputError(f"{self.path / 'manifest.json'}: {name!r} lies outside the folder; encode again")
        if not path.is_file():
            raise InputError(f"{path}: no such file, though manifest.json lists it; copy it or encode again")
        if (size := path.stat().st_size) != length * dtype.itemsize:
            wanted = length * dtype.itemsize
            raise InputError(f"{path}: {size:,} bytes, not {wanted:,}; the file is damaged, copy or encode it again")
        if sha256_file(path) != sha256:
            raise InputError(f"{path}: altered since it was written (SHA-256 differs); copy or encode it again")
        return np.memmap(path, dtype=dtype, mode="r") if length else np.empty(0, dtype=dtype)


class Windows:
    """Windows of context + 1 tokens, each sharing one token with the next, in an order drawn for each epoch."""

    def __init__(self, stream: TokenStream, context: int, seed: int) -> None:
        self.stream, self.context, self.seed = stream, context, seed
        self.count = max(0, (len(stream) - 1) // context)
        self._epoch = -1

    def batch(self, position: int, size: int) -> Tensor:
        """Return the windows at ``position`` to ``position + size`` of the endless order, (size, context + 1)."""
        return torch.from_numpy(np.stack([self._window(place) for place in range(position, position + size)]))

    def _window(self, position: int) -> np.ndarray:
        epoch, place = divmod(position, self.count)
        if epoch != self._epoch:
            self._order, self._epoch = Permutation(self.count, key=self.seed * 1_000_003 + epoch), epoch
        return self.stream.read(self._order[place] * self.context, self.context + 1)


class Mixture:
    """Windows of several sources in fixed shares, in an order that follows from the seed and the position alone.

    Of every `BLOCK` windows each source gives its share, rounded; within the block they are shuffled.
    """

    def __init__(self, sources: list[Windows], weights: list[float], seed: int) -> None:
        self.sources, self.seed = sources, seed
        edges = np.rint(np.cumsum([0.0, *weights]) / sum(weights) * BLOCK).astype(np.int64)
        self._shares = np.diff(edges)
        self._block = -1

    def batch(self, position: int, size: int) -> Tensor:
        """Return the windows at ``position`` to ``position + size`` of the endless order, (size, context + 1)."""
        return torch.cat([self._window(place) for place in range(position, position + size)])

    def _window(self, position: int) -> Tensor:
        block, place = divmod(position, BLOCK)
        if block != self._block:
            order = Permutation(BLOCK, key=self.seed * 1_000_033 + block)
            drawn = np.repeat(np.arange(len(self.sources)), self._shares)
            self._chosen, self._block = drawn[[order[number] for number in range(BLOCK)]], block
        source = int(self._chosen[place])
        before = block * int(self._shares[source]) + int((self._chosen[:place] == source).sum())
        return self.sources[source].batch(before, 1)


def spread_windows(stream: TokenStream, context: int, tokens: int) -> Iterator[np.ndarray]:
    """Yield windows of up to context + 1 tokens, evenly spread, whose targets are at most ``tokens`` in all.

    Where ``tokens`` covers the stream, every token but the first is a target exactly once.
    """
    every = -(-(len(stream) - 1) // context)
    count = min(every, max(1, tokens // context))
    for number in range(count):
        start = number * every // count * context
        yield stream.read(start, min(context + 1, len(stream) - start))


def _cut(starts: np.ndarray, first: int, last: int, held_out: int) -> int:
    """The token at which the held-out end of the tokens ``first`` to ``last`` of a shard begins."""
    if last - first < 2 * held_out:
        return last
    cut = last - held_out
    document = int(starts[np.searchsorted(starts, cut, side="right") - 1])
    return document if document >= max(first + 1, cut - held_out) else cut
