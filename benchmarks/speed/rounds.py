"""Rounds of measurements, each in a process of its own, and where their figures come from."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.provenance import PACKAGES, provenance, shown_path
from benchmarks.speed.child import Unmeasured, measure_in_child
from tokenizer.corpus import STDIN, documents, find_files
from tokenizer.errors import InputError
from tokenizer.files import sha256_file
from tokenizer.progress import step

LIBRARIES = ("rustbpe", "gigatoken", "fastokens", "torch", "transformers")


def run_rounds(
    jobs: dict[str, dict[str, Any]], rounds: int, threads: int | None, timeout: float, skipped: dict[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """The figures of every job, round by round; a job that fails is put into ``skipped``."""
    found: dict[str, list[dict[str, Any]]] = {key: [] for key in jobs}
    with tempfile.TemporaryDirectory() as folder, step("Measuring", total=rounds * len(jobs)) as progress:
        for _ in range(rounds):
            for key, job in jobs.items():
                progress.note(key)
                if key not in skipped:
                    try:
                        found[key].append(measure_in_child(job, Path(folder), threads or job["threads"], timeout))
                    except Unmeasured as error:
                        skipped[key] = str(error)
                progress.advance()
    if done := {key: runs for key, runs in found.items() if key not in skipped}:
        return done
    raise InputError("nothing could be measured: " + "; ".join(f"{key}: {why}" for key, why in skipped.items()))


def missing(modules: Iterable[str]) -> str | None:
    """Why a library cannot be measured, or None."""
    for module in modules:
        try:
            if importlib.util.find_spec(module) is None:
                raise ModuleNotFoundError
        except ModuleNotFoundError:
            return f"{module} is not installed; pip install 'gyeol[bench]'"
    return None


def speed_provenance() -> dict[str, Any]:
    """Provenance with the versions of all libraries that are compared."""
    return asdict(provenance("python", "-m", "benchmarks.speed", packages=(*PACKAGES, *LIBRARIES)))


def describe(paths: Sequence[str | Path], text_key: str) -> dict[str, Any]:
    """Files with sizes and SHA-256, and the text in them; reading it also warms the disk's cache for all."""
    files = find_files(paths)
    if STDIN in files:
        raise InputError("stdin can be read only once, but every measurement reads the text: name files")
    count = size = 0
    for document in documents(paths, text_key=text_key):
        count, size = count + 1, size + len(document.text.encode())
    return {
        "files": [{"name": shown_path(p), "bytes": p.stat().st_size, "sha256": sha256_file(p)} for p in files],
        "documents": count,
        "bytes": size,
    }
