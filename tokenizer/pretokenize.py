"""Pre-tokenization: where a text may be cut before any merge is considered.

A *grammar* exists twice: as a regular expression, which goes into ``tokenizer.json`` so that other engines
cut the same way, and as a hand-written scanner over UTF-8 bytes, which is what Gyeol itself runs. The two
are tested equal. The one grammar here is ``o200k``, GPT-4o's:

    >>> pretokens("결을 따라 2025년, don't stop!")
    ['결을', ' 따라', ' ', '202', '5', '년', ',', " don't", ' stop', '!']
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.native import inlined, native
from tokenizer.unicode import HANGUL, LETTER, LOWER, MARK, NEWLINE, NUMBER, OTHER, SPACE, UPPER, class_table

_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"

PATTERNS: dict[str, str] = {
    "o200k": "|".join(
        [
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _CONTRACTION,
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _CONTRACTION,
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        ]
    )
}
"""Each grammar as a regular expression (tiktoken's o200k_base, from tiktoken_ext/openai_public.py)."""


def pattern(grammar: str) -> str:
    """The regular expression of ``grammar``; `InputError` for a name that does not exist."""
    if grammar not in PATTERNS:
        raise InputError(f"unknown grammar {grammar!r}; known: {', '.join(PATTERNS)}")
    return PATTERNS[grammar]


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
def next_pretoken(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of the pre-token that starts at byte ``i`` of the text ``data[:end]`` (valid UTF-8)."""
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
    return _marks_and_symbols(data, i, end, table, kind, code)


@native
def _marks_and_symbols(
    data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8], kind: int, code: int
) -> int:
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
def _ends(data: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.int64]:
    found = np.empty(data.size, dtype=np.int64)
    count = 0
    i = 0
    while i < data.size:
        i = next_pretoken(data, i, data.size, table)
        found[count] = i
        count += 1
    return found[:count].copy()


def pretoken_ends(text: str) -> NDArray[np.int64]:
    """Byte offsets in UTF-8 where the pre-tokens of ``text`` end, ascending; the last is its length."""
    return _ends(as_bytes(text), class_table())


def pretokens(text: str) -> list[str]:
    """The pre-tokens of ``text`` under the o200k grammar; joined they give the text back."""
    raw = text.encode("utf-8")
    ends = [0, *pretoken_ends(text).tolist()]
    return [raw[a:b].decode("utf-8") for a, b in pairwise(ends)]


def as_bytes(text: str) -> NDArray[np.uint8]:
    """The UTF-8 bytes of ``text`` as an array; `InputError` for a lone surrogate, `TypeError` for no str."""
    if not isinstance(text, str):
        raise TypeError(f"expected str, got {type(text).__name__}; decode bytes first")
    try:
        return np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
    except UnicodeEncodeError as error:
        raise InputError(
            f"text holds a lone surrogate U+{ord(text[error.start]):04X} at character {error.start}; "
            "it is half of a UTF-16 pair and no Unicode text: decode the source with errors='replace'"
        ) from None
