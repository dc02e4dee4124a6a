"""The shape of a model: one frozen dataclass, and presets from a laptop to A.X 3.1.

>>> preset("nano", vocab_size=32_768).num_layers
6
>>> preset("nano", vocab_size=32_768, num_layers=2).num_layers
2
"""

from dataclasses import dataclass, fields
from typing import Any, cast

from tokenizer.errors import InputError

VOCAB_MULTIPLE = 128
"""Embedding rows come in multiples of this, the granularity at which matrix units are fast."""

MOST_LAYERS = 1000
ROPE_SCALINGS = ("default", "linear", "llama3")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Hyperparameters of a Llama-shaped decoder (RMSNorm, RoPE, grouped-query attention, SwiGLU)."""

    vocab_size: int
    """Rows of the embedding; at least the tokenizer's vocabulary (see `padded_vocab_size`)."""
    hidden_size: int
    """Width of the residual stream."""
    intermediate_size: int
    """Inner width of the SwiGLU feed-forward layer."""
    num_layers: int
    """Decoder layers."""
    num_heads: int
    """Query heads; divides hidden_size, unless head_size is given."""
    num_kv_heads: int
    """Key and value heads, each shared by num_heads / num_kv_heads query heads (Ainslie et al., 2023)."""
    max_context: int
    """Longest sequence, in tokens, that the model is trained for."""
    rope_theta: float = 10_000.0
    """Base of the rotary position frequencies (Su et al., 2021)."""
    rope_scaling: str = "default"
    """Stretching of positions beyond the context trained first: "default" (not at all), "linear" (all alike: Chen
    et al., 2023) or "llama3" (long wavelengths only, as in Llama 3.1)."""
    rope_factor: float = 1.0
    """By how much positions are stretched."""
    rope_original_context: int | None = None
    """The context trained first; "llama3" tells by it which wavelengths are long."""
    qk_norm: bool = False
    """Whether queries and keys are normalised per head, as in Qwen3; keeps attention logits in bounds."""
    qkv_bias: bool = False
    """Whether queries, keys and values have a bias, as in Qwen2."""
    head_size: int | None = None
    """Width of one attention head where it is not hidden_size / num_heads, as in Qwen3."""
    norm_eps: float = 1e-5
    """Added to the mean square inside RMSNorm."""
    tie_embeddings: bool = False
    """Whether the output head is the embedding matrix itself."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, kind = getattr(self, field.name), cast(Any, field.type)
            allowed = int | float if kind is float else kind
            if not isinstance(value, allowed) or isinstance(value, bool) != (kind is bool):
                raise InputError(f"{field.name} is {value!r}; it must be of the kind {getattr(kind, '__name__', kind)}")
            if isinstance(value, (int, float)) and kind is not bool and not value > 0:
                raise InputError(f"{field.name} is {value}; it must be above 0")
        if self.num_layers > MOST_LAYERS:
            raise InputError(f"num_layers is {self.num_layers:,}; it must be at most {MOST_LAYERS:,}")
        if self.rope_scaling not in ROPE_SCALINGS:
            raise InputError(f"unknown rope_scaling {self.rope_scaling!r}; choose one of {', '.join(ROPE_SCALINGS)}")
        if (self.rope_scaling == "llama3") != (self.rope_original_context is not None):
            raise InputError("rope_original_context goes with rope_scaling 'llama3', and only with it; set both")
        if self.rope_scaling == "default" and self.rope_factor != 1:
            raise InputError(f"rope_factor {self.rope_factor} needs rope_scaling 'linear' or 'llama3'")
        if self.qkv_bias and self.qk_norm:
            raise InputError("qkv_bias and qk_norm: no architecture of transformers has both; choose one of them")
        widths = [("hidden_size", "num_heads")] if self.head_size is None else []
        for whole, part in (*widths, ("num_heads", "num_kv_heads")):
            size, divisor = getattr(self, whole), getattr(self, part)
            if size % divisor:
                raise InputError(f"{whole} {size} is not a multiple of {part} {divisor}; change either")
        if self.head_dim % 2:
            raise InputError(
                f"a head (hidden_size / num_heads) is {self.head_dim} wide; rotary positions need an even number, "
                "change either"
            )

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.head_size or self.hidden_size // self.num_heads

    @property
    def body_parameters(self) -> int:
        """Parameters outside the embedding and the output head."""
        attention = 2 * self.hidden_size * self.head_dim * (self.num_heads + self.num_kv_heads)
        feed_forward = 3 * self.hidden_size * self.intermediate_size
        norms = 2 * self.hidden_size + (2 * self.head_dim if self.qk_norm else 0)
        biases = self.head_dim * (self.num_heads + 2 * self.num_kv_heads) if self.qkv_bias else 0
        return self.num_layers * (attention + feed_forward + norms + biases) + self.hidden_size

    @property
    def parameters(self) -> int:
        """All parameters; a tied embedding counts once."""
        tables = 1 if self.tie_embeddings else 2
        return self.body_parameters + tables * self.vocab_size * self.hidden_size

    def flops_per_token(self, context: int) -> int:
        """Floating-point operations of training on one token: 6 for each weight it meets (the head is met, the
        embedding only looked up), and those of causal attention over half of ``context`` on average."""
        weights = self.body_parameters + self.vocab_size * self.hidden_size
        return 6 * weights + 6 * self.num_layers * self.num_heads * self.head_dim * context


def _shape(*sizes: int, **more: Any) -> dict[str, Any]:
    names = ("hidden_size", "intermediate_size", "num_layers", "num_heads", "num_kv_heads", "max_context")
    return dict(zip(names, sizes, strict=True)) | more


# The small presets tie the embedding: at 32k-100k tokens it is most of their parameters, and a head of
# its own costs twice the memory and optimizer time for no better loss at these sizes (MobileLLM, 2024).
PRESETS: dict[str, dict[str, Any]] = {
    "nano": _shape(256, 704, 6, 4, 2, 512, tie_embeddings=True),
    "mini": _shape(512, 1408, 8, 8, 4, 1024, tie_embeddings=True),
    "small": _shape(768, 2048, 12, 12, 4, 2048, tie_embeddings=True),
    "base": _shape(1024, 2816, 24, 16, 4, 2048, tie_embeddings=True),
    "large": _shape(2048, 5632, 24, 16, 4, 4096, rope_theta=500_000.0, tie_embeddings=True),
    "ax-3.1-light": _shape(4096, 10_880, 32, 32, 32, 32_768, rope_theta=500_000.0),
    "ax-3.1": _shape(8192, 21_824, 48, 64, 8, 32_768, rope_theta=500_000.0),
}
"""Shapes by name, without the vocabulary; the last two are those of A.X 3.1 Light (7B) and A.X 3.1 (34B)."""


def preset(name: str, vocab_size: int, **overrides: Any) -> ModelConfig:
    """Return the preset ``name`` with ``vocab_size`` embedding rows and any field overridden.

    Raises `InputError` for an unknown name or field.
    """
    if name not in PRESETS:
        raise InputError(f"unknown model preset {name!r}; choose one of {', '.join(PRESETS)}")
    known = [field.name for field in fields(ModelConfig)]
    for key in overrides:
        if key not in known:
            raise InputError(f"unknown model field {key!r}; choose one of {', '.join(known)}")
    return ModelConfig(**{**PRESETS[name], "vocab_size": vocab_size, **overrides})


def padded_vocab_size(vocab_size: int) -> int:
    """Round a tokenizer's vocabulary up to `VOCAB_MULTIPLE`; the rows added are never a training target."""
    return -(-vocab_size // VOCAB_MULTIPLE) * VOCAB_MULTIPLE
