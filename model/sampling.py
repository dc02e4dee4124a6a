"""Choosing the next token from logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tokenizer.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a token is chosen; applied in the order of the fields after the penalty, as in transformers."""

    repetition_penalty: float = 1.0
    """Logits of tokens that are in the text already are divided by it where positive, else multiplied (Keskar et al.,
    2019); 1 does nothing."""

    temperature: float = 0.8
    """Logits are divided by it; 0 takes the likeliest token each time."""

    top_k: int | None = None
    """Only the k likeliest tokens are chosen from."""

    top_p: float | None = 0.95
    """Only the fewest likeliest tokens whose probabilities reach p (nucleus sampling: Holtzman et al., 2020)."""

    min_p: float | None = None
    """Only tokens at least so likely, as a share of the likeliest (Nguyen et al., 2024)."""

    def __post_init__(self) -> None:
        if not self.temperature >= 0:
            raise InputError(f"temperature is {self.temperature}; it must be 0 (greedy) or above")
        if not self.repetition_penalty > 0:
            raise InputError(f"repetition_penalty is {self.repetition_penalty}; it must be above 0, 1 does nothing")
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"top_k is {self.top_k}; it must be at least 1, or left out")
        for name in ("top_p", "min_p"):
            if (value := getattr(self, name)) is not None and not 0 < value <= 1:
                raise InputError(f"{name} is {value}; it must be above 0 and at most 1, or left out")


def choose(logits: Tensor, sampling: Sampling, generator: torch.Generator, before: Sequence[int] = ()) -> int:
    """Draw one id from ``logits`` (vocab,), those in ``before`` being in the text already."""
    logits = logits.float()
    if sampling.repetition_penalty != 1 and len(before):
        seen = torch.tensor(sorted(set(before)), device=logits.device)
        found, penalty = logits[seen], sampling.repetition_penalty
        logits = logits.index_copy(0, seen, torch.where(found > 0, found / penalty, found * penalty))
    if sampling.temperature == 0:
        return int(logits.argmax())
    probabilities, order = torch.softmax(logits / sampling.temperature, dim=-1).sort(descending=True, stable=True)
    if sampling.top_k is not None:
        probabilities[sampling.top_k :] = 0
    if sampling.top_p is not None:
        before_it = probabilities.cumsum(0) - probabilities
        probabilities[before_it >= sampling.top_p * probabilities.sum()] = 0
    if sampling.min_p is not None:
        probabilities[probabilities < sampling.min_p * probabilities[0]] = 0
    return int(order[torch.multinomial(probabilities, 1, generator=generator)])
