"""A model on disk as the ecosystem has it: Llama's ``config.json`` and ``model.safetensors``.

`Transformer` uses the parameter names of transformers' ``LlamaForCausalLM``, so nothing is renamed; transformers and
vLLM load the folder as it is. Llama has no norms on queries and keys and no biases; a model with norms is a Qwen3, one
with biases on queries, keys and values a Qwen2, which are the same but for these (and have the same names). A Mistral
without a sliding window is a Llama, and is saved as one.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.attention import HIGH_TURNS, LOW_TURNS
from model.config import ROPE_SCALINGS, ModelConfig
from model.transformer import Transformer
from model.weights import read_weights
from tokenizer.errors import InputError
from tokenizer.files import read_json

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
"""The weights that have a row for each id."""
_DEFAULTS: dict[str, dict[str, Any]] = {
    "llama": {"hidden_act": "silu"},
    "mistral": {"hidden_act": "silu", "sliding_window": 4096},
    "qwen2": {"hidden_act": "silu"},
    "qwen3": {"hidden_act": "silu", "head_dim": 128},
}
"""Architectures that differ from Llama in what `ModelConfig` can say, and what transformers takes for fields that a
config leaves out."""
_TURNS = ("low_freq_factor", "high_freq_factor")


def llama_config(config: ModelConfig, end_of_text: int) -> dict[str, Any]:
    """The ``config.json`` of a ``LlamaForCausalLM`` (with QK-norm ``Qwen3ForCausalLM``, with biases
    ``Qwen2ForCausalLM``) whose documents begin after and end with end-of-text."""
    kind = "Qwen3" if config.qk_norm else "Qwen2" if config.qkv_bias else "Llama"
    return {
        "architectures": [f"{kind}ForCausalLM"],
        "model_type": kind.lower(),
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "max_position_embeddings": config.max_context,
        "rope_theta": config.rope_theta,
        **_rope(config),
        "rms_norm_eps": config.norm_eps,
        "tie_word_embeddings": config.tie_embeddings,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "initializer_range": 0.02,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "torch_dtype": "float32",
        "use_cache": True,
        "transformers_version": "5.0.0",  # of the form; without one transformers 4.57 warns of a wrong pattern
    }


def _rope(config: ModelConfig) -> dict[str, Any]:
    """The rotary positions under the names of transformers 5 and 4."""
    if config.rope_scaling == "default":
        return {"rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta}}
    scaling: dict[str, Any] = {"rope_type": config.rope_scaling, "factor": config.rope_factor}
    if config.rope_scaling == "llama3":
        scaling |= {"original_max_position_embeddings": config.rope_original_context}
        scaling |= {"low_freq_factor": LOW_TURNS, "high_freq_factor": HIGH_TURNS}
    return {"rope_parameters": {**scaling, "rope_theta": config.rope_theta}, "rope_scaling": scaling}


def read_config(path: str | Path) -> ModelConfig:
    """Read the ``config.json`` of a Llama, Mistral, Qwen2 or Qwen3; `InputError` by name for another architecture or a
    feature that is not ours."""
    found: Any = read_json(path)
    kind = str(found.get("model_type")) if isinstance(found, dict) else None
    if kind is None or kind not in _DEFAULTS:
        raise InputError(
            f"{path}: model_type {kind!r}; Gyeol runs Llama, Mistral, Qwen2 and Qwen3, use transformers for others"
        )
    found = _DEFAULTS[kind] | found
    rope: dict[str, Any] = found.get("rope_parameters") or found.get("rope_scaling") or {}
    scaling, turns = rope.get("rope_type") or rope.get("type", "default"), [rope.get(name) for name in _TURNS]
    if scaling not in ROPE_SCALINGS or (scaling == "llama3" and turns != [LOW_TURNS, HIGH_TURNS]):
        raise InputError(f"{path}: rope_type {scaling!r} with {rope} is not supported; use transformers")
    for feature, value in _features(found, rope, kind).items():
        raise InputError(f"{path}: {feature} {value!r} is not supported; use transformers")
    try:
        hidden, heads = found["hidden_size"], found["num_attention_heads"]
        config = ModelConfig(
            vocab_size=found["vocab_size"],
            hidden_size=hidden,
            intermediate_size=found["intermediate_size"],
            num_layers=found["num_hidden_layers"],
            num_heads=heads,
            num_kv_heads=found.get("num_key_value_heads") or heads,
            max_context=found["max_position_embeddings"],
            rope_theta=rope.get("rope_theta") or found.get("rope_theta") or 10_000.0,
            rope_scaling=scaling,
            rope_factor=rope.get("factor", 1.0),
            rope_original_context=rope["original_max_position_embeddings"] if scaling == "llama3" else None,
            qk_norm=kind == "qwen3",
            qkv_bias=kind == "qwen2",
            head_size=found.get("head_dim"),
            norm_eps=found["rms_norm_eps"],
            tie_embeddings=found.get("tie_word_embeddings", False),
        )
    except KeyError as error:
        raise InputError(f"{path}: {error} is missing; the file is damaged, restore it") from None
    if config.head_dim * config.num_heads == config.hidden_size:
        return replace(config, head_size=None)
    return config


def _features(found: dict[str, Any], rope: dict[str, Any], kind: str) -> dict[str, Any]:
    """What a config asks for that the transformer does not have, by name."""
    windows = found.get("sliding_window") if kind == "mistral" or found.get("use_sliding_window") else None
    context = found.get("max_position_embeddings")
    short = isinstance(windows, int) and isinstance(context, int) and windows < context
    asked = {
        "hidden_act": None if found.get("hidden_act") == "silu" else found.get("hidden_act"),
        "sliding_window": windows if short else None,
        "use_sliding_window": found.get("use_sliding_window") and windows is None,
        "partial_rotary_factor": (rope | found).get("partial_rotary_factor", 1.0) != 1.0,
        **{name: found.get(name) for name in ("attention_bias", "mlp_bias", "quantization_config")},
    }
    return {name: value for name, value in asked.items() if value}


def model_tensors(model: Transformer) -> dict[str, Tensor]:
    """The weights by name; a tied head is left out, as Hugging Face does."""
    tied = model.config.tie_embeddings
    return {name: tensor for name, tensor in model.state_dict().items() if not (tied and name == HEAD)}


def load_weights(files: Mapping[str, Path], model: Transformer) -> None:
    """Load the weights in ``files`` (see `weight_files`), written here or by transformers; `InputError` when damaged or
    not those of ``model``."""
    kept = {name: path for name, path in files.items() if not name.endswith("rotary_emb.inv_freq")}
    tensors = dict(read_weights(kept))
    if model.config.tie_embeddings:
        tensors[HEAD] = tensors.get(EMBEDDING, torch.empty(0))
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason, folder = str(error).replace("\n\t", " "), next(iter(files.values())).parent
        raise InputError(f"{folder}: weights do not fit the config.json beside them ({reason})") from None
