"""A tokenizer or a model as one GGUF file, the form that llama.cpp and what is built on it (Ollama, LM Studio) run.

Fields and names are those of ``convert_hf_to_gguf.py`` in https://github.com/ggml-org/llama.cpp, which stays the
converter for models of other shapes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from model.checkpoint import CONFIG, RESULT, check_sums
from model.config import ModelConfig
from model.export import read_config
from model.gguf_tensors import GgufTensor, folder_tensors, is_neox, rope_factors
from model.gguf_tokenizer import add_tokenizer, check_vocabulary
from tokenizer import Tokenizer
from tokenizer.errors import InputError
from tokenizer.files import atomic_open
from tokenizer.outputs import check_file
from tokenizer.shipped import shipped_folder
from tokenizer.state_files import read_state

if TYPE_CHECKING:
    from gguf import GGUFWriter

MARK = "gyeol.fingerprint"
"""The field that tells a file of Gyeol; its value is the fingerprint of the tokenizer."""


def export_gguf(folder: str | Path, out: str | Path, *, force: bool = False) -> None:
    """Write a tokenizer, or a model with its tokenizer, as the GGUF file ``out``.

    ``folder`` is a tokenizer (a shipped name too), a finished run, or a folder of Hugging Face with a Llama, Mistral,
    Qwen2 or Qwen3 that Gyeol can run; weights keep their type and are read one after another. `InputError` without
    the package ``gguf``, for a tokenizer that llama.cpp would not encode alike with, for a model with fewer rows than
    its tokenizer has ids, and when something is at ``out`` already; with ``force`` a GGUF file of Gyeol is replaced,
    nothing else.

    llama.cpp's own version of GPT-4o's grammar (recipe plain) knows capitals of ASCII only, and combining marks not as
    letters: accented capitals inside a word, and scripts such as Devanagari and Thai, may have other ids there.
    """
    package = _package()
    check_file(out, MARK.encode(), force)
    tokenizer = Tokenizer.load(folder)
    vocabulary = tokenizer.vocabulary
    check_vocabulary(vocabulary, folder)
    config, tensors = _model(shipped_folder(str(folder)) or Path(folder))
    rows = config.vocab_size if config else vocabulary.size
    if rows < vocabulary.size:
        raise InputError(
            f"{folder}: its model has {rows:,} rows, fewer than the {vocabulary.size:,} ids of its tokenizer"
        )
    with atomic_open(out) as handle:
        writer = package.GGUFWriter(handle.name, _architecture(config))
        try:
            writer.add_string(MARK, vocabulary.fingerprint)  # near the start, where `check_file` looks for it
            writer.add_name(tokenizer.name)
            if config:
                _add_shape(writer, config, _file_type(tensors))
            add_tokenizer(writer, vocabulary, rows)
            _write_tensors(writer, tensors, rope_factors(config) if config and config.rope_original_context else None)
        finally:
            writer.close()


def _package() -> Any:
    try:
        import gguf
    except ImportError:
        raise InputError("GGUF files need the package gguf; install it with: pip install 'gyeol[gguf]'") from None
    return gguf


def _model(folder: Path) -> tuple[ModelConfig | None, list[GgufTensor]]:
    """Shape and tensors of the model in ``folder``; None and none of them for a tokenizer alone."""
    if not (folder / CONFIG).exists():
        return None, []
    if (folder / RESULT).exists():
        check_sums(folder, read_state(folder / RESULT).get("sha256", {}))
    config = read_config(folder / CONFIG)
    return config, folder_tensors(folder, config)


def _architecture(config: ModelConfig | None) -> str:
    if config is None or not is_neox(config):
        return "llama"
    return "qwen3" if config.qk_norm else "qwen2"


def _file_type(tensors: list[GgufTensor]) -> int:
    """The number of the matrices' type in ``enum llama_ftype``; that of the largest where they differ."""
    largest = max(tensors, key=lambda tensor: tensor.bytes)
    return {torch.float32: 0, torch.float16: 1, torch.bfloat16: 32}[largest.dtype]


def _add_shape(writer: GGUFWriter, config: ModelConfig, file_type: int) -> None:
    from gguf import RopeScalingType

    writer.add_type("model")
    writer.add_file_type(file_type)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_context)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_layers)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    if config.rope_scaling == "linear":
        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(config.rope_factor)


def _write_tensors(writer: GGUFWriter, tensors: list[GgufTensor], factors: np.ndarray | None) -> None:
    """Write all fields, then the tensors, of which one at a time is in memory."""
    from gguf import GGMLQuantizationType as Types

    types = {torch.float32: Types.F32, torch.float16: Types.F16, torch.bfloat16: Types.BF16}
    if factors is not None:
        writer.add_tensor_info("rope_freqs.weight", factors.shape, factors.dtype, factors.nbytes)
    for tensor in tensors:
        kind = np.dtype(f"u{tensor.dtype.itemsize}")  # the package asks for a type of numpy too, and ignores it
        writer.add_tensor_info(tensor.name, tensor.shape, kind, tensor.bytes, types[tensor.dtype])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    if factors is not None:
        writer.write_tensor_data(factors)
    for tensor in tensors:
        writer.write_tensor_data(tensor.read())
