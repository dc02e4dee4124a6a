"""The grammar ``gyeol``: pre-tokens that hold several words, so that superwords can be learnt.

A run is letters joined by single spaces, a comma or sentence mark among them where a word follows. Digits
take the space before them, which GPT-4o spends a token on, and the Korean counter behind them:

    나는 그, 결을 따라| 202|5년|!        나는| 그|,| 결을| 따라| 202|5년|!   (``words``)

A run never holds a line end. Camel case is not cut: what the training text writes often becomes a token.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import inlined, native
from tokenizer.native.vectors import plain_letters
from tokenizer.pretokenize.scanning import SYMBOLS, begins_syllable, char_at, gap, leads, plain_end, symbols
from tokenizer.text.unicode import MARK, NEWLINE, NUMBER, UPPER

COUNTERS = "년월일개명원만억조천백시분초회번장권살세층호차위인대곳건주%"
"""Counters, which stand right behind the digits: years, months, days, pieces, persons, won, ten thousands ..."""

_WORD = r"[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*"
PATTERN = rf" ?\p{{N}}{{1,3}}[{COUNTERS}]?|[^\r\n\p{{L}}\p{{N}}]?{_WORD}(?:[.,!?]? {_WORD})*" + SYMBOLS
"""The grammar as a regular expression."""

_COUNTER_CODES = tuple(map(ord, COUNTERS))


@inlined
def _letters(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of letters, marks and the apostrophes between them at ``i``; ``i`` if there are none."""
    k = plain_end(data, i, plain_letters(data, i), end, table)
    return k if k > i else _mixed_letters(data, i, end, table)


@native
def _mixed_letters(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """As `_letters`, a character after another."""
    k = i
    while k < end:
        if begins_syllable(data, k, end):
            k += 3
            continue
        code, size = char_at(data, k)
        if table[code] >= MARK:
            k += size
        elif k > i and (code == 0x27 or code == 0x2019) and k + size < end:
            if table[char_at(data, k + size)[0]] < MARK:
                break
            k += size
        else:
            break
    return k


@native
def _number(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of up to three digits and a counter at ``i``."""
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
    return k


@native
def next_word(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of the word, number, symbols or white space at byte ``i`` of ``data[:end]`` (valid UTF-8)."""
    first = i + leads(data, i, table)
    k = plain_end(data, first, plain_letters(data, first), end, table)
    if k > first:  # nearly every word
        return k
    code, size = char_at(data, i)
    kind = table[code]
    if kind == NUMBER:
        return _number(data, i, end, table)
    if code == 0x20 and i + 1 < end and table[char_at(data, i + 1)[0]] == NUMBER:
        return _number(data, i + 1, end, table)
    if kind == NEWLINE:
        return gap(data, i, end, table)
    if kind >= UPPER:
        return _mixed_letters(data, i, end, table)
    k = _mixed_letters(data, i + size, end, table)
    if k > i + size:
        return k
    if kind == MARK:  # nothing follows that it could lead: a letter of its own
        return _mixed_letters(data, i, end, table)
    return symbols(data, i, end, table, kind, code)


@inlined
def begins_run(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> bool:
    """Whether the word at ``i`` is letters, with or without a character before them: further words may follow."""
    code, size = char_at(data, i)
    kind = table[code]
    if kind == NUMBER or kind == NEWLINE:
        return False
    return kind >= MARK or (i + size < end and table[char_at(data, i + size)[0]] >= MARK)


@inlined
def word_behind(data: NDArray[np.uint8], k: int, end: int, table: NDArray[np.uint8]) -> tuple[int, int]:
    """Start and end of the word that goes on with the run behind ``k``, a sentence mark before it if the start is
    not ``k``; ``(k, k)`` where the run ends."""
    if k + 1 >= end:
        return k, k
    space = k
    if data[k] == 0x2E or data[k] == 0x2C or data[k] == 0x21 or data[k] == 0x3F:
        space = k + 1
    if space + 1 >= end or data[space] != 0x20:
        return k, k
    stop = _letters(data, space + 1, end, table)
    return (space, stop) if stop > space + 1 else (k, k)


@native
def next_run(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of the pre-token at byte ``i`` of ``data[:end]``: a run of words, or what `next_word` finds."""
    k = next_word(data, i, end, table)
    if not begins_run(data, i, end, table):
        return k
    while True:
        _, stop = word_behind(data, k, end, table)
        if stop == k:
            return k
        k = stop
