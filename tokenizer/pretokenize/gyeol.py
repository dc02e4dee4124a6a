"""The grammar ``gyeol``: pre-tokens that hold a sentence, so that tokens may span words and what stands between them.

A pre-token runs over words, spaces and symbols up to a number, the end of a sentence or the end of a line. It takes the
sentence mark with it, or the line end and all white space behind that. Digits take the space before them, which GPT-4o
spends a token on, and the Korean counter behind them, or the point, comma or colon before further digits:

    나는 "결"을, 따라 간다.\\n|202|5년| 3.|5배|!     나는| "결|"을|,| 따라| 간다|.\\n|202|...

**Words** are the parts of a pre-token that the encoder caches: they end before white space and before a symbol behind
a letter. Whether a word ends between two characters is decided by these two alone, so that the bytes of a token say
whether it reaches across words (`crosses_words`); `tokenizer.encoding` builds on that.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import inlined, native
from tokenizer.native.vectors import plain_letters
from tokenizer.pretokenize.scanning import begins_syllable, char_at, leads, plain_end
from tokenizer.text.unicode import NEWLINE, NUMBER, OTHER, SPACE, UPPER

COUNTERS = "년월일개명원만억조천백시분초회번장권살세층호차위인대곳건주%"
"""Counters, which stand right behind the digits: years, months, days, pieces, persons, won, ten thousands ..."""

_LINE_END = r"(?:[ \t]*[\r\n]\s*)?"
PATTERN = (
    rf" ?\p{{N}}{{1,3}}(?:[{COUNTERS}]|[.,:](?=\p{{N}}))?"
    rf"|(?: (?!\p{{N}})|[^ \r\n\p{{N}}.!?]++|[.!?](?!\s))++[.!?]*{_LINE_END}"
    rf"|[.!?]+{_LINE_END}"
    r"|\s+"
)
"""The grammar as a regular expression. The possessive repeats (``++``) change nothing in what fits; they spare engines
that backtrack a stack as long as the sentence."""

APOSTROPHE, UNKNOWN = 9, 10
"""Kinds of characters beside the classes of `tokenizer.text.unicode`: an apostrophe, which is part of a word between
letters, and one that is not there as a whole."""
_COUNTER_CODES = tuple(map(ord, COUNTERS))


@inlined
def kind_of(code: int, table: NDArray[np.uint8]) -> int:
    """The kind of a character for `word_ends_between`."""
    return APOSTROPHE if code == 0x27 or code == 0x2019 else np.int64(table[code])


@inlined
def word_ends_between(kind: int, following: int) -> bool:
    """Whether a word ends between characters of these kinds; true also where that is not known."""
    if kind == UNKNOWN or following == UNKNOWN:
        return True
    if following == SPACE:
        return kind != SPACE and kind != NEWLINE
    if kind == NEWLINE:  # inside pre-tokens of the grammar right3
        return following != NEWLINE
    if following == NEWLINE:  # the line end belongs to the symbols before it
        return kind == NUMBER or UPPER <= kind < APOSTROPHE
    return following == OTHER and UPPER <= kind < APOSTROPHE


@inlined
def _is_number_at(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> bool:
    """Whether a number is at byte ``i`` of ``data[:end]``, or behind the one space there."""
    k = i + np.int64(data[i] == 0x20)
    if k >= end:
        return False
    if data[k] < 0x80:
        return table[data[k]] == NUMBER
    return not begins_syllable(data, k, end) and table[char_at(data, k)[0]] == NUMBER


@native
def _number(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of up to three digits at ``i``, and a counter or what divides digits."""
    k = i
    for _ in range(3):
        code, size = char_at(data, k)
        if table[code] != NUMBER:
            break
        k += size
        if k == end:
            return k
    code, size = char_at(data, k)
    for counter in _COUNTER_CODES:
        if code == counter:
            return k + size
    divides = code == 0x2C or code == 0x2E or code == 0x3A
    return k + 1 if divides and k + 1 < end and table[char_at(data, k + 1)[0]] == NUMBER else k


