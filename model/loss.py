"""Cross-entropy of a linear head without ever holding the logits of all tokens.

At 100,000 tokens of vocabulary the logits of one batch outweigh the whole of a small model. Here the head,
the softmax and both gradients are computed chunk by chunk of tokens in the forward pass, while a chunk's
logits are at hand, and the backward pass only scales them: three matrix products a chunk as in the plain
form, none of them repeated. The idea is that of Liger Kernel's fused linear cross-entropy (Hsu et al., 2024).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

IGNORE = -100
"""A target of this value takes no part, as in torch."""

CHUNK_ELEMENTS = 1 << 25
"""Logits held at a time: 128 MiB in float32, 1,024 tokens at a vocabulary of 32,768."""


def chunked_cross_entropy(
    hidden: Tensor, weight: Tensor, targets: Tensor, *, reduction: str = "mean", chunk_tokens: int | None = None
) -> Tensor:
    """Return the cross-entropy in nats of ``targets`` (tokens,) under ``hidden @ weight.T``.

    ``hidden`` is (tokens, hidden) and ``weight`` (vocab, hidden). ``reduction`` is "mean" over the targets that
    are not -100 (nan when there is none, as in torch) or "sum". Under autocast the products run in its
    type; softmax, loss and the accumulated weight gradient are float32. Equal to
    ``F.cross_entropy(hidden @ weight.T, targets)`` in value and first gradients; there are no second ones.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction is {reduction!r}; it must be 'mean' or 'sum'")
    if chunk_tokens is None:
        chunk_tokens = max(16, CHUNK_ELEMENTS // weight.shape[0])
    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
    total: Tensor = _ChunkedCrossEntropy.apply(hidden, weight, targets, chunk_tokens, dtype)
    return total / (targets != IGNORE).sum() if reduction == "mean" else total


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, chunk_tokens: int, dtype: torch.dtype
    ) -> Tensor:
        wide = torch.promote_types(weight.dtype, torch.float32)
        need_hidden, need_weight = ctx.needs_input_grad[:2]
        grad_hidden = torch.empty_like(hidden) if need_hidden else None
        grad_weight = torch.zeros_like(weight, dtype=wide) if need_weight else None
        total = torch.zeros((), dtype=wide, device=hidden.device)
        with torch.autocast(hidden.device.type, enabled=False):
            head = weight.to(dtype)
            for start in range(0, len(hidden), chunk_tokens):
                rows = slice(start, start + chunk_tokens)
                states, wanted = hidden[rows].to(dtype), targets[rows]
                log_probabilities = F.log_softmax((states @ head.T).to(wide), dim=-1)
                total += F.nll_loss(log_probabilities, wanted, reduction="sum", ignore_index=IGNORE)
                if not (need_hidden or need_weight):
                    continue
                grad_logits = _softmax_gradient(log_probabilities, wanted).to(dtype)
                if grad_hidden is not None:
                    grad_hidden[rows] = grad_logits @ head
                if grad_weight is not None:
                    grad_weight += grad_logits.T @ states
        ctx.save_for_backward(grad_hidden, grad_weight)
        ctx.weight_dtype = weight.dtype
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_total: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        if grad_hidden is not None:
            grad_hidden = grad_hidden * grad_total.to(grad_hidden.dtype)
        if grad_weight is not None:
            grad_weight = (grad_weight * grad_total).to(ctx.weight_dtype)
        return grad_hidden, grad_weight, None, None, None


def _softmax_gradient(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    """Turn log-probabilities (tokens, vocab) in place into d loss / d logits: probabilities minus the target."""
    gradient = log_probabilities.exp_()
    counted = targets != IGNORE
    gradient.scatter_add_(1, targets.clamp_min(0)[:, None], -counted.to(gradient.dtype)[:, None])
    return gradient.mul_(counted[:, None]) if not bool(counted.all()) else gradient
