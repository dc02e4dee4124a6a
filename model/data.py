"""Token shards as training windows: shuffled without a list, resumable by a number, held out without leaks.

Documents end with the end-of-text token; windows run across them, as in GPT-2.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.shuffle import Permutation
from tokenizer.errors import InputError
from tokenizer.shards.read import ShardFolder

BLOCK = 1000
"""Windows within which a mixture of up to 22 sources keeps to its weights."""

HELD_OUT_SHARE = 0.01
HELD_OUT_PARTS = 16
"""Places of a shard at most that validation text is taken from."""


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
        """Count of each id, int64 (vocab_size,); reads in blocks. `InputError` for an id beyond."""
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


def stream_of(folder: ShardFolder) -> TokenStream:
    """All tokens of a shard folder."""
    return TokenStream([shard.ids for shard in folder.shards])


def split(folder: ShardFolder, context: int) -> tuple[TokenStream, TokenStream]:
    """Return (training, held out): 1% of each shard, or one window where that is more, is held out.

    It is taken from the ends of up to `HELD_OUT_PARTS` equal parts of the shard, so that held-out text is of the
    same kinds as the rest where a corpus was not shuffled. A cut goes back to the nearest start of a document
    unless that would hold out more than twice as much. A shard shorter than two windows is all training.
    """
    training, held_out = [], []
    for ids, starts in folder.shards:
        count = min(HELD_OUT_PARTS, max(1, int(len(ids) * HELD_OUT_SHARE) // (context + 1)))
        edges = [len(ids) * number // count for number in range(count + 1)]
        for first, last in pairwise(edges):
            cut = _cut(starts, first, last, max(context + 1, int((last - first) * HELD_OUT_SHARE)))
            training.append(ids[first:cut])
            held_out.append(ids[cut:last])
    return TokenStream(training), TokenStream(held_out)


@dataclass(frozen=True)
class Data:
    """Shard folders to train on, and to validate on."""

    sources: dict[ShardFolder, float]
    """The folders to train on, each with its weight in the mixture."""
    validation: ShardFolder | None
    """The folder to validate on; None holds out the ends of the shards of ``sources``."""

    @property
    def first(self) -> ShardFolder:
        """The first folder, whose tokenizer is that of the run."""
        return next(iter(self.sources))

    @property
    def validates_on_training_data(self) -> bool:
        """Whether the folder to validate on has shards that are trained on, by their checksums."""
        trained = {shard["sha256"]["ids"] for source in self.sources for shard in source.manifest["shards"]}
        return any(
            shard["sha256"]["ids"] in trained
            for shard in (self.validation.manifest["shards"] if self.validation else [])
        )

    def check_tokenizer(self, fingerprint: str) -> None:
        """Raise `InputError` for a folder that another tokenizer encoded."""
        for folder in (*self.sources, *([self.validation] if self.validation else [])):
            if folder.fingerprint != fingerprint:
                raise InputError(
                    f"{folder.path} was encoded by tokenizer {folder.fingerprint[:12]}, not by {fingerprint[:12]}; "
                    "encode it again with the tokenizer of this run"
                )

    def streams(self, context: int) -> tuple[list[TokenStream], TokenStream]:
        """Return what to train on, by source, and what to validate on; `InputError` when any is too short."""
        if self.validation:
            streams, held_out = [stream_of(source) for source in self.sources], stream_of(self.validation)
        else:
            splits = [split(source, context) for source in self.sources]
            streams, held_out = [part[0] for part in splits], joined([part[1] for part in splits])
        for source, stream in zip(self.sources, streams, strict=True):
            if len(stream) <= context or len(held_out) < 2:
                needed = context + 1 if self.validation else 2 * (context + 1)
                raise InputError(
                    f"{source.path} has {source.tokens:,} tokens; training with context {context:,} needs {needed:,} "
                    "in one shard. Give more text or a smaller context"
                )
        return streams, held_out


def open_data(data: Sequence[str | Path], validation: str | Path | None = None) -> Data:
    """Open shard folders, each of ``data`` given as FOLDER or FOLDER=WEIGHT."""
    if not data:
        raise InputError("no data; give a folder that `gyeol shard` wrote")
    sources: dict[ShardFolder, float] = {}
    for given in data:
        folder, equals, number = str(given).rpartition("=")
        if not equals or Path(given).exists():
            folder, number = str(given), "1"
        try:
            weight = float(number)
        except ValueError:
            raise InputError(f"{str(given)!r} is not of the form FOLDER=WEIGHT") from None
        if not 0 < weight < math.inf:
            raise InputError(f"the weight of {folder} is {number}; it must be above 0")
        sources[ShardFolder(folder)] = weight
    return Data(sources, None if validation is None else ShardFolder(validation))


class Windows:
    """Windows of context + 1 tokens, each sharing one token with the next, in an order drawn for each epoch."""

    def __init__(self, stream: TokenStream, context: int, seed: int, name: str = "data") -> None:
        self.stream, self.context, self.seed, self.name = stream, context, seed, name
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

    Of every block of windows each source gives its share, rounded so that the shares hold in the long run, however
    small one is; within the block they are shuffled.
    """

    def __init__(self, sources: list[Windows], weights: list[float], seed: int) -> None:
        self.sources, self.seed = sources, seed
        self._shares = np.array(weights) / sum(weights)
        self._size = max(BLOCK, 2 * len(sources) ** 2)  # the largest source can then make up for all rounding
        self._block = -1

    def _given(self, blocks: int) -> np.ndarray:
        """Windows of each source in the first ``blocks``; the source with the largest share fills up."""
        given = np.floor(self._shares * self._size * blocks + 0.5).astype(np.int64)
        largest = int(self._shares.argmax())
        given[largest] += self._size * blocks - given.sum()
        return given

    def check_read(self, windows: int) -> None:
        """`InputError` for a source of which a run of so many windows reads none."""
        for source, share in zip(self.sources, self._shares.tolist(), strict=True):
            if share * windows < 1:
                raise InputError(
                    f"{source.name}: a share of {share:.2g} is less than one of the {windows:,} windows of this run; "
                    f"give it a share of {1 / windows:.1g} or more, or train on more tokens"
                )

    def batch(self, position: int, size: int) -> Tensor:
        """Return the windows at ``position`` to ``position + size`` of the endless order, (size, context + 1)."""
        return torch.cat([self._window(place) for place in range(position, position + size)])

    def _window(self, position: int) -> Tensor:
        block, place = divmod(position, self._size)
        if block != self._block:
            order = Permutation(self._size, key=self.seed * 1_000_033 + block)
            self._before = self._given(block)
            drawn = np.repeat(np.arange(len(self.sources)), self._given(block + 1) - self._before)
            self._chosen, self._block = drawn[[order[number] for number in range(self._size)]], block
        source = int(self._chosen[place])
        before = int(self._before[source]) + int((self._chosen[:place] == source).sum())
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
