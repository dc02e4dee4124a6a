"""Pretraining speed beside transformers' ``LlamaForCausalLM``: same shape, first weights, data and optimizer.

Every measurement is one process that takes one step before the clock and the others inside it. The losses come back
too: in float32 both must have the same, so both did the same work.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.child import clocked, spread
from benchmarks.speed.rounds import missing, run_rounds, speed_provenance
from tokenizer.errors import InputError
from tokenizer.shards import read_manifest
from tokenizer.threads import cores

CONTENDERS = ("gyeol", "transformers")
BASE = "transformers fp32"
SEED = 0


def measure_pretraining(
    data: str | Path, *, rounds: int = 1, threads: int | None = None, timeout: float = 3600, **settings: Any
) -> dict[str, Any]:
    """Take steps of pretraining on the shard folder ``data`` with Gyeol and with transformers, on the CPU.

    ``settings`` are those of `pretraining_jobs`. ``results["gyeol bf16"]`` and the others have ``rounds``,
    ``tokens_per_second``, ``cpu_seconds`` and ``peak_bytes`` (median, min, max), their ratios to transformers in
    float32, and ``loss_difference``, the greatest between the losses of both.
    """
    manifest = read_manifest(data)
    skipped = {name: reason for name in CONTENDERS if (reason := missing((name.replace("gyeol", "model"),)))}
    jobs = pretraining_jobs(Path(data).resolve(), **settings)
    skipped = {key: skipped[job["pretrainer"]] for key, job in jobs.items() if job["pretrainer"] in skipped}
    found = run_rounds(jobs, rounds, threads or cores(), timeout, skipped)
    return {
        "format": 1,
        "measure": "pretraining speed",
        "provenance": speed_provenance(),
        "settings": {"rounds": rounds, "threads": threads or cores(), **settings},
        "data": {name: manifest[name] for name in ("tokens", "documents", "tokenizer")},
        "results": pretraining_results(found),
        "skipped": [{"name": name, "reason": reason} for name, reason in skipped.items()],
    }


def pretraining_jobs(
    data: str | Path,
    *,
    preset: str,
    context: int | None,
    batch_tokens: int,
    steps: int,
    lr: float,
    precisions: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """A job for each contender and precision, by name."""
    shared = {"data": str(data), "preset": preset, "context": context, "batch_tokens": batch_tokens, "steps": steps}
    return {
        f"{name} {precision}": {"pretrainer": name, "precision": precision, "lr": lr, **shared}
        for precision in precisions
        for name in CONTENDERS
    }


def pretraining_results(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The rounds of each job with the spread of their figures and their ratios to `BASE`."""
    results: dict[str, Any] = {}
    for name, runs in found.items():
        figures = {
            key: spread([run[key] for run in runs]) for key in ("tokens_per_second", "cpu_seconds", "peak_bytes")
        }
        results[name] = {"rounds": runs, **figures}
    if base := results.get(BASE):
        for own in results.values():
            own["speed_ratio"] = own["tokens_per_second"]["median"] / base["tokens_per_second"]["median"]
            own["cpu_ratio"] = base["cpu_seconds"]["median"] / own["cpu_seconds"]["median"]
            own["memory_ratio"] = own["peak_bytes"]["median"] / base["peak_bytes"]["median"]
            pairs = zip(own["rounds"][0]["losses"], base["rounds"][0]["losses"], strict=True)
            own["loss_difference"] = max(abs(a - b) for a, b in pairs)
    return results


def run_pretraining(job: dict[str, Any]) -> dict[str, Any]:
    """Train for the job's steps: the figures, and the loss of each step."""
    import torch

    from model.data import ShardFolder, Windows
    from model.optimizer import Optimizer
    from model.precision import autocast
    from model.pretrain_config import PretrainConfig
    from model.pretraining import run_shape

    began, device = time.perf_counter(), torch.device("cpu")
    torch.set_num_threads(cores())
    shards = ShardFolder(job["data"])
    asked = {name: job[name] for name in ("preset", "context", "batch_tokens")}
    shape = run_shape(PretrainConfig(**asked), shards.vocab_size)
    model, loss_of = _contender(job["pretrainer"], shape)
    optimizer = Optimizer(model, "adamw", job["lr"], weight_decay=0.1)
    windows, size = Windows(shards.stream(), shape.max_context, SEED), job["batch_tokens"] // shape.max_context
    if windows.count < 1:
        raise InputError(f"{job['data']}: shorter than one window of {shape.max_context:,} tokens")
    losses = []

    def train(first: int, last: int) -> None:
        for number in range(first, last):
            ids = windows.batch(number * size, size)
            with autocast(device, job["precision"]):
                loss = loss_of(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step(job["lr"])
            losses.append(loss.item())

    train(0, 1)
    warm_up = time.perf_counter() - began
    _, figures = clocked(lambda: train(1, job["steps"] + 1))
    tokens = job["steps"] * size * shape.max_context
    return {"warm_up_seconds": warm_up, "tokens_per_second": tokens / figures["seconds"], "losses": losses, **figures}


def _contender(name: str, shape: Any) -> tuple[Any, Any]:
    """A model with the first weights of `SEED`, and what gives its mean loss of (ids, targets)."""
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
