"""Steps that the scanners of all grammars share: reading a character, the letters of a word.

They read valid UTF-8 from arrays whose memory goes on behind their end, see `tokenizer.text.utf8`.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import inlined
from tokenizer.native.vectors import AT_ONCE
from tokenizer.text.unicode import MARK, NEWLINE, NUMBER


@inlined
def char_at(data: NDArray[np.uint8], i: int) -> tuple[int, int]:
    """The code point at byte ``i`` of valid UTF-8 and its length in bytes."""
    b = np.int64(data[i])
    if b < 0x80:
        return b, 1
    if b < 0xE0:
        return ((b & 0x1F) << 6) | (np.int64(data[i + 1]) & 0x3F), 2
    if b < 0xF0:
        return ((b & 0x0F) << 12) | ((np.int64(data[i + 1]) & 0x3F) << 6) | (np.int64(data[i + 2]) & 0x3F), 3
    high = ((b & 0x07) << 18) | ((np.int64(data[i + 1]) & 0x3F) << 12)
    return high | ((np.int64(data[i + 2]) & 0x3F) << 6) | (np.int64(data[i + 3]) & 0x3F), 4


@inlined
def begins_syllable(data: NDArray[np.uint8], i: int, end: int) -> bool:
    """Whether the character at byte ``i`` is one of U+AC00 to U+D77F: nearly every Hangul syllable, without a table."""
    return i + 1 < end and 0xEAB0 <= (np.int64(data[i]) << 8 | np.int64(data[i + 1])) <= 0xED9D


@inlined
def leads(data: NDArray[np.uint8], i: int, table: NDArray[np.uint8]) -> int:
    """1 if a character of ASCII is at ``i`` that may stand before the letters of a word, else 0."""
    b = data[i]
    return np.int64(b < 0x80 and table[b] != NEWLINE and table[b] < NUMBER)


@inlined
def plain_end(data: NDArray[np.uint8], i: int, size: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of a word of which ``size`` bytes of plain letters at ``i`` were seen, if it is certain; else ``i``."""
    k = i + size
    if size == AT_ONCE:
        return i
    if k >= end:  # what was seen may be of the next text
        return end
    return k if data[k] < 0x80 and table[data[k]] < MARK and data[k] != 0x27 else i
