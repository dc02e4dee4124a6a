"""Character classes that the grammars are written in, from Unicode 16.0.

The classes are pinned in ``data/unicode_classes.txt`` so that a vocabulary and its encoder never change
with the Python they run on. They are those of the regex engines inside tokenizers 0.2x (Oniguruma) and
tiktoken (Rust's regex), which both follow Unicode 16.0; ``tests/tokenizer/pretokenize`` holds them to that.
Each line of the file is ``first last class`` with hexadecimal code points; what is not listed is OTHER.
"""

from functools import cache
from pathlib import Path

import numpy as np
import regex
from numpy.typing import NDArray

from tokenizer.native.compile import inlined

OTHER, NEWLINE, SPACE, NUMBER, MARK, UPPER, LOWER, LETTER, HANGUL = range(9)
"""OTHER is punctuation, symbols, controls and unassigned; NEWLINE is CR and LF; SPACE the rest of White_Space;
UPPER is Lu and Lt; LETTER is Lm and Lo outside Hangul; HANGUL is syllables and jamo."""

CODE_POINTS = 0x110000

HANGUL_RANGES = ((0x1100, 0x11FF), (0x3131, 0x318E), (0xAC00, 0xD7A3))
"""The Hangul that Korean is written in today, and that Kiwi analyses: jamo, compatibility jamo, syllables. The class
HANGUL, which is for grammars, has the halfwidth and extended jamo too."""
_HANGUL = regex.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in HANGUL_RANGES) + "]")

_WHITE_SPACE = (
    *((0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680)),
    *((0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
)


@cache
def class_table() -> NDArray[np.uint8]:
    """The class of every code point, as an array of 0x110000 bytes."""
    table = np.zeros(CODE_POINTS, dtype=np.uint8)
    for line in (Path(__file__).parent.parent / "data" / "unicode_classes.txt").read_text("ascii").splitlines():
        first, last, code = line.split()
        table[int(first, 16) : int(last, 16) + 1] = int(code)
    table.setflags(write=False)
    return table


def has_hangul(text: str, start: int = 0, end: int | None = None) -> bool:
    """Whether a character of ``text[start:end]`` is in `HANGUL_RANGES`."""
    return _HANGUL.search(text, start, len(text) if end is None else end) is not None


def are_hangul(points: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """As `is_hangul`, for many code points; the same shape."""
    return np.logical_or.reduce([(points >= first) & (points <= last) for first, last in HANGUL_RANGES])


@inlined
def is_hangul(code: int) -> bool:
    """Whether a code point is in `HANGUL_RANGES`; for kernels."""
    for first, last in HANGUL_RANGES:
        if first <= code <= last:
            return True
    return False


@inlined
def is_white_space(code: int) -> bool:
    """Whether a code point has the class NEWLINE or SPACE, without the table; for kernels."""
    for first, last in _WHITE_SPACE:
        if first <= code <= last:
            return True
    return False
