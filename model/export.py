"""A model on disk as the ecosystem has it: Llama's ``config.json`` and ``model.safetensors``.

`Transformer` uses the parameter names of transformers' ``LlamaForCausalLM``, so nothing is renamed; transformers and
vLLM load the folder as it is. Llama has no norms on queries and keys; a model with them is a Qwen3, which is the same
but for these (and has the same names).
"""

from collections.abc import Mapping
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


def llama_config(config: ModelConfig, end_of_text: int) -> dict[str, Any]:
    """The ``config.json`` of a ``LlamaForCausalLM`` (with QK-norm, ``Qwen3ForCausalLM``) whose documents begin after
    and end with end-of-text."""
    return {
        "architectures": ["Qwen3ForCausalLM" if config.qk_norm else "LlamaForCausalLM"],
        "model_type": "qwen3" if config.qk_norm else "llama",
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
    """Read a Llama ``config.json``; `InputError` for another architecture or a feature that is not ours."""
    found: Any = read_json(path)
    if not isinstance(found, dict) or found.get("model_type") not in ("llama", "qwen3"):
        raise InputError(f"{path}: not the config.json of a Llama model; give a folder that pretraining wrote")
    rope: dict[str, Any] = found.get("rope_parameters") or found.get("rope_scaling") or {}
    kind, turns = rope.get("rope_type", "default"), (rope.get("low_freq_factor"), rope.get("high_freq_factor"))
    if kind not in ROPE_SCALINGS or (kind == "llama3" and turns != (LOW_TURNS, HIGH_TURNS)):
        raise InputError(f"{path}: rope_type {kind!r} with {rope} is not supported; use transformers")
    for feature in ("attention_bias", "mlp_bias", "use_sliding_window"):
        if found.get(feature):
            raise InputError(f"{path}: {feature} is not supported; use transformers")
    try:
        config = ModelConfig(
            vocab_size=found["vocab_size"],
            hidden_size=found["hidden_size"],
            intermediate_size=found["intermediate_size"],
            num_layers=found["num_hidden_layers"],
            num_heads=found["num_attention_heads"],
            num_kv_heads=found.get("num_key_value_heads") or found["num_attention_heads"],
            max_context=found["max_position_embeddings"],
            rope_theta=rope.get("rope_theta") or found.get("rope_theta") or 10_000.0,
            rope_scaling=kind,
            rope_factor=rope.get("factor", 1.0),
            rope_original_context=rope["original_max_position_embeddings"] if kind == "llama3" else None,
            qk_norm=found["model_type"] == "qwen3",
            norm_eps=found["rms_norm_eps"],
            tie_embeddings=found.get("tie_word_embeddings", False),
        )
    except KeyError as error:
        raise InputError(f"{path}: {error} is missing; the file is damaged, restore it") from None
    if found.get("head_dim") not in (None, config.head_dim):
        raise InputError(f"{path}: head_dim {found['head_dim']} is not hidden_size / heads; use transformers")
    return config


def model_tensors(model: Transformer) -> dict[str, Tensor]:
    """The weights by name; a tied head is left out, as Hugging Face does."""
    tied = model.config.tie_embeddings
    return {name: tensor for name, tensor in model.state_dict().items() if not (tied and name == HEAD)}


def load_weights(files: Mapping[str, Path], model: Transformer) -> None:
    """Load the weights in ``files`` (see `weight_files`), written here or by transformers; `InputError` when damaged or
    not those of ``model``."""
    tensors = dict(read_weights(files))
    if model.config.tie_embeddings:
        tensors[HEAD] = tensors.get(EMBEDDING, torch.empty(0))
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason, folder = str(error).replace("\n\t", " "), next(iter(files.values())).parent
        raise InputError(f"{folder}: weights do not fit the config.json beside them ({reason})") from None
