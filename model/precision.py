"""Where a run computes, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from tokenizer.errors import InputError

PRECISIONS = ("auto", "fp32", "bf16")


def resolve_device(device: str) -> torch.device:
    """Return the device named, or for "auto" the first CUDA device, else the CPU; `InputError` if not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.empty(1, device=resolved)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"device {device!r} cannot be used ({reason}); try auto or cpu") from None
    return resolved


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return "fp32" or "bf16"; "auto" is bf16 where the device multiplies bf16 matrices in hardware."""
    if precision not in PRECISIONS:
        raise InputError(f"unknown precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if device.type == "cpu" and _cpu_has_bf16() else "fp32"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Matrix products in bfloat16 when ``precision`` is "bf16"; weights and the residual stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")  # type: ignore[return-value]


def _cpu_has_bf16() -> bool:
    """Whether the CPU has AVX512-BF16 or AMX; without them torch emulates bf16, slower than float32."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, bool)() for check in checks)
