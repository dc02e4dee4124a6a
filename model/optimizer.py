"""AdamW, or Muon with AdamW beside it, with weight decay on matrices only and the state as plain tensors."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from model.muon import Muon

BETAS = (0.9, 0.95)
"""Decay of AdamW's first and second moments, as in GPT-3 and Llama."""


class Optimizer:
    """The optimizers of one model as one: fused AdamW (Loshchilov and Hutter, 2019), or for "muon" `Muon`
    (Jordan et al., 2024) for the matrices of the layers and AdamW for embedding, head and norms.

    Norm weights and embeddings do not decay: a rare token's row would shrink between its gradients. Muon's steps are
    scaled to the size of AdamW's (Liu et al., 2025), so that one learning rate and one decay serve both.
    """

    def __init__(self, model: nn.Module, kind: str, lr: float, weight_decay: float) -> None:
        self._names: dict[Tensor, str] = {weight: name for name, weight in model.named_parameters()}
        parts: dict[str, list[Tensor]] = {"layers": [], "decayed": [], "kept": []}
        for weight, name in self._names.items():
            if weight.dim() < 2 or "embed_tokens" in name:
                parts["kept"].append(weight)
            else:
                parts["layers" if kind == "muon" and ".layers." in name else "decayed"].append(weight)
        layers, decayed, kept = parts.values()
        groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
        fused = next(model.parameters()).device.type in ("cpu", "cuda")
        self.adamw = torch.optim.AdamW(
            [group for group in groups if group["params"]], lr=lr, betas=BETAS, eps=1e-8, fused=fused
        )
        self._slots: dict[torch.optim.Optimizer, tuple[str, ...]] = {self.adamw: ("exp_avg", "exp_avg_sq")}
        if layers:
            muon = Muon(layers, lr=lr, weight_decay=weight_decay)
            self._slots[muon] = ("momentum_buffer",)

    def step(self, lr: float) -> None:
        """Update the weights at the rate ``lr`` and drop their gradients."""
        for optimizer in self._slots:
            for group in optimizer.param_groups:
                group["lr"] = lr
            optimizer.step()
        self.drop_gradients()

    def drop_gradients(self) -> None:
        """Forget the gradients."""
        for optimizer in self._slots:
            optimizer.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """The moments of every parameter, named ``exp_avg.PARAMETER`` and so on; zeros before the first step."""
        return {
            f"{slot}.{self._names[weight]}": optimizer.state[weight][slot]
            if slot in optimizer.state.get(weight, {})
            else torch.zeros_like(weight)
            for optimizer, weight in self._weights()
            for slot in self._slots[optimizer]
        }

    def restore(self, tensors: dict[str, Tensor], updates: int) -> None:
        """Put back what `tensors` gave after ``updates`` updates."""
        for optimizer, weight in self._weights():
            name, slots = self._names[weight], self._slots[optimizer]
            state = {slot: tensors[f"{slot}.{name}"].to(weight.device) for slot in slots}
            if optimizer is self.adamw:
                state["step"] = torch.tensor(float(updates), device=weight.device)
            optimizer.state[weight] = state

    def _weights(self) -> Iterator[tuple[torch.optim.Optimizer, Tensor]]:
        for optimizer in self._slots:
            for group in optimizer.param_groups:
                yield from ((optimizer, weight) for weight in group["params"])
