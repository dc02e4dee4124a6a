"""Going on from a prompt that ends inside a token.

A vocabulary with superwords has tokens such as " 수 있다", and a model that learnt on them has seldom seen " 수"
alone go on with " 있다": a prompt that ends with " 수" derails it. So the last tokens of the prompt are taken back, as
many as a longer token could have swallowed, and the first new tokens are held to their bytes: each must begin with
what is left of these, or be a part of it. (Known as token healing: Lundberg, 2023.)

>>> Continuations([b"a", b"b", b"abc"]).back_off([0, 1])
([], b'ab')
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import torch
from torch import Tensor

MOST_TOKENS = 8
"""Tokens taken back at most."""


class Continuations:
    """Which tokens may stand where certain bytes are to come; ``tokens`` has the bytes of each id, b"" for special."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        self.tokens = tokens
        self._sorted = sorted((raw, number) for number, raw in enumerate(tokens) if raw)

    def _starting(self, raw: bytes, length: int | None = None) -> list[tuple[bytes, int]]:
        """Tokens, with their ids, whose first ``length`` bytes (all of them by default) are ``raw``."""

        def start(entry: tuple[bytes, int]) -> bytes:
            return entry[0][:length]

        return self._sorted[bisect_left(self._sorted, raw, key=start) : bisect_right(self._sorted, raw, key=start)]

    def extends(self, raw: bytes) -> bool:
        """Whether a token begins with ``raw`` and is longer."""
        return any(token != raw for token, _ in self._starting(raw, len(raw)))

    def allowed(self, raw: bytes) -> list[int]:
        """Tokens that begin with ``raw`` or are the beginning of it; never none, as every byte is a token."""
        shorter = (self._starting(raw[:length]) for length in range(1, len(raw)))
        return [number for found in (*shorter, self._starting(raw, len(raw))) for _, number in found]

    def covers(self, raw: bytes) -> tuple[list[int], list[tuple[int, int]]]:
        """Tokens that begin with ``raw``, which so cover it, and those that are a proper beginning of it, each with its
        number of bytes."""
        inside = [(number, length) for length in range(1, len(raw)) for _, number in self._starting(raw[:length])]
        return [number for _, number in self._starting(raw, len(raw))], inside

    def back_off(self, ids: list[int]) -> tuple[list[int], bytes]:
        """Take back the most last tokens of ``ids`` that a longer one could have swallowed; return the rest and
        their bytes."""
        taken, raw, best = 0, b"", (0, b"")
        for token in reversed(ids[-MOST_TOKENS:]):
            if not self.tokens[token]:
                break  # a special token is never part of another
            taken, raw = taken + 1, self.tokens[token] + raw
            if self.extends(raw):
                best = (taken, raw)
        return ids[: len(ids) - best[0]], best[1]


def held_to(logits: Tensor, allowed: list[int]) -> Tensor:
    """``logits`` (vocab,) with every id that is not ``allowed`` made impossible."""
    kept = torch.full_like(logits, -torch.inf)
    place = torch.tensor(allowed, device=logits.device)
    return kept.index_copy(0, place, logits[place])
