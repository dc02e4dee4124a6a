"""Minimal pairs: sentences that differ in one grammatical point, of which one is right (see minimal_pairs/README.md).

Warstadt et al. (2020, "BLiMP") measure a model by the share of pairs in which it gives the right sentence the higher
probability.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizer.errors import InputError

FOLDER = Path(__file__).parent.parent / "minimal_pairs"
HEAD = "good\tbad"


@dataclass(frozen=True)
class Pair:
    """Two sentences."""

    phenomenon: str
    """What they differ in, the name of the file."""
    good: str
    bad: str


def load_pairs(folder: str | Path = FOLDER) -> list[Pair]:
    """The pairs of all ``.tsv`` files in ``folder``, a file for each phenomenon; `InputError` for other lines."""
    found = []
    for path in sorted(Path(folder).glob("*.tsv")):
        lines = path.read_text("utf-8").splitlines()
        if not lines or lines[0] != HEAD:
            raise InputError(f"{path}: its first line is not {HEAD!r}")
        for number, line in enumerate(lines[1:], start=2):
            good, tab, bad = line.partition("\t")
            if not (tab and good and bad) or "\t" in bad or good == bad:
                raise InputError(f"{path}, line {number}: is not of the form good, tab, bad")
            found.append(Pair(path.stem, good, bad))
    if not found:
        raise InputError(f"{folder}: holds no .tsv file of pairs")
    return found


def pairs_digest(pairs: Sequence[Pair]) -> str:
    """SHA-256 of the pairs."""
    return hashlib.sha256(repr([(pair.phenomenon, pair.good, pair.bad) for pair in pairs]).encode()).hexdigest()
