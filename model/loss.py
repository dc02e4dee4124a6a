"""Cross-entropy of a linear head without ever holding the logits of all tokens.

At 100,000 tokens of vocabulary the logits of one batch outweigh the whole of a small model. Here the head,
the softmax and both gradients are computed chunk by chunk of tokens in the forward pass, while a chunk's
logits are at hand, and the backward pass only scales them: three matrix products a chunk as in the plain
form, none of them repeated. The idea is that of Liger Kernel's fused linear cross-entropy (Hsu et al., 2024).
Memory is that of one chunk and of the weight's gradient, however many tokens there are.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

IGNORE = -100
"""A target of this value takes no part, as in torch."""

CHUNK_TOKENS = 1024
"""Tokens whose logits are held at a time; fewer would add up the weight gradient more often."""

CHUNK_ELEMENTS = 1 << 27
"""Logits held at a time at most: 256 MiB in bfloat16."""

PIECE_ELEMENTS = 1 << 20
"""Logits that a CPU takes through the softmax at a time, so that they stay in its cache (a third off the loss)."""

ROWS = 8192
"""Rows of the weight whose gradient a CPU adds up at a time, for the same reason (a sixth off the bf16 loss)."""


def chunked_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    *,
    reduction: str = "mean",
    z_loss: float = 0.0,
    chunk_tokens: int | None = None,
) -> Tensor:
    """Return the cross-entropy in nats of ``targets`` (tokens,) under ``hidden @ weight.T``.

    ``hidden`` is (tokens, hidden) and ``weight`` (vocab, hidden). ``reduction`` is "mean" over the targets that
    are not -100 (nan when there is none, as in torch) or "sum". ``z_loss`` times the squared logarithm of the
    softmax's denominator is added for each target, which keeps logits from drifting (PaLM: Chowdhery et al., 2022).
    Under autocast the products run in its type; softmax, loss and the accumulated weight gradient are float32.
    Equal to ``F.cross_entropy(hidden @ weight.T, targets)`` in value and first gradients; there are no second ones.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction is {reduction!r}; it must be 'mean' or 'sum'")
    if chunk_tokens is None:
        chunk_tokens = max(16, min(CHUNK_TOKENS, CHUNK_ELEMENTS // weight.shape[0]))
    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
    total: Tensor = _ChunkedCrossEntropy.apply(hidden, weight, targets, z_loss, chunk_tokens, dtype)
    return total / (targets != IGNORE).sum() if reduction == "mean" else total


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, z_loss: float, chunk_tokens: int, dtype: torch.dtype
    ) -> Tensor:
        wide = torch.promote_types(weight.dtype, torch.float32)
        need_hidden, need_weight = ctx.needs_input_grad[:2]
        grad_hidden = torch.empty_like(hidden) if need_hidden else None
        grad_weight = torch.zeros_like(weight, dtype=wide) if need_weight else None
        total = torch.zeros((), dtype=wide, device=hidden.device)
        with torch.autocast(hidden.device.type, enabled=False):
            head = weight.to(dtype)
            buffer = torch.empty(min(chunk_tokens, len(hidden)), len(weight), dtype=dtype, device=hidden.device)
            for start in range(0, len(hidden), chunk_tokens):
                rows = slice(start, start + chunk_tokens)
                states = hidden[rows].to(dtype)
                logits = torch.mm(states, head.T, out=buffer[: len(states)])
                total += _softmax_in_place(logits, targets[rows], wide, z_loss, need_hidden or need_weight)
                if grad_hidden is not None:
                    grad_hidden[rows] = logits @ head
                if grad_weight is not None:
                    _add_product(grad_weight, logits, states)
        ctx.save_for_backward(grad_hidden, grad_weight)
        ctx.weight_dtype = weight.dtype
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_total: Tensor) -> tuple[Tensor | None, ...]:
        grad_hidden, grad_weight = ctx.saved_tensors
        if grad_hidden is not None:
            grad_hidden = grad_hidden * grad_total.to(grad_hidden.dtype)
        if grad_weight is not None:
            grad_weight = (grad_weight * grad_total).to(ctx.weight_dtype)
        return grad_hidden, grad_weight, None, None, None, None


def _softmax_in_place(logits: Tensor, targets: Tensor, wide: torch.dtype, z_loss: float, need_gradient: bool) -> Tensor:
    """Return the summed loss of ``logits`` (tokens, vocab), and turn them into d loss / d logits if asked for."""
    size = len(logits) if logits.is_cuda else max(1, PIECE_ELEMENTS // logits.shape[1])
    total = torch.zeros((), dtype=wide, device=logits.device)
    for piece, wanted in zip(logits.split(size), targets.split(size), strict=True):
        counted, place = (wanted != IGNORE).to(wide), wanted.clamp_min(0)[:, None]
        largest, of_target = piece.amax(dim=-1).to(wide), piece.gather(1, place)[:, 0].to(wide)
        probabilities = torch.softmax(piece, dim=-1, dtype=wide)
        # The largest probability is exp(0) / denominator: the denominator costs no second pass of exponentials.
        log_denominator = largest - probabilities.amax(dim=-1).log()
        total += ((log_denominator - of_target + z_loss * log_denominator.square()) * counted).sum()
        if need_gradient:
            if z_loss:
                probabilities *= (1 + 2 * z_loss * log_denominator)[:, None]
            probabilities.scatter_add_(1, place, torch.full_like(place, -1, dtype=wide))
            if logits.is_cuda or not counted.all():  # on a GPU looking would cost more than multiplying
                probabilities *= counted[:, None]
            piece.copy_(probabilities)
    return total


def _add_product(total: Tensor, gradient: Tensor, states: Tensor) -> None:
    """Add ``gradient.T @ states`` to ``total`` (vocab, hidden), which may be of a wider type."""
    if total.dtype == gradient.dtype:
        total.addmm_(gradient.T, states)
        return
    size = len(total) if total.is_cuda else ROWS
    for rows, columns in zip(total.split(size), gradient.split(size, dim=1), strict=True):
        rows += columns.T @ states
