"""What saves time or memory changes no loss: fifty float32 steps are those of transformers with torch's own AdamW."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from model import Transformer
from model import loss as fused_loss
from model.device import prepare_layers
from model.export import llama_config, model_tensors
from model.optimizer import BETAS, Optimizer
from tests.support.models import TINY

STEPS, LR, DECAY = 50, 3e-3, 0.1
SHAPE = replace(TINY, num_layers=2, max_context=32, tie_embeddings=True)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def batches() -> Tensor:
    """Ids that can be learned: each follows from the one before, but for one in ten."""
    generator = torch.Generator().manual_seed(2)
    ids = torch.randint(0, 384, (STEPS, 8, 33), generator=generator)
    for place in range(1, 33):
        follows = torch.rand(STEPS, 8, generator=generator) < 0.9
        ids[:, :, place] = torch.where(follows, (ids[:, :, place - 1] * 5 + 7) % 384, ids[:, :, place])
    return ids


@pytest.fixture(scope="module")
def expected(batches: Tensor) -> list[float]:
    model = LlamaForCausalLM(LlamaConfig(**llama_config(SHAPE, end_of_text=0)))
    model.load_state_dict(model_tensors(Transformer(SHAPE, seed=3)), strict=False)
    model.tie_weights()
    matrices = [weight for name, weight in model.named_parameters() if weight.dim() == 2 and "embed" not in name]
    others = [weight for name, weight in model.named_parameters() if weight.dim() == 1 or "embed" in name]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LR, betas=BETAS, eps=1e-8, foreach=False, fused=False)
    losses = []
    for ids in batches:
        loss = model(input_ids=ids, labels=ids).loss
        losses.append(loss.item())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return losses


@pytest.mark.parametrize(("passes", "recompute", "chunk"), [(1, False, 1024), (1, True, 100), (4, False, 16)])
def test_fifty_steps_have_the_losses_of_transformers(
    batches: Tensor,
    expected: list[float],
    monkeypatch: pytest.MonkeyPatch,
    passes: int,
    recompute: bool,
    chunk: int,
) -> None:
    monkeypatch.setattr(fused_loss, "CHUNK_TOKENS", chunk)
    model = Transformer(SHAPE, seed=3)
    prepare_layers(model, recompute=recompute, compiled=False)
    optimizer = Optimizer(model, "adamw", LR, DECAY)
    losses = []
    for ids in batches:
        total = 0.0
        for part in ids.chunk(passes):
            loss = model(part[:, :-1], part[:, 1:]) / passes
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step(LR)
        losses.append(total)
    assert losses[-1] < 0.8 * losses[0]
    assert losses == pytest.approx(expected, abs=2e-4)
