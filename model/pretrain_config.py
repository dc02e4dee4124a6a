"""Options and result of a pretraining run."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from tokenizer.errors import InputError


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Options of a pretraining run. The docstrings of the fields are the help texts of `gyeol pretrain`."""

    preset: str = "nano"
    """Shape of the model: nano, mini, small, base, large, ax-3.1-light or ax-3.1."""
    shape: dict[str, Any] = field(default_factory=dict)
    """Field of the shape that differs from the preset's, as qk_norm=true or num_kv_heads=1."""
    tokens: int | None = None
    """Tokens to train on. By default 20 for each parameter outside the embedding (Hoffmann et al., 2022), at most four
    epochs of the data (Muennighoff et al., 2023)."""
    max_seconds: float | None = None
    """Seconds of training after which the run stops, the learning rate brought down in time; validation and checkpoints
    are not counted. The schedule follows tokens or time, whichever is further; such a run resumes, but not bit for
    bit."""
    context: int | None = None
    """Tokens per sequence, at most the preset's max_context, which is the default."""
    documents: bool = False
    """Keep attention inside documents; else it runs across those of a sequence, as in GPT-2."""
    batch_tokens: int | None = None
    """Tokens per optimizer step, rounded down to whole sequences; what suits the preset by default."""
    micro_batch_tokens: int = 4096
    """Tokens per forward and backward pass, over which gradients add up; less takes less memory."""
    lr: float | None = None
    """Peak learning rate; what suits the preset by default."""
    optimizer: Literal["adamw", "muon"] | None = None
    """Optimizer; muon is for the matrices of the layers, adamw for the rest. What suits the preset by default."""
    z_loss: float = 0.0
    """Weight of the squared logarithm of the softmax's denominator in the training loss; 1e-4 is usual."""
    schedule: Literal["cosine", "wsd"] = "cosine"
    """Course of the learning rate; wsd is warmup, stable, decay."""
    warmup: float = 0.05
    """Share of the run in which the learning rate rises to its peak."""
    weight_decay: float = 0.1
    """AdamW's decay of the matrices."""
    clip: float = 1.0
    """Largest norm of the gradient; larger ones are scaled down."""
    nonfinite: Literal["stop", "skip"] = "stop"
    """A step whose loss or gradient is not finite stops the run, or is skipped and logged."""
    seed: int = 0
    """Fixes the initial weights and the order of the data."""
    extend: bool = False
    """Go on with a finished run, up to more tokens: the learning rate rises to its peak and falls once more (Ibrahim et
    al., 2024)."""
    init_from: str | None = None
    """Start from the weights of this run or Hugging Face folder, whose shape must be the same; rows of another
    vocabulary are mapped by token."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Precision of matrix products, weights staying float32; auto is bf16 where the hardware has it."""
    device: str = "auto"
    """Device: cpu, cuda, cuda:1 ...; auto is CUDA where there is any."""
    parallel: Literal["auto", "ddp", "fsdp"] = "auto"
    """Under torchrun: ddp copies the model to every process, fsdp shards it, auto shards large ones."""
    recompute: bool = False
    """Recompute the activations of a layer in the backward pass: a quarter slower, far less memory."""
    compile: bool | None = None
    """Compile the layers with torch.compile; on CUDA by default."""
    validate_every: int = 500
    """Steps between validations; there is one before the first step and one after the last in any case."""
    eval_tokens: int = 65_536
    """Validation targets at most, evenly spread over the held-out text."""
    checkpoint_steps: int = 500
    """Steps between checkpoints; there is one at the end, and one at Ctrl-C, SIGTERM and SIGHUP, in any case."""
    checkpoint_minutes: float = 10.0
    """Minutes between checkpoints, whichever is sooner."""
    keep: int = 2
    """Checkpoints kept: the last, and others should that be damaged."""
    tensorboard: bool = False
    """Log to the folder tensorboard of the run too."""

    def __post_init__(self) -> None:
        for name in ("tokens", "max_seconds", "context", "batch_tokens", "lr"):
            if (value := getattr(self, name)) is not None and not value > 0:
                raise InputError(f"{name} is {value}; it must be above 0, or left out")
        positive = ("micro_batch_tokens", "clip", "validate_every", "eval_tokens", "checkpoint_steps", "keep")
        for name in (*positive, "checkpoint_minutes"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("weight_decay", "z_loss"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}; it must be 0 or above")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"seed is {self.seed}; it must be from 0 to 2**63 - 1")
        if not 0 <= self.warmup < 1:
            raise InputError(f"warmup is {self.warmup}; it is a share of the run, from 0 to below 1")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(
                    f"unknown {name} {getattr(self, name)!r}; choose one of {', '.join(filter(None, choices))}"
                )


def _choices(kind: Any) -> list[Any]:
    """The values of a ``Literal``, with None where that is another alternative; none for other types."""
    values = [value for part in (kind, *get_args(kind)) if get_origin(part) is Literal for value in get_args(part)]
    return [*values, None] if values and type(None) in get_args(kind) else values


CHOICES = {name: values for name, kind in get_type_hints(PretrainConfig).items() if (values := _choices(kind))}
"""The values of the fields that have few."""


@dataclass(frozen=True, kw_only=True)
class PretrainResult:
    """Result of a finished run; also in RUN/result.json."""

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
    skipped_steps: int = 0
    """Steps left out because their loss or gradient was not finite."""
    finite_weights: bool = True
    """Whether every weight is a number; a model with others is of no use."""
    validated_on_training_data: bool = False
    """Whether the validation shards are among those trained on, so that losses say little of other text."""

    @property
    def failure(self) -> str | None:
        """Why the run is no success, if it is none."""
        if not self.finite_weights:
            return "the weights hold NaN or infinity; start again with a lower lr or a longer warmup"
        if 2 * self.skipped_steps > self.steps:
            return (
                f"{self.skipped_steps:,} of {self.steps:,} steps were skipped, their loss or gradient not finite; "
                "start again with a lower lr or a longer warmup"
            )
        return None
