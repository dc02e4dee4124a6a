"""Sources held out of training in turn, so that a recipe can be chosen by text that it has not seen.

A source is a file, its register the part of its name before the first ``_`` (``news_``, ``law_`` ...; of English the
first two parts, ``en_review_``). The sources of each register are dealt to the folds in turn, the largest first, so
that all folds have much the same registers. A vocabulary is trained on all sources but those of one fold and measured
on excerpts of these.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tokenizer.corpus import find_files
from tokenizer.errors import InputError

FOLDS = 5
EXCERPT, PARTS = 300_000, 6
"""Characters measured of a source, about, and the number of places they are taken from."""


def deal(corpus: Sequence[str]) -> list[list[Path]]:
    """The files of ``corpus`` in `FOLDS` folds; `InputError` for fewer files than folds."""
    by_register: dict[str, list[Path]] = {}
    for path in find_files(corpus):
        by_register.setdefault(register(path.name), []).append(path)
    ordered = [
        path
        for _, paths in sorted(by_register.items())
        for path in sorted(paths, key=lambda path: (-path.stat().st_size, path.name))
    ]
    if len(ordered) < FOLDS:
        raise InputError(
            f"the corpus has {len(ordered)} sources (files); {FOLDS} folds of sources need {FOLDS} or more"
        )
    return [ordered[fold::FOLDS] for fold in range(FOLDS)]


def register(name: str) -> str:
    """The register of a file by its name."""
    parts = name.split(".")[0].split("_")
    return "_".join(parts[:2]) if parts[0] == "en" else parts[0]


def write_excerpt(text: str, path: Path) -> None:
    """Write passages from all over ``text``, each from the start of a line on."""
    if len(text) > EXCERPT:
        starts = [text.find("\n", len(text) * part // PARTS) + 1 for part in range(PARTS)]
        text = "".join(text[start : start + EXCERPT // PARTS] + "\n" for start in starts)
    path.write_text(text, "utf-8", newline="")


def mean_over_registers(files: Mapping[str, float], groups: Mapping[str, str]) -> dict[str, float]:
    """The mean of each group over the means of its registers: many files of one register count no more than one."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, value in files.items():
        found.setdefault(groups[name], {}).setdefault(register(name), []).append(value)
    return {
        group: float(np.mean([np.mean(values) for values in registers.values()])) for group, registers in found.items()
    }
