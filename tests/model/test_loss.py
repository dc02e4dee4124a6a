"""The chunked loss is the plain one, in value and gradient."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from model.loss import chunked_cross_entropy


def tensors(tokens: int, hidden: int, vocab: int, seed: int, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(tokens, hidden, generator=generator, dtype=dtype).requires_grad_()
    weight = torch.randn(vocab, hidden, generator=generator, dtype=dtype).requires_grad_()
    return [states, weight, torch.randint(0, vocab, (tokens,), generator=generator)]


@given(
    st.integers(1, 30),
    st.integers(1, 9),
    st.integers(2, 40),
    st.integers(1, 33),
    st.sampled_from(["mean", "sum"]),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([0.0, 0.1]),
)
@settings(max_examples=80, deadline=None)
def test_value_and_gradients_equal_plain(
    tokens: int, hidden: int, vocab: int, chunk: int, reduction: str, ignored: float, z_loss: float
) -> None:
    states, weight, targets = tensors(tokens, hidden, vocab, seed=tokens * 1000 + vocab)
    targets[1:][torch.rand(tokens - 1, generator=torch.Generator().manual_seed(0)) < ignored] = -100
    logits, counted = states @ weight.T, targets != -100
    z = z_loss * (logits.logsumexp(dim=-1).square() * counted).sum() / (counted.sum() if reduction == "mean" else 1)
    plain = F.cross_entropy(logits, targets, reduction=reduction) + z
    expected = torch.autograd.grad(plain * 1.7, (states, weight))
    loss = chunked_cross_entropy(states, weight, targets, reduction=reduction, z_loss=z_loss, chunk_tokens=chunk)
    found = torch.autograd.grad(loss * 1.7, (states, weight))
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(found, expected)


def test_gradcheck() -> None:
    states, weight, targets = tensors(7, 4, 11, seed=1)
    assert torch.autograd.gradcheck(
        lambda a, b: chunked_cross_entropy(a, b, targets, chunk_tokens=3), (states, weight), nondet_tol=0.0
    )


def test_one_input_alone_gets_its_gradient() -> None:
    states, weight, targets = tensors(7, 4, 11, seed=1)
    for wanted in (states, weight):
        left, right = (part if part is wanted else part.detach() for part in (states, weight))
        expected = torch.autograd.grad(F.cross_entropy(left @ right.T, targets), wanted)
        torch.testing.assert_close(torch.autograd.grad(chunked_cross_entropy(left, right, targets), wanted), expected)


def test_extreme_logits_stay_finite() -> None:
    states = torch.tensor([[1000.0], [-1000.0]], requires_grad=True)
    weight = torch.tensor([[1.0], [-1.0], [0.5]], requires_grad=True)
    loss = chunked_cross_entropy(states, weight, torch.tensor([1, 1]), reduction="sum")
    assert loss.item() == pytest.approx(2000.0)
    loss.backward()
    for part in (states, weight):
        assert part.grad is not None
        assert torch.isfinite(part.grad).all()


def test_autocast_is_close_and_keeps_float32_gradients() -> None:
    states, weight, targets = tensors(64, 32, 300, seed=4, dtype=torch.float32)
    plain = F.cross_entropy(states @ weight.T, targets)
    expected = torch.autograd.grad(plain, (states, weight))
    with torch.autocast("cpu", torch.bfloat16):
        loss = chunked_cross_entropy(states, weight, targets, chunk_tokens=20)
    found = torch.autograd.grad(loss, (states, weight))
    assert loss.dtype == found[1].dtype == torch.float32
    torch.testing.assert_close(loss, plain, atol=0.02, rtol=0.01)
    for ours, theirs in zip(found, expected, strict=True):
        assert F.cosine_similarity(ours.flatten(), theirs.flatten(), dim=0) > 0.999


def test_unknown_reduction_is_refused() -> None:
    with pytest.raises(ValueError, match="'none'"):
        chunked_cross_entropy(*tensors(3, 2, 4, seed=0), reduction="none")
