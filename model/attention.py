"""Rotary positions, grouped-query causal attention and the cache that generation keeps."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.config import ModelConfig
from model.document_mask import DocumentMask
from model.norm import RMSNorm
from tokenizer.errors import InputError

LOW_TURNS, HIGH_TURNS = 1.0, 4.0
"""Llama 3.1: waves that turn less over the first context are stretched in full, those that turn more not at all."""


class LayerCache:
    """Keys and values of one layer, (batch, kv_head, time, head_dim), in a buffer for `ModelConfig.max_context`."""

    def __init__(self, config: ModelConfig, batch: int, device: torch.device | str):
        shape = (batch, config.num_kv_heads, config.max_context, config.head_dim)
        self.keys, self.values = torch.empty(shape, device=device), torch.empty(shape, device=device)
        self.length = 0

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append (batch, kv_head, time, head_dim) and return all that is held."""
        end = self.length + keys.shape[2]
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class Cache:
    """One `LayerCache` a layer; pass it to the model call after call to decode one token at a time."""

    def __init__(self, config: ModelConfig, *, batch: int, device: torch.device | str = "cpu"):
        self.layers = [LayerCache(config, batch, device) for _ in range(config.num_layers)]

    @property
    def length(self) -> int:
        """Tokens held so far."""
        return self.layers[0].length


def rotary_table(config: ModelConfig, start: int, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cos and sin, each (length, head_dim / 2) in float32, for positions from ``start``.

    Frequencies as in RoFormer (Su et al., 2021), laid out in halves as in Hugging Face's Llama.
    """
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.int64, device=device).float() / config.head_dim
    positions = torch.arange(start, start + length, device=device, dtype=torch.float32)
    angles = torch.outer(positions, scaled_frequencies(1.0 / (config.rope_theta**exponents), config))
    return angles.cos(), angles.sin()


def scaled_frequencies(frequencies: Tensor, config: ModelConfig) -> Tensor:
    """Stretch positions by `ModelConfig.rope_factor`, as transformers' ``rope_type`` of the same name does."""
    if config.rope_original_context is None:
        return frequencies / config.rope_factor
    turns = config.rope_original_context * frequencies / (2 * math.pi)  # over the context trained first
    kept = ((turns - LOW_TURNS) / (HIGH_TURNS - LOW_TURNS)).clamp(0, 1)
    return frequencies * (kept + (1 - kept) / config.rope_factor)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate each pair (i, i + head_dim / 2) of ``x`` (batch, time, head, head_dim) by its position's angle."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos[:, None].to(x.dtype), sin[:, None].to(x.dtype)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class Attention(nn.Module):
    """Causal self-attention in which groups of query heads share a key and value head."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.head_dim = config.head_dim
        self.grouped = config.num_heads != config.num_kv_heads
        self.q_proj = nn.Linear(config.hidden_size, config.num_heads * config.head_dim, bias=config.qkv_bias)
        self.k_proj = nn.Linear(config.hidden_size, config.num_kv_heads * config.head_dim, bias=config.qkv_bias)
        self.v_proj = nn.Linear(config.hidden_size, config.num_kv_heads * config.head_dim, bias=config.qkv_bias)
        self.o_proj = nn.Linear(config.num_heads * config.head_dim, config.hidden_size, bias=False)
        self.qk_norm = config.qk_norm
        if self.qk_norm:
            self.q_norm = RMSNorm(config.head_dim, config.norm_eps)
            self.k_norm = RMSNorm(config.head_dim, config.norm_eps)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, cache: LayerCache | None, documents: DocumentMask | None
    ) -> Tensor:
        """Attend over ``x`` (batch, time, hidden) and what ``cache`` holds from before, within ``documents``.

        With a cache that already holds tokens, ``x`` may be one token only: a longer ``x`` would need a
        mask that is not square, which the fused kernels do not take. Raises `InputError` then.
        """
        batch, time, _ = x.shape
        queries, keys, values = (
            projection(x).view(batch, time, -1, self.head_dim) for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        if self.qk_norm:
            queries, keys = self.q_norm(queries), self.k_norm(keys)
        queries = rotate(queries, cos, sin).transpose(1, 2)
        keys, values = rotate(keys, cos, sin).transpose(1, 2), values.transpose(1, 2)
        if cache is not None:
            if cache.length and time > 1:
                raise InputError(f"a cache that holds tokens takes one more at a time, not {time}")
            keys, values = cache.extend(keys, values)
        if documents is not None:
            mixed = documents.attend(queries, keys, values)
        else:
            mixed = F.scaled_dot_product_attention(queries, keys, values, is_causal=time > 1, enable_gqa=self.grouped)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, time, -1))
