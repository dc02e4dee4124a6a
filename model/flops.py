"""Peaks of known devices, and how much of it a run reaches (MFU: Chowdhery et al., 2022)."""

from __future__ import annotations

import torch

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
"""Dense bf16 operations a second with float32 accumulation, from the vendor's data sheets."""


def peak_flops(device: torch.device, precision: str) -> float | None:
    """The peak of ``device`` in ``precision``, or None where it is not known for certain, as on CPUs."""
    if device.type != "cuda" or precision != "bf16":
        return None
    name = f"{torch.cuda.get_device_name(device)} ".replace("-", " ")
    return next((peak for known, peak in PEAKS.items() if f"{known} " in name), None)
