"""A text with its eojeols, sections and letters, computed once for all tokenizers.

An eojeol is a maximal run of characters that are not white space (Unicode White_Space). Sections are resampled for
the intervals. A document of JSONL or Parquet is one section; a text file, which does not mark its documents, is cut at
the first blank line behind `SECTION` characters, at the first line end behind twice as many, or behind four times as
many anywhere.
"""

import re

import numpy as np
from numpy.typing import NDArray

from tokenizer.text import HANGUL, LETTER, LOWER, NEWLINE, SPACE, UPPER, are_hangul, class_table

SECTION = 2000
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n+")
_LATIN = ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF))


class MeasuredText:
    """A text and the places of its parts."""

    def __init__(self, text: str, cut: bool = False) -> None:
        """``cut`` divides the text into sections; otherwise it is one section."""
        self.text = text
        self.data = text.encode()
        points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        classes = class_table()[points]
        width = 1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000)
        self.byte_of = np.concatenate([[0], np.cumsum(width)])
        """Byte offset of each character, and the length in bytes, int64 of shape (characters + 1,)."""
        self.starts, self.ends = _eojeols(classes)
        """First character of each eojeol and the one after its last, int64 of shape (eojeols,)."""
        hangul = np.concatenate([[0], np.cumsum(are_hangul(points))])
        self.korean = hangul[self.ends] > hangul[self.starts]
        """True for an eojeol with Hangul (a syllable or jamo), of shape (eojeols,)."""
        edges = np.array(section_ends(text) if cut else [len(text)], dtype=np.int64)
        self.section_ends = self.byte_of[edges]
        """Byte offset behind each section, int64 of shape (sections,)."""
        columns = (edges, self.section_ends, np.searchsorted(self.ends, edges, side="right"))
        self.sections = np.diff(np.stack(columns, axis=1), axis=0, prepend=0)
        """Characters, bytes and eojeols of each section, int64 of shape (sections, 3)."""
        letters = points[np.isin(classes, (UPPER, LOWER, LETTER, HANGUL))]
        self.letters, self.hangul = len(letters), int(hangul[-1])
        """Number of characters that are letters of any script, and of Hangul."""
        self.latin = sum(int(np.count_nonzero((letters >= first) & (letters <= last))) for first, last in _LATIN)
        """Number of Latin letters."""

    def korean_eojeols(self) -> list[str]:
        """The eojeols with Hangul, in order."""
        spans = zip(self.starts[self.korean].tolist(), self.ends[self.korean].tolist(), strict=True)
        return [self.text[start:end] for start, end in spans]


def section_ends(text: str) -> list[int]:
    """The character offset behind each section of ``text``; the last is its length."""
    ends: list[int] = []
    start = 0
    while len(text) - start > 2 * SECTION:
        blank = _BLANK_LINE.search(text, start + SECTION, start + 2 * SECTION)
        line = text.find("\n", start + 2 * SECTION, start + 4 * SECTION) + 1
        start = blank.end() if blank else line or min(start + 4 * SECTION, len(text))
        if start < len(text):
            ends.append(start)
    return [*ends, len(text)]


def _eojeols(classes: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    word = np.zeros(len(classes) + 2, dtype=bool)
    word[1:-1] = (classes != SPACE) & (classes != NEWLINE)
    edges = np.flatnonzero(word[1:] != word[:-1])
    return edges[::2], edges[1::2]
