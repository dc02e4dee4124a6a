"""Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon) with steps of AdamW's size (Liu et al., 2025).

The same as `torch.optim.Muon` with ``adjust_lr_fn="match_rms_adamw"``, but for the precision of the orthogonalisation:
torch's is always bfloat16, which a CPU without instructions for it emulates at a fiftieth of the speed of float32.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from model.device import resolve_precision

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.775, 2.0315)
"""Of the quintic iteration, chosen by Jordan et al. for its slope at zero."""
STEPS = 5
_EPSILON = 1e-7


class Muon(torch.optim.Optimizer):
    """For matrices only; `lr` and `weight_decay` as for AdamW."""

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update every matrix that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(weight)
                buffer = state["momentum_buffer"].lerp_(weight.grad, 1 - MOMENTUM)
                update = orthogonalised(weight.grad.lerp(buffer, MOMENTUM))
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update, alpha=-group["lr"] * 0.2 * math.sqrt(max(weight.shape)))


def orthogonalised(matrix: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """The matrix with its singular values near one, by five steps of the Newton-Schulz iteration, in ``dtype``
    (bfloat16 where the device multiplies such matrices in hardware, else float32)."""
    if dtype is None:
        fast = resolve_precision("auto", matrix.device) == "bf16"
        dtype = torch.bfloat16 if fast else torch.float32
    a, b, c = COEFFICIENTS
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.to(dtype, copy=True)
    x = x.T if tall else x
    x.div_(x.norm().clamp(min=_EPSILON))
    for _ in range(STEPS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
