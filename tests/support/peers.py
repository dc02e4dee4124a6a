"""Tokenizers made for a test."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from benchmarks.peers.adapters import Ids, Peer


class Units(Peer):
    """One token per character, or per byte."""

    kind = "test"

    def __init__(self, name: str, characters: bool) -> None:
        super().__init__(name, 0x110000 if characters else 256)
        self._characters = characters

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return [[*map(ord, text)] if self._characters else [*text.encode()] for text in texts]

    def decode_bytes(self, ids: Ids) -> bytes:
        return "".join(map(chr, ids)).encode() if self._characters else bytes(ids)

    def token_bytes(self, token: int) -> bytes:
        return self.decode_bytes([token])


class Lower(Units):
    """A tokenizer that folds case, as some published ones do."""

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return super().encode_batch([text.lower() for text in texts])


class CutAt(Peer):
    """Cuts each text at the given byte offsets; tokens are numbered as they come."""

    kind = "test"

    def __init__(self, cuts: dict[str, list[int]]) -> None:
        super().__init__("cut", 0)
        self._cuts, self._tokens = cuts, [b""]

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return [self._encode(text.encode(), self._cuts[text]) for text in texts]

    def _encode(self, data: bytes, cuts: list[int]) -> np.ndarray:
        first = len(self._tokens)
        self._tokens += [data[a:b] for a, b in pairwise([0, *cuts, len(data)])]
        return np.arange(first, len(self._tokens))

    def decode_bytes(self, ids: Ids) -> bytes:
        return b"".join(self._tokens[i] for i in ids)

    def token_bytes(self, token: int) -> bytes:
        return self._tokens[token]


class Fixed(Peer):
    """Cuts any text into the given pieces."""

    kind = "test"

    def __init__(self, name: str, *pieces: bytes) -> None:
        super().__init__(name, len(pieces))
        self._pieces = pieces

    @classmethod
    def of(cls, name: str, text: str) -> Fixed:
        """The pieces as they stand between bars."""
        return cls(name, *(piece.encode() for piece in text.split("|")))

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return [[*range(len(self._pieces))] for _ in texts]

    def decode_bytes(self, ids: Ids) -> bytes:
        return b"".join(self._pieces[i] for i in ids)

    def token_bytes(self, token: int) -> bytes:
        return self._pieces[token]
