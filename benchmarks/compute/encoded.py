"""The passages of a comparison as the ids of one tokenizer, and the windows of tokens that a model trains on."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.compute.texts import HeldOut, Texts
from benchmarks.peers.adapters import Peer
from model.config import padded_vocab_size
from tokenizer.errors import InputError
from tokenizer.files import atomic_open, sha256_file
from tokenizer.state_files import read_state, write_state
from tokenizer.text import batches

LEAST_CONTEXT = 8
"""Tokens."""


class Encoded:
    """Passages in the ids of one tokenizer; the id behind its vocabulary divides them."""

    def __init__(
        self, peer: Peer, ids: NDArray[np.int32], lengths: NDArray[np.int64], sizes: NDArray[np.int64]
    ) -> None:
        self.peer, self.ids, self.lengths, self.sizes = peer, ids, lengths, sizes

    @property
    def divider(self) -> int:
        """The id before and behind every document."""
        return self.peer.vocab_size

    @property
    def rows(self) -> int:
        """Rows of the embedding."""
        return padded_vocab_size(self.peer.vocab_size + 1)

    @property
    def bytes_per_token(self) -> float:
        """Bytes of text for each token, the dividers among them."""
        return float(self.sizes.sum() / (self.lengths + 1).sum())

    def context(self, context_bytes: int) -> int:
        """Tokens that hold about so many bytes."""
        return max(LEAST_CONTEXT, round(context_bytes / self.bytes_per_token))


class Windows:
    """Windows of context + 1 tokens over the passages, in an order drawn anew for each seed and epoch; the order of
    passages is the same for every tokenizer, so that all read the same text."""

    def __init__(self, encoded: Encoded, context: int, seed: int) -> None:
        self.encoded, self.context, self.seed = encoded, context, seed
        self.count = int((encoded.lengths + 1).sum())
        self._starts = np.concatenate([[0], np.cumsum(encoded.lengths)])
        self._epochs: dict[int, tuple[NDArray[np.int32], NDArray[np.int64]]] = {}

    def batch(self, position: int, size: int) -> Tensor:
        """The windows at ``position`` to ``position + size``, (size, context + 1), each sharing one token with the
        next."""
        rows = [self._read((position + row) * self.context, self.context + 1) for row in range(size)]
        return torch.from_numpy(np.stack(rows).astype(np.int64))

    def bytes_at(self, tokens: int) -> int:
        """Bytes of text in the first ``tokens`` tokens, in proportion for the passage that is cut."""
        epoch, place = divmod(tokens, self.count)
        _, order = self._epoch(epoch)
        ends = np.concatenate([[0], np.cumsum(self.encoded.lengths[order] + 1)])
        bytes_ = np.concatenate([[0], np.cumsum(self.encoded.sizes[order])])
        return int(epoch * self.encoded.sizes.sum() + np.interp(place, ends, bytes_))

    def _read(self, start: int, length: int) -> NDArray[np.int32]:
        parts = []
        while length > 0:
            epoch, place = divmod(start, self.count)
            part = self._epoch(epoch)[0][place : place + length]
            parts.append(part)
            start, length = start + len(part), length - len(part)
        return np.concatenate(parts)

    def _epoch(self, epoch: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The tokens of an epoch and the order of its passages; the last two epochs are kept."""
        if epoch not in self._epochs:
            order = np.random.default_rng((self.seed, epoch)).permutation(len(self.encoded.lengths))
            divider = np.array([self.encoded.divider], dtype=np.int32)
            parts = [
                part
                for number in order.tolist()
                for part in (self.encoded.ids[self._starts[number] : self._starts[number + 1]], divider)
            ]
            self._epochs = {key: value for key, value in self._epochs.items() if key == epoch - 1}
            self._epochs[epoch] = np.concatenate(parts), order
        return self._epochs[epoch]


def encode_passages(peer: Peer, texts: Texts, folder: Path) -> Encoded:
    """The training passages in the ids of ``peer``, kept in ``folder``.

    `InputError` where it gives ids that it does not have.
    """
    sizes = np.array([len(text.encode()) for text in texts.training], dtype=np.int64)
    paths = folder / "ids.npy", folder / "lengths.npy"
    state = folder / "encoded.json"
    if state.exists():
        record = read_state(state)
        if record.get("texts") == texts.digest and all(
            path.is_file() and sha256_file(path) == record.get(path.name) for path in paths
        ):
            ids, lengths = (np.load(path, allow_pickle=False) for path in paths)
            return Encoded(peer, ids, lengths, sizes)
    rows = [np.asarray(row, dtype=np.int32) for batch in batches(texts.training) for row in peer.encode_batch(batch)]
    ids, lengths = np.concatenate(rows), np.array([len(row) for row in rows], dtype=np.int64)
    if len(ids) == 0 or int(ids.min()) < 0 or int(ids.max()) >= peer.vocab_size:
        raise InputError(f"{peer.name}: gives ids outside of its {peer.vocab_size:,}; it cannot be compared")
    folder.mkdir(parents=True, exist_ok=True)
    for path, array in zip(paths, (ids, lengths), strict=True):
        with atomic_open(path) as handle:
            np.save(handle, array, allow_pickle=False)
    write_state(state, {"texts": texts.digest, **{path.name: sha256_file(path) for path in paths}})
    return Encoded(peer, ids, lengths, sizes)


def check_lossless(peer: Peer, held_out: Sequence[HeldOut]) -> None:
    """`InputError` for a tokenizer that does not give back the text of every held-out document, to the byte."""
    for document, ids in zip(held_out, peer.encode_batch([each.text for each in held_out]), strict=True):
        if peer.decode_bytes(ids) != document.text.encode():
            raise InputError(
                f"{peer.name}: loses text of {document.file}, so that its score would be of another text; leave it "
                "out, or score text that it can spell"
            )


def fingerprint(peer: Peer, texts: Sequence[str]) -> str:
    """SHA-256 over the size of a vocabulary and the ids that it gives to ``texts``: what tells tokenizers apart."""
    digest = hashlib.sha256(f"{peer.kind} {peer.vocab_size}".encode())
    for ids in peer.encode_batch(list(texts)):
        digest.update(np.asarray(ids, dtype=np.int64).tobytes())
        digest.update(b"|")
    return digest.hexdigest()
