"""The grammar ``o200k``: GPT-4o's, tiktoken's o200k_base (from tiktoken_ext/openai_public.py).

Words are cut where capitals begin (``camelCase``), digits in groups of three, and a space belongs to the word
behind it:

    결을| 따라| |202|5|년|,| don't| stop|!
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import inlined, native
from tokenizer.native.vectors import plain_lowercase
from tokenizer.pretokenize.scanning import char_at, leads, plain_end
from tokenizer.text.unicode import HANGUL, LETTER, LOWER, MARK, NEWLINE, NUMBER, OTHER, SPACE, UPPER

_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"

PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    + _CONTRACTION
    + r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    + _CONTRACTION
    + r"|\p{N}{1,3}"
    + r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"  # symbols, line ends, white space
)
"""The grammar as a regular expression."""


@inlined
def _contraction(data: NDArray[np.uint8], i: int, end: int) -> int:
    """The end of ``(?i:'s|'t|'re|'ve|'m|'ll|'d)?`` at ``i``."""
    if i + 1 >= end or data[i] != 0x27:
        return i
    a = data[i + 1] | 0x20
    if a == 0x73 or a == 0x74 or a == 0x6D or a == 0x64:  # s t m d
        return i + 2
    if i + 2 < end:
        if data[i + 1] == 0xC5 and data[i + 2] == 0xBF:  # U+017F, the long s, is an s to (?i:)
            return i + 3
        b = data[i + 2] | 0x20
        if (a == 0x72 or a == 0x76) and b == 0x65:  # re ve
            return i + 3
        if a == 0x6C and b == 0x6C:  # ll
            return i + 3
    return i


@native
def _word(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of the letters at ``i`` by the first two alternatives of the o200k grammar, without their
    optional leading character; ``i`` if no word starts there; negative if only the second alternative does.
    """
    k = i
    common_end = -1  # where the last character that is in both of the alternative's classes ends
    while k < end:
        code, size = char_at(data, k)
        kind = table[code]
        if kind == HANGUL or kind == LETTER or kind == MARK:
            k += size
            common_end = k
        elif kind == UPPER:
            k += size
        else:
            break
    if k < end:
        code, size = char_at(data, k)
        if table[code] == LOWER:
            k += size
            while k < end:
                code, size = char_at(data, k)
                kind = table[code]
                if kind == LOWER or kind == HANGUL or kind == LETTER or kind == MARK:
                    k += size
                else:
                    break
            return _contraction(data, k, end)
    if common_end >= 0:  # the regex gives back capitals until its second part can match
        return _contraction(data, common_end, end)
    return -_contraction(data, k, end) if k > i else i


@native
def _gap(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of the white space at ``i``: up to its last line end, else all but the last character."""
    k = i
    last = i
    newline_end = -1
    while k < end:
        code, size = char_at(data, k)
        kind = table[code]
        if kind != SPACE and kind != NEWLINE:
            break
        last = k
        k += size
        if kind == NEWLINE:
            newline_end = k
    if newline_end >= 0:
        return newline_end
    if k == end or last == i:
        return k
    return last


@native
def _symbols(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8], kind: int, code: int) -> int:
    """The end of `` ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*`` at ``i``, or of the white space there."""
    k = i
    if kind == SPACE:
        if code != 0x20 or i + 1 >= end:
            return _gap(data, i, end, table)
        k = i + 1
        following = table[char_at(data, k)[0]]
        if following != OTHER and following != MARK:
            return _gap(data, i, end, table)
    while k < end:
        code, size = char_at(data, k)
        kind = table[code]
        if kind != OTHER and kind != MARK:
            break
        k += size
    while k < end and (data[k] == 0x0A or data[k] == 0x0D or data[k] == 0x2F):
        k += 1
    return k


@native
def next_pretoken(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of the pre-token that starts at byte ``i`` of the text ``data[:end]`` (valid UTF-8)."""
    first = i + leads(data, i, table)
    first += np.int64(0x41 <= data[first] <= 0x5A)  # a capital; the letters behind it must be none
    k = plain_end(data, first, plain_lowercase(data, first), end, table)
    if k > first:  # nearly every word
        return k
    code, size = char_at(data, i)
    kind = table[code]
    if kind >= UPPER:
        return abs(_word(data, i, end, table))
    if kind == NUMBER:
        k = i + size
        for _ in range(2):
            if k >= end:
                break
            code, size = char_at(data, k)
            if table[code] != NUMBER:
                break
            k += size
        return k
    if kind == NEWLINE:
        return _gap(data, i, end, table)
    first = i + size
    with_lead = _word(data, first, end, table) if first < end else first
    if with_lead > first:
        return with_lead
    if kind == MARK:  # marks are letters of a word too
        alone = _word(data, i, end, table)
        if alone > i:
            return alone
    if with_lead < 0:
        return -with_lead
    return _symbols(data, i, end, table, kind, code)
