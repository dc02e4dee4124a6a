"""Options of generation, and the choice of the next token from logits."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tokenizer.errors import InputError


@dataclass(frozen=True, kw_only=True)
class GenerationConfig:
    """Options of generation, applied in the order of the fields, as in transformers. The
    docstrings of the fields are the help texts of `gyeol generate`."""

    max_new_tokens: int = 200
    """Tokens to add at most."""
    repetition_penalty: float = 1.0
    """Logits of tokens that are in the text already are divided by it where positive, else multiplied (Keskar et al.,
    2019); above 1 they are less likely."""
    temperature: float = 0.8
    """Logits are divided by it; 0 takes the likeliest token each time."""
    top_k: int | None = None
    """Choose among this many likeliest tokens."""
    top_p: float | None = 0.95
    """Choose among the fewest likeliest tokens that make up this share (nucleus sampling: Holtzman et al., 2020)."""
    min_p: float | None = None
    """Choose among tokens at least so likely, as a share of the likeliest (Nguyen et al., 2024)."""
    heal: bool = True
    """Take a prompt that may end inside a token back to where that token begins."""
    seed: int | None = None
    """Makes the text repeatable."""
    device: str = "auto"
    """Device: cpu, cuda, cuda:1 ...; auto is CUDA where there is any."""

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise InputError(f"max_new_tokens is {self.max_new_tokens}; it must be at least 1")
        if self.temperature != 0 and not 0.01 <= self.temperature <= 100:
            raise InputError(f"temperature is {self.temperature}; it must be 0 (greedy), or from 0.01 to 100")
        if not 0.01 <= self.repetition_penalty <= 100:
            raise InputError(
                f"repetition_penalty is {self.repetition_penalty}; it must be from 0.01 to 100, 1 does nothing"
            )
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise InputError(f"seed is {self.seed}; it must be from 0 to 2**63 - 1")
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"top_k is {self.top_k}; it must be at least 1, or left out")
        for name in ("top_p", "min_p"):
            if (value := getattr(self, name)) is not None and not 0 < value <= 1:
                raise InputError(f"{name} is {value}; it must be above 0 and at most 1, or left out")


def choose(logits: Tensor, config: GenerationConfig, generator: torch.Generator, before: Sequence[int] = ()) -> int:
    """Draw one id from ``logits`` (vocab,), those in ``before`` being in the text already."""
    logits = logits.float()
    if config.repetition_penalty != 1 and len(before):
        seen = torch.tensor(sorted(set(before)), device=logits.device)
        found, penalty = logits[seen], config.repetition_penalty
        logits = logits.index_copy(0, seen, torch.where(found > 0, found / penalty, found * penalty))
    if config.temperature == 0:
        return int(logits.argmax())
    probabilities, order = torch.softmax(logits / config.temperature, dim=-1).sort(descending=True, stable=True)
    if config.top_k is not None:
        probabilities[config.top_k :] = 0
    if config.top_p is not None:
        before_it = probabilities.cumsum(0) - probabilities
        probabilities[before_it >= config.top_p * probabilities.sum()] = 0
    if config.min_p is not None:
        probabilities[probabilities < config.min_p * probabilities[0]] = 0
    return int(order[torch.multinomial(probabilities, 1, generator=generator)])
