"""Steps of pretraining by Gyeol's model, or by transformers' ``LlamaForCausalLM`` from the same weights."""

import time
from dataclasses import dataclass
from typing import Any

from benchmarks.speed.child import Job, clocked
from tokenizer.errors import InputError

PRETRAINERS = {"gyeol": "model", "transformers": "transformers"}
"""Module that each needs."""
SEED = 0


@dataclass(frozen=True, kw_only=True)
class PretrainJob(Job):
    """Some steps of pretraining on the CPU."""

    pretrainer: str
    """A key of `PRETRAINERS`."""
    precision: str
    """fp32 or bf16."""
    data: str
    """Folder of shards."""
    preset: str
    context: int | None
    """Tokens per sequence; None: the preset's."""
    batch_tokens: int
    """Tokens per step."""
    steps: int
    """Steps inside the clock; one more comes before it."""
    lr: float

    def run(self) -> dict[str, Any]:
        """Train: the figures, and the loss of each step."""
        import torch

        from model.data import Windows, open_data, stream_of
        from model.device import autocast
        from model.optimizer import Optimizer
        from model.pretrain_config import PretrainConfig
        from model.pretraining import run_shape

        began, device = time.perf_counter(), torch.device("cpu")
        torch.set_num_threads(self.threads)
        shards = open_data([self.data]).first
        asked = PretrainConfig(preset=self.preset, context=self.context, batch_tokens=self.batch_tokens)
        shape = run_shape(asked, shards.vocab_size)
        model, loss_of = _contender(self.pretrainer, shape)
        optimizer = Optimizer(model, "adamw", self.lr, weight_decay=0.1)
        windows, size = Windows(stream_of(shards), shape.max_context, SEED), self.batch_tokens // shape.max_context
        if windows.count < 1:
            raise InputError(f"{self.data}: shorter than one window of {shape.max_context:,} tokens")
        losses = []

        def train(first: int, last: int) -> None:
            for number in range(first, last):
                ids = windows.batch(number * size, size)
                with autocast(device, self.precision):
                    loss = loss_of(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step(self.lr)
                losses.append(loss.item())

        train(0, 1)
        warm_up = time.perf_counter() - began
        _, figures = clocked(lambda: train(1, self.steps + 1))
        speed = self.steps * size * shape.max_context / figures["seconds"]
        return {"warm_up_seconds": warm_up, "tokens_per_second": speed, "losses": losses, **figures}


def _contender(name: str, shape: Any) -> tuple[Any, Any]:
    """A model with the first weights of `SEED`, and the function of its mean loss from (ids, targets)."""
    from model.export import llama_config, model_tensors
    from model.transformer import Transformer

    own = Transformer(shape, seed=SEED)
    if name == "gyeol":
        return own, own
    from transformers import LlamaConfig, LlamaForCausalLM

    other = LlamaForCausalLM(LlamaConfig(**llama_config(shape, end_of_text=0)))
    other.set_attn_implementation("sdpa")
    other.load_state_dict(model_tensors(own), strict=False)
    other.tie_weights()
    return other, lambda ids, targets: other(input_ids=ids, labels=ids, shift_labels=targets, use_cache=False).loss
