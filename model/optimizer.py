"""AdamW with weight decay on matrices only, and its state as plain tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

BETAS = (0.9, 0.95)
"""Decay of the first and second moments, as in GPT-3 and Llama."""

MOMENTS = ("exp_avg", "exp_avg_sq")


def build_optimizer(model: nn.Module, lr: float, weight_decay: float) -> torch.optim.AdamW:
    """Return AdamW (Loshchilov and Hutter, 2019) over ``model``, fused where the device has a kernel.

    Norm weights and embeddings do not decay: a rare token's row would shrink between its gradients.
    """
    decayed: list[Tensor] = []
    kept: list[Tensor] = []
    for name, weight in model.named_parameters():
        (kept if weight.dim() < 2 or "embed_tokens" in name else decayed).append(weight)
    fused = next(model.parameters()).device.type in ("cpu", "cuda")
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=BETAS, eps=1e-8, fused=fused)


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.AdamW) -> dict[str, Tensor]:
    """Return both moments of every parameter, named ``exp_avg.PARAMETER`` and ``exp_avg_sq.PARAMETER``."""
    return {
        f"{moment}.{name}": optimizer.state[weight][moment]
        for name, weight in model.named_parameters()
        if weight in optimizer.state
        for moment in MOMENTS
    }


def restore_optimizer(model: nn.Module, optimizer: torch.optim.AdamW, tensors: dict[str, Tensor], step: int) -> None:
    """Put back what `optimizer_tensors` gave after ``step`` updates."""
    for name, weight in model.named_parameters():
        state = {moment: tensors[f"{moment}.{name}"].to(weight.device) for moment in MOMENTS}
        optimizer.state[weight] = {"step": torch.tensor(float(step), device=weight.device), **state}
