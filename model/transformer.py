"""The decoder: Llama's layers under Hugging Face's parameter names.

The names (``model.embed_tokens.weight``, ``model.layers.0.self_attn.q_proj.weight`` ... ``lm_head.weight``)
are those of transformers' ``LlamaForCausalLM``, so a state dict saved from here loads there as it is.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.attention import Attention, Cache, LayerCache, rotary_table
from model.config import ModelConfig
from model.document_mask import DocumentMask
from model.loss import chunked_cross_entropy
from model.norm import RMSNorm
from tokenizer.errors import InputError


class FeedForward(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x)) (Shazeer, 2020)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """Attention and feed-forward, each on a normalised copy of the residual stream."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.norm_eps)
        self.mlp = FeedForward(config)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, cache: LayerCache | None, documents: DocumentMask | None
    ) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, cache, documents)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """Embedding, layers and the final norm: token ids in, hidden states out."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, config.norm_eps)

    def forward(self, ids: Tensor, cache: Cache | None = None, documents: DocumentMask | None = None) -> Tensor:
        start, limit = 0 if cache is None else cache.length, self.config.max_context
        if start + ids.shape[1] > limit:
            raise InputError(f"{start + ids.shape[1]} tokens exceed the context of {limit}; give fewer tokens")
        cos, sin = rotary_table(self.config, start, ids.shape[1], ids.device)
        x = self.embed_tokens(ids)
        for index, layer in enumerate(self.layers):
            x = layer(x, cos, sin, cache.layers[index] if cache is not None else None, documents)
        return self.norm(x)


class Transformer(nn.Module):
    """A causal language model; ``seed`` fixes its initial weights (None leaves the global generator alone)."""

    def __init__(self, config: ModelConfig, *, seed: int | None = None):
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight
        if self.lm_head.weight.device.type != "meta":
            self.initialize(seed)

    @torch.no_grad()
    def initialize(self, seed: int | None = None) -> None:
        """Draw weights as GPT-2 does: normal, 0.02; 0.02 / sqrt(2 layers) for what writes to the residual."""
        generator = None if seed is None else torch.Generator(self.lm_head.weight.device).manual_seed(seed)
        scale = 1 / math.sqrt(2 * self.config.num_layers)
        for name, weight in self.named_parameters():
            if weight.dim() == 1:
                weight.fill_(0.0 if name.endswith("bias") else 1.0)
            else:
                residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                weight.normal_(0.0, 0.02 * (scale if residual else 1.0), generator=generator)

    def forward(
        self,
        ids: Tensor,
        targets: Tensor | None = None,
        *,
        cache: Cache | None = None,
        documents: DocumentMask | None = None,
        reduction: str = "mean",
        z_loss: float = 0.0,
    ) -> Tensor:
        """Return logits (batch, time, vocab) of ``ids`` (batch, time), or the loss when ``targets`` are given.

        The loss is the cross-entropy in nats of ``targets`` (batch, time) under the model, their mean or sum
        as ``reduction`` says; targets of -100 are left out. It never holds the logits of all positions.
        ``documents`` keeps attention inside documents; for ``z_loss`` see `chunked_cross_entropy`.
        """
        hidden = self.model(ids, cache, documents)
        if targets is None:
            return self.lm_head(hidden)
        return chunked_cross_entropy(
            hidden.flatten(0, 1), self.lm_head.weight, targets.flatten(), reduction=reduction, z_loss=z_loss
        )
