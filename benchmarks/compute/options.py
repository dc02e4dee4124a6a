"""Options of a comparison, in one place for the command line and for Python."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model import preset
from tokenizer.errors import InputError


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """What all arms of a comparison share."""

    preset: str = "nano"
    """Shape of the model, without the vocabulary."""
    shape: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the shape that differ from the preset; may be repeated."""
    context_bytes: int = 1024
    """Context of the model in bytes of text, the same for every tokenizer: one with longer tokens has fewer of them."""
    batch_bytes: int = 8192
    """Bytes of text in a step, about."""
    sample: int = 64_000_000
    """Bytes of the corpus to train on at most; of a larger one passages are drawn evenly."""
    rates: tuple[float, ...] = ()
    """Learning rates to try for each tokenizer at the middle budget; the best goes on. By default the preset's, and
    half and twice as much; may be repeated."""
    device: str = "auto"
    """Device: cpu, cuda, cuda:1 ...; auto is CUDA where there is any."""

    def __post_init__(self) -> None:
        for name, least in (("context_bytes", 64), ("batch_bytes", self.context_bytes), ("sample", 10_000)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name):,}; it must be {least:,} or more")
        for rate in self.rates:
            if not 0 < rate < 1:
                raise InputError(f"a learning rate is {rate}; it must be above 0 and below 1")
        if "vocab_size" in self.shape or "max_context" in self.shape:
            raise InputError("shape: vocab_size and max_context follow from the tokenizers; leave them out")
        preset(self.preset, 256, **self.shape)  # refuses what is no shape


def checked_budgets(budgets: tuple[float, ...]) -> list[float]:
    """The budgets, ascending; `InputError` for none, for one twice, and for one that is no number of operations."""
    if not budgets:
        raise InputError("no budget; give floating-point operations, as in 1e12, once or several times")
    for budget in budgets:
        if not 0 < budget < 1e27:
            raise InputError(f"a budget is {budget:g}; it is a number of floating-point operations, as in 1e12")
    if len(set(budgets)) < len(budgets):
        raise InputError(f"budgets {', '.join(f'{budget:g}' for budget in budgets)}: name each once")
    return sorted(budgets)
