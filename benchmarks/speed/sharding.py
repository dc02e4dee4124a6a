"""The speed of ``gyeol shard`` as a user runs it: the whole command, start-up, reading and writing included."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report.terminal import costs, print_speed, span
from benchmarks.speed.rounds import describe, speed_result, spread, spreads
from tokenizer import Tokenizer
from tokenizer.errors import InputError
from tokenizer.progress import progress_bar

_COMMAND = """
import atexit, sys
from pathlib import Path
from benchmarks.speed.child import peak_bytes
peak = Path(sys.argv.pop(1))
atexit.register(lambda: peak.write_text(str(peak_bytes())))  # registered first, so run last
import cli
cli.main()
"""


def measure_sharding(
    tokenizer: str, corpus: Sequence[str | Path], *, rounds: int = 1, timeout: float = 3600, text_key: str = "text"
) -> dict[str, Any]:
    """Run ``gyeol shard`` on ``corpus`` once per round, in a fresh process, into a temporary folder.

    ``results`` has ``tokens``, ``rounds`` and the spread (median, min, max) of ``seconds``, ``cpu_seconds``,
    ``peak_bytes`` and ``mb_per_second`` (10**6 bytes of UTF-8). `InputError` when the command fails.
    """
    described = {"corpus": describe(corpus, text_key)}
    Tokenizer.load(tokenizer).encode("")  # kernels are compiled before the clock, as they are once per installation
    runs: list[dict[str, Any]] = []
    with progress_bar("Measuring", total=rounds) as progress:
        for _ in range(rounds):
            runs.append(_run(tokenizer, corpus, text_key, timeout))
            progress.advance()
    megabytes = described["corpus"]["bytes"] / 1e6
    results = {
        "tokens": runs[0].pop("tokens"),
        "mb_per_second": spread([megabytes / run["seconds"] for run in runs]),
        **spreads(runs, "seconds", "cpu_seconds", "peak_bytes"),
        "rounds": runs,
    }
    return speed_result("sharding", {"tokenizer": Path(tokenizer).name, "rounds": rounds}, described, results, {})


def print_sharding(result: dict[str, Any]) -> None:
    """Print the result of `measure_sharding`."""
    own = result["results"]
    speed = f"{own['mb_per_second']['median']:.1f}"
    row = [result["settings"]["tokenizer"], *span(own["seconds"], ".2f"), speed, *costs(own)]
    title = f"gyeol shard, {result['corpus']['bytes'] / 1e6:.1f} MB to {own['tokens']:,} tokens"
    print_speed(result, title, ["tokenizer"], ("seconds", "min - max", "MB/s", "CPU s", "peak MB"), [row])


def _run(tokenizer: str, corpus: Sequence[str | Path], text_key: str, timeout: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        out, peak = Path(scratch) / "shards", Path(scratch) / "peak"
        arguments = ["shard", "-t", tokenizer, *map(str, corpus), "--out", str(out), "--text-key", text_key, "--json"]
        before, start = _children_seconds(), time.perf_counter()
        command = [sys.executable, "-c", _COMMAND, str(peak), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise InputError(f"gyeol shard was stopped after {timeout:g} s; see --timeout") from None
        seconds = time.perf_counter() - start
        if done.returncode:
            raise InputError(done.stderr.decode("utf-8", errors="replace").strip())
        return {
            "tokens": json.loads(done.stdout)["tokens"],
            "seconds": seconds,
            "cpu_seconds": _children_seconds() - before,
            "peak_bytes": int(peak.read_text()),
        }


def _children_seconds() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system
