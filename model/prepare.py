"""What is done to a model from outside before it trains: recomputed activations, compiled layers."""

from __future__ import annotations

from functools import partial

import torch
from torch.utils.checkpoint import checkpoint

from model.transformer import Transformer


def prepare_layers(model: Transformer, *, recompute: bool, compiled: bool) -> None:
    """Change the layers of ``model`` in place; names of parameters and losses stay as they are.

    ``recompute`` keeps only what enters a layer and computes the rest again in the backward pass (Chen et al., 2016).
    ``compiled`` compiles each layer alone, so that all share one compilation. It pays on a GPU; on a CPU the compact
    models spend most of their time in matrix products that it does not change.
    """
    for layer in model.model.layers:
        if recompute:
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
        if compiled:
            layer.compile()


def compiles_by_default(device: torch.device) -> bool:
    """Whether compiling pays on ``device``."""
    return device.type == "cuda"
