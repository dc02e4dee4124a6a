"""Rounds of measurements, each in a process of its own, and the form of their results."""

import importlib.util
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.provenance import PACKAGES, provenance, shown_path
from benchmarks.speed.child import Job, Unmeasured, measure_in_child
from tokenizer.corpus import STDIN, documents, find_files
from tokenizer.errors import InputError
from tokenizer.files import sha256_file
from tokenizer.progress import progress_bar

LIBRARIES = ("rustbpe", "gigatoken", "fastokens", "torch", "transformers")
"""Packages that are compared here only."""


def run_rounds(
    jobs: Mapping[str, Job], rounds: int, timeout: float, skipped: dict[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """The figures of every job, round by round; a job that fails is put into ``skipped``."""
    found: dict[str, list[dict[str, Any]]] = {key: [] for key in jobs}
    with tempfile.TemporaryDirectory() as folder, progress_bar("Measuring", total=rounds * len(jobs)) as progress:
        for _ in range(rounds):
            for key, job in jobs.items():
                progress.note(key)
                if key not in skipped:
                    try:
                        found[key].append(measure_in_child(job, Path(folder), timeout))
                    except Unmeasured as error:
                        skipped[key] = str(error)
                progress.advance()
    if done := {key: runs for key, runs in found.items() if key not in skipped}:
        return done
    raise InputError("nothing could be measured: " + "; ".join(f"{key}: {why}" for key, why in skipped.items()))


def check_known(names: Iterable[str], known: Collection[str], kind: str) -> None:
    """Raise `InputError` for a name that is not ``known``."""
    for name in names:
        if name not in known:
            raise InputError(f"unknown {kind} {name!r}; known: {', '.join(known)}")


def missing(modules: Iterable[str]) -> str | None:
    """The reason why a library cannot be measured, or None."""
    for module in modules:
        with suppress(ModuleNotFoundError):  # of the package that the module is in
            if importlib.util.find_spec(module):
                continue
        return f"{module} is not installed; pip install 'gyeol[bench]'"
    return None


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, minimum and maximum over the rounds."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def spreads(runs: Sequence[dict[str, Any]], *keys: str) -> dict[str, dict[str, float]]:
    """The spread of each figure of the rounds."""
    return {key: spread([run[key] for run in runs]) for key in keys}


def speed_result(
    work: str, settings: dict[str, Any], described: dict[str, Any], results: Any, skipped: dict[str, str]
) -> dict[str, Any]:
    """The result of a measurement of ``work`` in its JSON form, with provenance."""
    return {
        "format": 1,
        "measure": f"{work} speed",
        "provenance": asdict(provenance("python", "-m", "benchmarks.speed", packages=(*PACKAGES, *LIBRARIES))),
        "settings": settings,
        **described,
        "results": results,
        "skipped": [{"name": name, "reason": reason} for name, reason in skipped.items()],
    }


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
