"""Morpheme boundaries inside eojeols: by Kiwi, or of anyone's own making from a JSONL file.

    {"text": "학교에서는 집에", "boundaries": [[2, 4], [1]]}

``boundaries`` has a list for each eojeol of ``text``: the character offsets from the eojeol's start, strictly
inside it and ascending, where two morphemes meet. Eojeols without Hangul have a list too, and are not measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.measured_text import MeasuredText
from tokenizer.errors import InputError
from tokenizer.pretokenize import morphemes

Offsets = Sequence[int]
"""Character offsets, strictly inside an eojeol, where two morphemes meet."""


class TextBoundaries(NamedTuple):
    """The morpheme boundaries of one text."""

    counts: NDArray[np.int64]
    """Boundaries in each eojeol with Hangul, shape (eojeols with Hangul,)."""
    offsets: NDArray[np.int64]
    """Byte offset of each boundary in the text, shape (boundaries,)."""


class Boundaries:
    """A standard of morpheme boundaries: an analyser, asked once for each distinct eojeol.

    Keep one instance to measure several times on the same text.
    """

    def __init__(self, analyse: Callable[[Sequence[str]], Sequence[Offsets]]) -> None:
        """``analyse`` gives the offsets of each eojeol, without its neighbours."""
        self._analyse = analyse
        self._known: dict[str, Offsets] = {}

    @classmethod
    def from_kiwi(cls) -> Boundaries:
        """The boundaries of Kiwi."""
        return cls(morphemes.boundaries)

    def of(self, texts: Sequence[MeasuredText]) -> list[TextBoundaries]:
        """The boundaries of each text, all new eojeols analysed in one call."""
        eojeols = [text.korean_eojeols() for text in texts]
        fresh = [word for word in dict.fromkeys(chain.from_iterable(eojeols)) if word not in self._known]
        if fresh:
            self._known.update(zip(fresh, self._analyse(fresh), strict=True))
        return [_in_text(text, [self._known[word] for word in own]) for text, own in zip(texts, eojeols, strict=True)]


class FileBoundaries(Boundaries):
    """The texts of a gold file with their boundaries, for which equal eojeols may differ.

    Raises `InputError` if the file cannot be read or no line of it fits.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a gold file of UTF-8 JSON lines ({error})") from None
        self.texts: list[MeasuredText] = []
        """The texts of the lines that fit."""
        self.problems: list[str] = []
        """An error message, with its number, for each line that does not fit."""
        self._boundaries: list[TextBoundaries] = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                text, offsets = _gold_text(json.loads(line))
            except (json.JSONDecodeError, InputError) as error:
                self.problems.append(f"line {number}: {error}")
            else:
                self.texts.append(text)
                self._boundaries.append(_in_text(text, offsets))
        if not self.texts:
            raise InputError(
                f"{path}: no line of it can be used ({self.problems[0] if self.problems else 'it is empty'})"
            )

    def of(self, texts: Sequence[MeasuredText]) -> list[TextBoundaries]:
        """The boundaries of `texts`, those of the file."""
        return self._boundaries


def _in_text(text: MeasuredText, inside: Sequence[Offsets]) -> TextBoundaries:
    """Offsets in the eojeols with Hangul of ``text`` as offsets in the text."""
    counts = np.fromiter(map(len, inside), np.int64, len(inside))
    offsets = np.fromiter(chain.from_iterable(inside), np.int64, counts.sum())
    return TextBoundaries(counts, text.byte_of[np.repeat(text.starts[text.korean], counts) + offsets])


def _gold_text(row: Any) -> tuple[MeasuredText, list[Offsets]]:
    """The text of one line and the offsets of its eojeols with Hangul; `InputError` if they do not fit."""
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not isinstance(row.get("boundaries"), list):
        raise InputError('is not of the form {"text": "...", "boundaries": [[...], ...]}')
    text = MeasuredText(row["text"])
    if len(text.starts) != len(row["boundaries"]):
        raise InputError(f"has {len(text.starts)} eojeols but {len(row['boundaries'])} lists of boundaries")
    for start, end, inside in zip(text.starts, text.ends, row["boundaries"], strict=True):
        word = text.text[start:end]
        if not isinstance(inside, list) or not all(type(offset) is int for offset in inside):
            raise InputError(f"the boundaries of {word!r} are {inside!r}, not a list of whole numbers")
        if any(not 0 < offset < end - start for offset in inside) or any(a >= b for a, b in pairwise(inside)):
            raise InputError(f"the boundaries {inside} of {word!r} must ascend from 1 to {end - start - 1} at most")
    return text, [inside for inside, korean in zip(row["boundaries"], text.korean, strict=True) if korean]
