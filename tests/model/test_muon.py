"""Muon is that of torch, in a precision that the device has."""

import pytest
import torch

from model import muon
from model.muon import Muon, orthogonalised


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_steps_are_those_of_torch(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(1)
    shapes = [(16, 48), (48, 16), (24, 24)]
    start = [torch.randn(shape, generator=draw) for shape in shapes]
    ours, theirs = ([weight.clone().requires_grad_() for weight in start] for _ in range(2))
    monkeypatch.setattr(muon, "resolve_precision", lambda *_: "bf16" if dtype == torch.bfloat16 else "fp32")
    mine = Muon(ours, lr=0.01, weight_decay=0.1)
    torchs = torch.optim.Muon(theirs, lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(5):
        for own, other in zip(ours, theirs, strict=True):
            own.grad = other.grad = torch.randn(own.shape, generator=draw)
        mine.step()
        torchs.step()
    for own, other in zip(ours, theirs, strict=True):
        if dtype == torch.bfloat16:
            assert torch.equal(own, other)
        else:
            assert torch.allclose(own, other, atol=2e-3)
            assert not torch.equal(own, other)


def test_singular_values_come_near_one() -> None:
    values = torch.linalg.svdvals(
        orthogonalised(torch.randn(32, 80, generator=torch.Generator().manual_seed(2))).float()
    )
    assert 0.5 < values.min() <= values.max() < 1.5
