"""The geometry of one document: its eojeols, its sections, all in byte offsets, worked out once for every tokenizer.

Sections are what intervals are resampled over. A document of JSONL or Parquet is one; a text file, which has no
mark where one document ends and the next begins, is cut at the first blank line behind `SECTION` characters, at
the first line end behind twice as many, or behind four times as many anywhere.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.letters import byte_offsets, code_points, eojeols

SECTION = 2000
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n+")


class Page:
    """A document and where its parts are."""

    def __init__(self, text: str, cut: bool) -> None:
        """``cut`` says whether sections are to be made of it, or whether it is one."""
        self.text = text
        self.raw = np.frombuffer(text.encode(), dtype=np.uint8)
        points = code_points(text)
        byte_of = byte_offsets(points)
        starts, ends = eojeols(points)
        self.starts, self.ends = byte_of[starts], byte_of[ends]
        edges = np.array(section_ends(text) if cut else [len(text)], dtype=np.int64)
        self.section_ends = byte_of[edges]
        self.section_characters = np.diff(edges, prepend=0)
        self.section_bytes = np.diff(self.section_ends, prepend=0)
        self.section_eojeols = np.diff(np.searchsorted(ends, edges, side="right"), prepend=0)


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


def whole_eojeols(page: Page, cuts: NDArray[np.int64]) -> tuple[int, int]:
    """How many eojeols no token boundary cuts, and how many are a token of their own.

    The second (single-token retention, Nayeem et al. 2025, https://arxiv.org/abs/2510.09947) may have white
    space before the eojeol in the token; an eojeol inside a superword is whole, but no token of its own.
    """
    cut = np.zeros(len(page.raw) + 1, dtype=bool)
    cut[cuts] = cut[0] = True
    upto = np.cumsum(cut)
    whole = upto[page.ends - 1] == upto[page.starts]
    begins = cut[page.starts] | cut[np.maximum(page.starts - 1, 0)]
    return int(np.count_nonzero(whole)), int(np.count_nonzero(whole & begins & cut[page.ends]))
