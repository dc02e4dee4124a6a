"""Records of a training in gyeol.json: its corpus, its stages, and the versions at work."""

import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tokenizer.text.line_sample import LineSample, joined_samples
from tokenizer.tokenizer import Tokenizer


@dataclass
class CorpusRecord:
    """Files, totals and checksum of a corpus."""

    files: dict[str, int] = field(default_factory=dict)
    """Bytes of UTF-8 by file name."""
    encodings: dict[str, str] = field(default_factory=dict)
    """Encodings of the files that were not UTF-8."""
    documents: int = 0
    characters: int = 0
    """Code points in all."""
    bytes: int = 0
    """Bytes of UTF-8 in all."""
    sha256: str = ""
    """SHA-256 of all documents' UTF-8, one after another, in hexadecimal."""


@dataclass(frozen=True)
class StageRecord:
    """One stage of a training that was finished, or that had no further pair to merge."""

    stage: str
    """The level of the curriculum, or the recipe where it has one stage only."""
    until: float
    """Share of the vocabulary, up to 1, that was to be filled when it ended."""
    tokens: int
    """Size of the vocabulary at its end, special tokens left out."""
    last_count: float | None
    """Occurrences of the last pair that was merged, weighted in the curriculum; None if no pair was."""
    exhausted: bool
    """Whether it ended before its share was filled, as no further pair could become a token."""


@dataclass(frozen=True)
class SourceRecord:
    """What a source counts in the curriculum."""

    name: str
    """Name of the folder, pattern or file, without the folders above it."""
    bytes: int
    """Bytes of UTF-8."""
    weight: float
    """How many times an occurrence counts, on average over its files."""
    share: float
    """Share of its bytes, weighted, in the whole corpus, up to 1."""


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a vocabulary depends on."""
    found = {"python": platform.python_version()}
    for package in ("gyeol", "numpy", "numba", "kiwipiepy", "kiwipiepy_model"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def line_record(sample: LineSample, continue_from: Tokenizer | None) -> dict[str, Any]:
    """The record of a sample of the corpus's lines, joined with that of the tokenizer that training goes on from."""
    old = continue_from.vocabulary.provenance.get("line_sample") if continue_from else None
    return joined_samples([sample, *([LineSample.of_record(old)] if old else [])]).record
