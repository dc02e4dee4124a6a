"""The weights of a Llama or Qwen3 folder under llama.cpp's names and in its layout, one tensor at a time."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.attention import scaled_frequencies
from model.checkpoint import INDEX, WEIGHTS
from model.config import ModelConfig
from model.export import HEAD
from tokenizer.errors import InputError
from tokenizer.files import read_json

EMBEDDING = "model.embed_tokens.weight"
_NAMES = {EMBEDDING: "token_embd.weight", "model.norm.weight": "output_norm.weight", HEAD: "output.weight"}
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
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)\.weight")
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

    `InputError` for a folder without weights, and for weights that are damaged or that llama.cpp has no name for.
    """
    found = [_described(*entry, config) for entry in _stored(folder)]
    found = [tensor for tensor in found if not (config.tie_embeddings and tensor.source == HEAD)]
    wanted = {"token_embd.weight", "output_norm.weight", *([] if config.tie_embeddings else ["output.weight"])}
    kinds = [name for name in _LAYER_NAMES.values() if config.qk_norm or name not in ("attn_q_norm", "attn_k_norm")]
    wanted |= {f"blk.{layer}.{kind}.weight" for layer in range(config.num_layers) for kind in kinds}
    names = {tensor.name for tensor in found}
    if names != wanted:
        differing = ", ".join(sorted(names ^ wanted)[:3])
        raise InputError(f"{folder}: its weights are not those of its config.json ({differing}, ...); restore it")
    return found


def _stored(folder: Path) -> Iterator[tuple[str, tuple[int, ...], str, Path]]:
    """Name, shape, type and file of every tensor in ``folder``."""
    for path in _files(folder):
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118, no mapping
                    part = file.get_slice(name)
                    yield name, tuple(part.get_shape()), part.get_dtype(), path
        except (SafetensorError, FileNotFoundError) as error:
            raise InputError(f"{path}: incomplete ({error}); restore or rebuild it") from None


def _files(folder: Path) -> list[Path]:
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if not (folder / INDEX).exists():
        raise InputError(f"{folder}: no {WEIGHTS} and no {INDEX}; finish the pretraining first")
    places = read_json(folder / INDEX)
    names = places.get("weight_map") if isinstance(places, dict) else None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InputError(f"{folder / INDEX}: not an index of weights; restore it")
    return [folder / Path(name).name for name in sorted(set(names.values()))]


def _described(source: str, shape: tuple[int, ...], dtype: str, path: Path, config: ModelConfig) -> GgufTensor:
    """A stored tensor as it is to be written."""
    layer = _LAYER.fullmatch(source)
    kind = _LAYER_NAMES.get(layer[2]) if layer else None
    name = f"blk.{layer[1]}.{kind}.weight" if layer and kind else _NAMES.get(source)
    if name is None:
        raise InputError(f"{path}: llama.cpp's Llama and Qwen3 have no weight {source!r}; use its own converter")
    if dtype not in _TYPES:
        raise InputError(f"{path}: {source} is of type {dtype}; it must be one of {', '.join(_TYPES)}")
    heads = {"attn_q": config.num_heads, "attn_k": config.num_kv_heads}.get(kind or "", 0)
    stored = torch.float32 if len(shape) == 1 else _TYPES[dtype]
    return GgufTensor(name, shape, stored, source, path, 0 if config.qk_norm else heads)
