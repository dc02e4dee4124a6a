"""What a pretraining run is asked to do, and what it reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from model.optimizer import OPTIMIZERS
from model.parallel import PARALLELS
from model.precision import PRECISIONS
from model.schedule import SCHEDULES
from tokenizer.errors import InputError

CHOICES = {
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
    "optimizer": OPTIMIZERS,
    "parallel": PARALLELS,
    "nonfinite": ("stop", "skip"),
}


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Options of a pretraining run."""

    preset: str = "nano"
    """Shape of the model, a name in `model.config.PRESETS`."""

    shape: dict[str, Any] = field(default_factory=dict)
    """Fields of `ModelConfig` that differ from the preset's, as in {"qk_norm": True, "tie_embeddings": False}."""

    tokens: int | None = None
    """Tokens to train on; None is 20 for each parameter outside the embedding (Hoffmann et al., 2022), at most
    four epochs of the data (Muennighoff et al., 2023)."""

    max_seconds: float | None = None
    """Stop by the clock after so many seconds, validation included; the schedule follows tokens or time, whichever is
    further. Such a run resumes, but not bit for bit."""

    context: int | None = None
    """Tokens in a training window, at most the preset's max_context; None is that."""

    documents: bool = False
    """Whether attention stays inside a document where a window holds several; else it runs across, as in GPT-2."""

    batch_tokens: int | None = None
    """Tokens in an optimizer step, rounded down to whole windows; None is what suits the preset
    (`model.defaults.RECIPES`)."""

    micro_batch_tokens: int = 4096
    """Tokens in a forward and backward pass; gradients add up over the passes of a step."""

    lr: float | None = None
    """Peak learning rate; None is what suits the preset."""

    optimizer: str | None = None
    """"adamw", or "muon" for the matrices of the layers with AdamW for the rest; None is what suits the preset."""

    z_loss: float = 0.0
    """Weight of the squared logarithm of the softmax's denominator in the loss that is trained on; 1e-4 is usual."""

    schedule: str = "cosine"
    """Course of the learning rate: "cosine" or "wsd"."""

    warmup: float = 0.05
    """Share of the run in which the learning rate rises to its peak."""

    weight_decay: float = 0.1
    """AdamW's decay of the matrices."""

    clip: float = 1.0
    """Largest norm of the gradient; larger ones are scaled down."""

    nonfinite: str = "stop"
    """What a step whose loss or gradient is not finite does: "stop" the run, or "skip" the update and log it."""

    seed: int = 0
    """Fixes the initial weights and the order of the data."""

    precision: str = "auto"
    """"fp32", "bf16" (matrix products; weights stay float32) or "auto": bf16 where the hardware has it."""

    device: str = "auto"
    """"cpu", "cuda", "cuda:1" ... or "auto": CUDA where there is any."""

    parallel: str = "auto"
    """Under torchrun: "ddp" copies the model to every process, "fsdp" shards it, "auto" shards large ones."""

    recompute: bool = False
    """Whether activations inside a layer are computed again in the backward pass: a quarter slower, far less memory."""

    compile: bool | None = None
    """Whether layers go through torch.compile; None does on CUDA, where it pays and needs no compiler of C++."""

    eval_every: int = 500
    """Steps between validations; there is one before the first step and one after the last in any case."""

    eval_tokens: int = 65_536
    """Validation targets at most, evenly spread over the held-out text."""

    checkpoint_every: int = 500
    """Steps between checkpoints; there is one at the end and one at Ctrl-C in any case."""

    keep: int = 2
    """Checkpoints kept: the last, and others should that be damaged."""

    tensorboard: bool = False
    """Whether the log goes to RUN/tensorboard too."""

    def __post_init__(self) -> None:
        for name in ("tokens", "max_seconds", "context", "batch_tokens", "lr"):
            if (value := getattr(self, name)) is not None and not value > 0:
                raise InputError(f"{name} is {value}; it must be above 0, or left out")
        positive = ("micro_batch_tokens", "clip", "eval_every", "eval_tokens", "checkpoint_every")
        for name in (*positive, "keep"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("weight_decay", "z_loss"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}; it must be 0 or above")
        if not 0 <= self.warmup < 1:
            raise InputError(f"warmup is {self.warmup}; it is a share of the run, from 0 to below 1")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices and (name, getattr(self, name)) != ("optimizer", None):
                raise InputError(f"unknown {name} {getattr(self, name)!r}; choose one of {', '.join(choices)}")


@dataclass(frozen=True, kw_only=True)
class PretrainResult:
    """What a finished run reports; also in RUN/result.json."""

    steps: int
    """Optimizer updates."""

    tokens: int
    """Tokens trained on."""

    seconds: float
    """Wall-clock time, validation included."""

    tokens_per_second: float
    """Training speed, validation and checkpoints excluded (of the last session)."""

    parameters: int
    """Parameters of the model."""

    train_loss: float
    """Loss of the last step, nats per token."""

    validation_loss: float
    """Final loss on the held-out text, nats per token."""

    bits_per_byte: float
    """Final loss on the held-out text, bits per byte of raw text."""

    initial_bits_per_byte: float
    """The same before the first step."""

    unigram_bits_per_byte: float
    """The same for token frequencies alone: what a model that uses context must beat."""
