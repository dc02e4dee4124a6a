"""The device of a run: its precision and peak speed, and how layers are prepared for it."""

from contextlib import AbstractContextManager
from functools import partial

import torch
from torch.utils.checkpoint import checkpoint

from model.transformer import Transformer
from tokenizer.errors import InputError

PEAKS = {
    "H100 80GB HBM3": 989.4e12,
    "H100 SXM": 989.4e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H200": 989.4e12,
    "B200": 2250e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10": 125e12,
    "RTX 4090": 165.2e12,
    "RTX 3090": 71e12,
}
"""Dense bf16 operations a second with float32 accumulation, from the vendor's data sheets: of these a run reaches a
share, its MFU (Chowdhery et al., 2022)."""


def resolve_device(device: str) -> torch.device:
    """Return the device named, or for "auto" the first CUDA device, else the CPU; `InputError` if not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        if resolved.type == "meta":
            raise RuntimeError("it holds no numbers")
        torch.empty(1, device=resolved)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"device {device!r} cannot be used ({reason}); try auto or cpu") from None
    return resolved


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return "fp32" or "bf16"; "auto" is bf16 where the device multiplies bf16 matrices in hardware."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    # Without AVX512-BF16 or AMX torch emulates bf16, slower than float32.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported") if device.type == "cpu" else ()
    return "bf16" if any(getattr(torch.cpu, check, bool)() for check in checks) else "fp32"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Matrix products in bfloat16 when ``precision`` is "bf16"; weights and the residual stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")  # type: ignore[return-value]


def peak_flops(device: torch.device, precision: str) -> float | None:
    """The peak of ``device`` in ``precision``, or None where it is not known for certain, as on CPUs."""
    if device.type != "cuda" or precision != "bf16":
        return None
    name = f"{torch.cuda.get_device_name(device)} ".replace("-", " ")
    return next((peak for known, peak in PEAKS.items() if f"{known} " in name), None)


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
