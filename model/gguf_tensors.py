"""The weights of a Llama, Qwen2 or Qwen3 folder under llama.cpp's names and in its layout, one tensor at a time."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.attention import scaled_frequencies
from model.config import ModelConfig
from model.export import EMBEDDING, HEAD
from model.weights import INDEX, WEIGHTS, weight_files
from tokenizer.errors import InputError

_LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_BIASED = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
_TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
"""Types of weights that both formats have."""


@dataclass(frozen=True)
class GgufTensor:
    """A tensor that is to be written."""

    name: str
    """llama.cpp's name."""
    shape: tuple[int, ...]
    """Rows first, as in torch; the file has the sizes the other way round."""
    dtype: torch.dtype
    """The type in the file: vectors are float32, matrices as they are."""
    source: str
    """The name in the safetensors files."""
    path: Path
    """The file that has it."""
    heads: int = 0
    """Heads of a matrix whose rows are permuted, else 0."""

    @property
    def bytes(self) -> int:
        """Size in the file."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self) -> NDArray[np.generic]:
        """The values: float32 or float16, and bfloat16 as the uint16 of its bits."""
        with safe_open(self.path, framework="pt") as file:
            tensor = file.get_tensor(self.source).to(self.dtype)
        tensor = permuted(tensor, self.heads) if self.heads else tensor.contiguous()
        if self.dtype == torch.bfloat16:
            tensor = tensor.view(torch.uint16)
        return tensor.numpy()  # type: ignore[no-any-return]


def permuted(tensor: Tensor, heads: int) -> Tensor:
    """Rows of a query or key projection in the order of llama.cpp's architecture ``llama``.

    It rotates neighbouring rows (2i, 2i + 1) of a head, where Hugging Face's layout rotates (i, i + head_dim / 2); as
    ``LlamaModel.permute`` in https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py.
    """
    halves = tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, *tensor.shape[1:])
    return halves.transpose(1, 2).reshape(tensor.shape).contiguous()


def rope_factors(config: ModelConfig) -> NDArray[np.float32]:
    """What llama.cpp divides each rotary frequency by (``rope_freqs.weight``), for scaling as in Llama 3.1:
    (head_dim / 2,)."""
    plain = torch.arange(0, config.head_dim, 2, dtype=torch.float64) / config.head_dim
    frequencies = 1.0 / config.rope_theta**plain
    return (frequencies / scaled_frequencies(frequencies, config)).float().numpy()  # type: ignore[no-any-return]


def folder_tensors(folder: Path, config: ModelConfig) -> list[GgufTensor]:
    """All tensors of a model's folder; nothing but their names and shapes is read.

    `InputError` for a folder without weights, and for weights that are damaged or not those of ``config``.
    """
    files = weight_files(folder)
    if not files:
        raise InputError(f"{folder}: no {WEIGHTS} and no {INDEX}; finish the pretraining first")
    names = gguf_names(config)
    kept = {name: path for name, path in files.items() if name in names or not _is_surplus(name, config)}
    if kept.keys() != names.keys():
        differing = ", ".join(sorted(kept.keys() ^ names.keys())[:3])
        raise InputError(f"{folder}: its weights are not those of its config.json ({differing}, ...); restore it")
    found = []
    for source, path in kept.items():
        shape, dtype = _stored(source, path)
        heads = {"attn_q": config.num_heads, "attn_k": config.num_kv_heads}.get(names[source].split(".")[-2], 0)
        in_file = torch.float32 if len(shape) == 1 else dtype
        found.append(GgufTensor(names[source], shape, in_file, source, path, 0 if is_neox(config) else heads))
    return found


def gguf_names(config: ModelConfig) -> dict[str, str]:
    """llama.cpp's name of each tensor that a model of this shape has."""
    names = {EMBEDDING: "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    if not config.tie_embeddings:
        names[HEAD] = "output.weight"
    for layer in range(config.num_layers):
        for ours, theirs in _LAYER_NAMES.items():
            if config.qk_norm or not ours.endswith("_norm") or "self_attn" not in ours:
                names[f"model.layers.{layer}.{ours}.weight"] = f"blk.{layer}.{theirs}.weight"
            if config.qkv_bias and ours in _BIASED:
                names[f"model.layers.{layer}.{ours}.bias"] = f"blk.{layer}.{theirs}.bias"
    return names


def is_neox(config: ModelConfig) -> bool:
    """Whether llama.cpp rotates halves of a head in the architecture that it has for this shape, as Hugging Face does;
    its ``llama`` rotates neighbours."""
    return config.qk_norm or config.qkv_bias


def _is_surplus(name: str, config: ModelConfig) -> bool:
    """Whether older folders have a tensor that says nothing."""
    return (name == HEAD and config.tie_embeddings) or name.endswith("rotary_emb.inv_freq")


def _stored(source: str, path: Path) -> tuple[tuple[int, ...], torch.dtype]:
    """Shape and type of a tensor in a file."""
    try:
        with safe_open(path, framework="pt") as file:
            part = file.get_slice(source)
            shape, dtype = tuple(part.get_shape()), part.get_dtype()
    except (SafetensorError, FileNotFoundError) as error:
        raise InputError(f"{path}: incomplete ({error}); restore or rebuild it") from None
    if dtype not in _TYPES:
        raise InputError(f"{path}: {source} is of type {dtype}; weights are {', '.join(_TYPES)}, convert it")
    return shape, _TYPES[dtype]
