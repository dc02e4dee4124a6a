"""Training speed and memory of Gyeol and other libraries on the same corpus."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report.terminal import costs, optional, print_speed, span
from benchmarks.speed.rounds import check_known, describe, missing, run_rounds, speed_result, spreads
from benchmarks.speed.trainers import TRAINERS, TrainJob
from tokenizer.threads import cores

BASE_TRAINER = "huggingface"


def measure_training(
    corpus: Sequence[str | Path],
    vocab_size: int,
    *,
    trainers: Sequence[str] = (),
    weights: Sequence[tuple[str, float]] = (),
    rounds: int = 1,
    threads: int | None = None,
    timeout: float = 7200,
    text_key: str = "text",
) -> dict[str, Any]:
    """Train with each of ``trainers`` (the default ones if empty) and return the figures of every round.

    ``results[trainer]`` has ``rounds``, ``seconds`` and ``peak_bytes`` (median, min, max), and ``time_ratio`` and
    ``memory_ratio``: the figure of the trainer / that of Hugging Face's. `InputError` for an unknown trainer, a
    corpus that cannot be read twice, and when no trainer could be run.
    """
    names = list(dict.fromkeys(trainers)) or [name for name, trainer in TRAINERS.items() if trainer.default]
    check_known(names, TRAINERS, "trainer")
    skipped = {name: reason for name in names if (reason := missing(TRAINERS[name].modules))}
    described = {"corpus": describe(corpus, text_key)}
    workers, paths = threads or cores(), [str(path) for path in corpus]
    curriculum = {"weights": [list(weight) for weight in weights]} if weights else {}
    shared: dict[str, Any] = {"corpus": paths, "vocab_size": vocab_size, "threads": workers, "text_key": text_key}
    jobs = {name: TrainJob(trainer=name, curriculum=curriculum, **shared) for name in names}
    found = run_rounds(jobs, rounds, timeout, skipped)
    results: dict[str, Any] = {
        name: {"rounds": runs, **spreads(runs, "seconds", "cpu_seconds", "peak_bytes")} for name, runs in found.items()
    }
    if base := results.get(BASE_TRAINER):
        for result in results.values():
            result["time_ratio"] = result["seconds"]["median"] / base["seconds"]["median"]
            result["memory_ratio"] = result["peak_bytes"]["median"] / base["peak_bytes"]["median"]
    settings = {"vocab_size": vocab_size, "rounds": rounds, "threads": workers, "weights": list(weights)}
    return speed_result("training", settings, described, results, skipped)


def print_training(result: dict[str, Any]) -> None:
    """Print the result of `measure_training`."""
    rows = []
    for name, own in result["results"].items():
        ratios, warm_up = optional(own, "time_ratio", "memory_ratio"), own["rounds"][0]["warm_up_seconds"]
        rows.append([name, *span(own["seconds"], ".2f"), *costs(own), *ratios, f"{warm_up:.1f}"])
    title = f"Training {result['settings']['vocab_size']:,} ids on {result['corpus']['bytes'] / 1e6:.1f} MB"
    heads = ("seconds", "min - max", "CPU s", "peak MB", "time x", "memory x", "warm-up s")
    print_speed(result, title, ["trainer"], heads, rows)
