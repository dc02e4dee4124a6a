"""Pretraining speed beside transformers' ``LlamaForCausalLM``: same shape, first weights, data and optimizer.

Every measurement is one process that takes one step before the clock and the others inside it. The losses come back
too: in float32 both must have the same, so both did the same work.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report.terminal import costs, optional, print_speed, span
from benchmarks.speed.pretrainers import PRETRAINERS, PretrainJob
from benchmarks.speed.rounds import missing, run_rounds, speed_result, spreads
from tokenizer.shards import read_manifest
from tokenizer.threads import cores

BASE = "transformers fp32"


def measure_pretraining(
    data: str | Path,
    *,
    precisions: Sequence[str],
    rounds: int = 1,
    threads: int | None = None,
    timeout: float = 3600,
    **settings: Any,
) -> dict[str, Any]:
    """Take steps of pretraining on the shard folder ``data`` with Gyeol and with transformers, on the CPU.

    ``settings`` are fields of `PretrainJob`. ``results["gyeol bf16"]`` and the others have ``rounds``,
    ``tokens_per_second``, ``cpu_seconds`` and ``peak_bytes`` (median, min, max), their ratios to transformers in
    float32, and ``loss_difference``, the greatest between the losses of both.
    """
    manifest, workers = read_manifest(data), threads or cores()
    shared = {"data": str(Path(data).resolve()), "threads": workers, **settings}
    jobs = {
        f"{name} {precision}": PretrainJob(pretrainer=name, precision=precision, **shared)
        for precision in precisions
        for name in PRETRAINERS
    }
    reasons = {key: missing((PRETRAINERS[job.pretrainer],)) for key, job in jobs.items()}
    skipped = {key: reason for key, reason in reasons.items() if reason}
    results = pretraining_results(run_rounds(jobs, rounds, timeout, skipped))
    described = {"data": {name: manifest[name] for name in ("tokens", "documents", "tokenizer")}}
    asked = {"rounds": rounds, "threads": workers, **settings, "precisions": precisions}
    return speed_result("pretraining", asked, described, results, skipped)


def pretraining_results(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The rounds of each job with the spread of their figures and their ratios to `BASE`."""
    figures = ("tokens_per_second", "cpu_seconds", "peak_bytes")
    results: dict[str, Any] = {name: {"rounds": runs, **spreads(runs, *figures)} for name, runs in found.items()}
    if base := results.get(BASE):
        for own in results.values():
            own["speed_ratio"] = own["tokens_per_second"]["median"] / base["tokens_per_second"]["median"]
            own["cpu_ratio"] = base["cpu_seconds"]["median"] / own["cpu_seconds"]["median"]
            own["memory_ratio"] = own["peak_bytes"]["median"] / base["peak_bytes"]["median"]
            pairs = zip(own["rounds"][0]["losses"], base["rounds"][0]["losses"], strict=True)
            own["loss_difference"] = max(abs(a - b) for a, b in pairs)
    return results


def print_pretraining(result: dict[str, Any]) -> None:
    """Print the result of `measure_pretraining`."""
    settings, rows = result["settings"], []
    for name, own in result["results"].items():
        ratios = optional(own, "speed_ratio", "cpu_ratio", "memory_ratio")
        losses = optional(own, "loss_difference", form=".1e")
        rows.append([name, *span(own["tokens_per_second"], ",.0f"), *costs(own, ".1f"), *ratios, *losses])
    heads = ("tokens/s", "min - max", "CPU s", "peak MB", "speed x", "CPU x", "memory x", "loss differs by")
    title = f"{settings['preset']}, {settings['steps']} steps of {settings['batch_tokens']:,} tokens"
    print_speed(result, title, [""], heads, rows)