@native
def _white_end(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of the white space at ``i``."""
    k = i
    while k < end:
        code, size = char_at(data, k)
        kind = table[code]
        if kind != SPACE and kind != NEWLINE:
            break
        k += size
    return k


@native
def _line_end(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of ``(?:[ \\t]*[\\r\\n]\\s*)?`` at ``i``."""
    k = i
    while k < end and (data[k] == 0x20 or data[k] == 0x09):
        k += 1
    return _white_end(data, k, end, table) if k < end and (data[k] == 0x0A or data[k] == 0x0D) else i


@inlined
def next_word(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> tuple[int, bool, bool]:
    """The end of the word at byte ``i`` of ``data[:end]`` (valid UTF-8), whether the pre-token goes on behind it unless
    a number follows, and whether the word is a number, a pre-token of its own."""
    first = i + leads(data, i, table)
    k = plain_end(data, first, plain_letters(data, first), end, table)
    if k > first:  # nearly every word
        return k, True, False
    return _mixed_word(data, i, end, table)


@native
def _mixed_word(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> tuple[int, bool, bool]:
    """As `next_word`, a character after another."""
    if _is_number_at(data, i, end, table):
        return _number(data, i + np.int64(data[i] == 0x20), end, table), False, True
    code, size = char_at(data, i)
    kind = kind_of(code, table)
    k = i
    while True:
        k += size
        if kind == NEWLINE:
            return _white_end(data, k, end, table), False, False
        if k >= end:
            return k, True, False
        ends_sentence = code == 0x2E or code == 0x21 or code == 0x3F
        code, size = char_at(data, k)
        following = kind_of(code, table)
        if ends_sentence and (following == SPACE or following == NEWLINE):
            return _line_end(data, k, end, table), False, False
        if word_ends_between(kind, following) or _is_number_at(data, k, end, table):
            return k, True, False
        kind = following


@native
def next_pretoken(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of the pre-token at byte ``i`` of ``data[:end]`` (valid UTF-8)."""
    k, more, _ = next_word(data, i, end, table)
    while more and k < end:
        following, goes_on, number = next_word(data, k, end, table)
        if number:
            break
        k, more = following, goes_on
    return k


@native
def _kind_at(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> tuple[int, int]:
    """The kind of the character at byte ``i`` of bytes that may be no valid UTF-8, and its size."""
    b = data[i]
    size = 1 if b < 0x80 else 2 if b < 0xE0 else 3 if b < 0xF0 else 4
    if 0x80 <= b < 0xC2 or b > 0xF4 or i + size > end:
        return UNKNOWN, 1
    for k in range(i + 1, i + size):
        if data[k] & 0xC0 != 0x80:
            return UNKNOWN, 1
    code = char_at(data, i)[0]
    return (kind_of(code, table), size) if code < table.size else (UNKNOWN, 1)


@native
def outer_kinds(data: NDArray[np.uint8], start: int, end: int, table: NDArray[np.uint8]) -> tuple[int, int]:
    """The kinds of the first and the last character of a token, the bytes ``data[start:end]``."""
    first, size = _kind_at(data, start, end, table)
    k = end - 1
    while k > start and end - k < 4 and data[k] & 0xC0 == 0x80:
        k -= 1
    last, size = _kind_at(data, k, end, table)
    return first, last if k + size == end else UNKNOWN


@native
def crosses_words(data: NDArray[np.uint8], start: int, end: int, table: NDArray[np.uint8]) -> bool:
    """Whether a token, the bytes ``data[start:end]``, may hold parts of two words."""
    kind, size = _kind_at(data, start, end, table)
    k = start + size
    parts = kind == UNKNOWN and end - start <= 3  # of one character, as long as only continuation bytes follow
    while k < end:
        if parts and data[k] & 0xC0 == 0x80:
            k += 1
            continue
        following, size = _kind_at(data, k, end, table)
        if word_ends_between(kind, following):
            return True
        kind = following
        k += size
    return False
