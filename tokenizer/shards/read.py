"""Shards opened for reading: every file checked, then memory-mapped."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.files import sha256_file
from tokenizer.shards.manifest import MANIFEST, OFFSETS, id_type, read_manifest, tokenizer_folder
from tokenizer.tokenizer import Tokenizer


class Shard(NamedTuple):
    """One shard, memory-mapped."""

    ids: NDArray[Any]
    """Token ids, shape (tokens,)."""
    offsets: NDArray[np.uint64]
    """The token at which each document starts, and the number of tokens: shape (documents + 1,)."""


class ShardFolder:
    """A folder of shards, verified. `InputError` names the file that is missing, cut short or altered."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.manifest = read_manifest(path)
        self.fingerprint: str = self.manifest["tokenizer"]["fingerprint"]
        self.vocab_size: int = self.manifest["tokenizer"]["vocab_size"]
        self.end_of_text: int = self.manifest["tokenizer"]["end_of_text"]
        self.tokens: int = self.manifest["tokens"]
        self.bytes: int = self.manifest["bytes"]
        self.shards = [self._open(shard) for shard in self.manifest["shards"]]

    def _open(self, shard: dict[str, Any]) -> Shard:
        ids = self._map(shard, "ids", id_type(self.manifest), shard["tokens"])
        offsets = self._map(shard, "offsets", OFFSETS, shard["documents"] + 1)
        if offsets[0] != 0 or offsets[-1] != shard["tokens"] or (np.diff(offsets.astype(np.int64)) <= 0).any():
            path = self.path / shard["offsets"]
            raise InputError(f"{path}: document offsets do not ascend from 0 to {shard['tokens']:,}")
        return Shard(ids, offsets)

    def _map(self, shard: dict[str, Any], kind: str, dtype: np.dtype[Any], length: int) -> NDArray[Any]:
        path = self.path / Path(shard[kind]).name  # a name with a folder in it would lead out of this one
        if not path.is_file():
            raise InputError(f"{path}: missing; write the shards again")
        if (size := path.stat().st_size) != length * dtype.itemsize:
            raise InputError(f"{path}: {size:,} bytes instead of {length * dtype.itemsize:,}; write the shards again")
        if sha256_file(path) != shard["sha256"].get(kind):
            raise InputError(f"{path}: checksum differs from {MANIFEST}, the file was altered; write the shards again")
        return np.memmap(path, dtype=dtype, mode="r") if length else np.empty(0, dtype=dtype)


def verify_shards(folder: str | Path) -> dict[str, Any]:
    """The manifest of a folder of shards, once every file was found whole; `InputError` names the one that is not."""
    manifest = read_manifest(folder)
    own = tokenizer_folder(folder)
    if Tokenizer.load(own).fingerprint != manifest["tokenizer"]["fingerprint"]:
        raise InputError(f"{own}: not the tokenizer of these shards; write the shards again")
    return ShardFolder(folder).manifest
