"""Character classes that the grammars are written in, from Unicode 16.0.

The classes are pinned in ``data/unicode_classes.txt`` so that a vocabulary and its encoder never change
with the Python they run on. They are those of the regex engines inside tokenizers 0.2x (Oniguruma) and
tiktoken (Rust's regex), which both follow Unicode 16.0; ``tests/test_pretokenize.py`` holds them to that.
Each line of the file is ``first last class`` with hexadecimal code points; what is not listed is OTHER.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

OTHER, NEWLINE, SPACE, NUMBER, MARK, UPPER, LOWER, LETTER, HANGUL = range(9)
"""OTHER is punctuation, symbols, controls and unassigned; NEWLINE is CR and LF; SPACE the rest of White_Space;
UPPER is Lu and Lt; LETTER is Lm and Lo outside Hangul; HANGUL is syllables and jamo."""

CODE_POINTS = 0x110000


@cache
def class_table() -> NDArray[np.uint8]:
    """The class of every code point, as an array of 0x110000 bytes."""
    table = np.zeros(CODE_POINTS, dtype=np.uint8)
    for line in (Path(__file__).parent.parent / "data" / "unicode_classes.txt").read_text("ascii").splitlines():
        first, last, code = line.split()
        table[int(first, 16) : int(last, 16) + 1] = int(code)
    table.setflags(write=False)
    return table
