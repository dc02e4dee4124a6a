"""What a text is made of: its characters' classes, its eojeols, its letters by script.

An eojeol is a maximal run of characters that are not white space (Unicode White_Space).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokenizer.text import HANGUL, LETTER, LOWER, NEWLINE, SPACE, UPPER, class_table

_LATIN = ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF))


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of ``text``, shape (characters,)."""
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def byte_offsets(points: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Where each character begins in the UTF-8 of the text, and where the text ends, shape (characters + 1,)."""
    width = 1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000)
    return np.concatenate([[0], np.cumsum(width)])


def eojeols(points: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First character of each eojeol and the one after its last, two arrays of shape (eojeols,)."""
    classes = class_table()[points]
    word = np.zeros(len(points) + 2, dtype=bool)
    word[1:-1] = (classes != SPACE) & (classes != NEWLINE)
    edges = np.flatnonzero(word[1:] != word[:-1])
    return edges[::2], edges[1::2]


def is_hangul(points: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """True where a character is a Hangul syllable or jamo, shape (characters,)."""
    return class_table()[points] == HANGUL


def letter_counts(points: NDArray[np.uint32]) -> tuple[int, int, int]:
    """How many characters are letters of any script, Hangul, Latin."""
    classes = class_table()[points]
    letters = points[np.isin(classes, (UPPER, LOWER, LETTER, HANGUL))]
    latin = sum(int(np.count_nonzero((letters >= first) & (letters <= last))) for first, last in _LATIN)
    return len(letters), int(np.count_nonzero(classes == HANGUL)), latin
