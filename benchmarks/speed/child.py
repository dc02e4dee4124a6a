"""Measuring one piece of work in a process of its own.

A fresh process has cold caches and a peak of memory that is its own. `measure_in_child` starts one that runs a `Job`;
the job clocks its work with `clocked`, and its figures come back as JSON.

The peak is VmHWM where Linux gives it: ``ru_maxrss`` of a child starts at what its parent held.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
REASON_LENGTH = 300
"""The most characters of a reason."""
_WORKER_VARIABLES = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "FASTOKENS_BPE_THREADS")


class Unmeasured(Exception):
    """A library that cannot do the work, with the reason."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work for a child process; its fields are sent as JSON."""

    threads: int
    """Threads that its library may use."""

    def run(self) -> dict[str, Any]:
        """Do the work in this process; the figures.

        Jobs do their work once before the clock, on the embedded samples, so that compiling and first-use tables
        are paid by then.
        """
        raise NotImplementedError


def clocked(work: Callable[[], T]) -> tuple[T, dict[str, float]]:
    """Run ``work``: its result; its wall and CPU seconds, and bytes of memory before it and at the peak."""
    before, cpu, start = peak_bytes(), time.process_time(), time.perf_counter()
    result = work()
    figures = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
    return result, figures | {"bytes_before": before, "peak_bytes": peak_bytes()}


def peak_bytes() -> int:
    """The most memory that this process has held, in bytes."""
    with suppress(OSError):  # not Linux
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        if found := re.search(r"^VmHWM:\s*(\d+)", status, re.MULTILINE):
            return int(found[1]) * 1024
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def measure_in_child(job: Job, folder: Path, timeout: float) -> dict[str, Any]:
    """The figures of ``job``, run by ``python -m benchmarks.speed.worker``.

    ``folder`` is for the job's file and the child's answer. Raises `Unmeasured` when the library cannot do it,
    dies or needs more than ``timeout`` seconds.
    """
    question, answer = folder / "job.json", folder / "answer.json"
    question.write_text(json.dumps([type(job).__name__, asdict(job)]), encoding="utf-8")
    answer.unlink(missing_ok=True)
    threads = dict.fromkeys(_WORKER_VARIABLES, str(job.threads))
    environment = os.environ | threads | {"TOKENIZERS_PARALLELISM": "true"}
    command = [sys.executable, "-m", "benchmarks.speed.worker", str(question), str(answer)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Unmeasured(f"stopped after {timeout:g} s; see --timeout") from None
    if not answer.exists():
        raise Unmeasured(_death(done.returncode, done.stderr.decode("utf-8", errors="replace")))
    found: dict[str, Any] = json.loads(answer.read_bytes())
    if "error" in found:
        raise Unmeasured(" ".join(found["error"].replace(str(folder), "").split())[:REASON_LENGTH])
    return found


def _death(code: int, stderr: str) -> str:
    if code < 0:
        memory = "; out of memory?" if -code == signal.SIGKILL else ""
        return f"its process died of {signal.Signals(-code).name}{memory}"
    last = stderr.strip().splitlines()[-1:] or ["it said nothing"]
    return f"its process ended with exit code {code}: {last[0]}"[:REASON_LENGTH]
