"""Pre-tokenization: where a text may be cut before any merge is considered.

A *grammar* exists twice: as a regular expression, which goes into ``tokenizer.json`` so that other engines
cut the same way, and as a hand-written scanner over UTF-8 bytes, which is what Gyeol itself runs. The two
are tested equal. There is one file per grammar: `tokenizer.pretokenize.o200k`, `tokenizer.pretokenize.gyeol` and
`tokenizer.pretokenize.right3`.

    >>> pretokens("결을 따라 2025년, don't stop!")
    ['결을', ' 따라', ' ', '202', '5', '년', ',', " don't", ' stop', '!']
    >>> pretokens("결을 따라 2025년, don't stop!", "gyeol")
    ['결을 따라', ' 202', '5년', ", don't stop!"]
    >>> pretokens("결을 따라 2025년, don't stop!", "right3")
    ['결을 따라 ', '2', '025', "년, don't stop!"]
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.native.compile import native
from tokenizer.pretokenize import gyeol, o200k, right3
from tokenizer.pretokenize.gyeol import next_word as gyeol_word
from tokenizer.pretokenize.right3 import next_run as right3_run
from tokenizer.pretokenize.right3 import next_word as right3_word
from tokenizer.text.unicode import class_table
from tokenizer.text.utf8 import as_bytes

O200K, GYEOL, RIGHT3 = range(3)
"""Scanners by number, for kernels. The last two have words inside pre-tokens, which tokens may span."""

PATTERNS: dict[str, str] = {"o200k": o200k.PATTERN, "gyeol": gyeol.PATTERN, "right3": right3.PATTERN}
"""Each grammar as a regular expression."""

EDITIONS = {"o200k": "o200k", "gyeol": "gyeol of sentences", "right3": "right3"}
"""What fingerprints know each grammar by: its name, and behind it what tells its pattern from an earlier one."""

_next_o200k, _next_gyeol, _next_right3 = o200k.next_pretoken, gyeol.next_pretoken, right3.next_pretoken


def scanner(grammar: str) -> int:
    """The number of a grammar's scanner; `InputError` for a name that does not exist."""
    pattern(grammar)
    return {"o200k": O200K, "gyeol": GYEOL, "right3": RIGHT3}[grammar]


def pattern(grammar: str) -> str:
    """The regular expression of ``grammar``; `InputError` for a name that does not exist."""
    if grammar not in PATTERNS:
        raise InputError(f"unknown grammar {grammar!r}; known: {', '.join(PATTERNS)}")
    return PATTERNS[grammar]


@native
def _next_pretoken(data: NDArray[np.uint8], i: int, table: NDArray[np.uint8], scanner: int) -> int:
    """The end of the pre-token that starts at byte ``i`` of the text ``data`` (valid UTF-8)."""
    if scanner == O200K:
        return _next_o200k(data, i, data.size, table)
    if scanner == GYEOL:
        return _next_gyeol(data, i, data.size, table)
    return _next_right3(data, 0, i, data.size, table)


@native
def next_run(data: NDArray[np.uint8], start: int, i: int, end: int, table: NDArray[np.uint8], scanner: int) -> int:
    """The end of the run at byte ``i`` of the text ``data[start:end]`` (valid UTF-8), within which training learns
    tokens: a pre-token, or a part of one that no token reaches beyond."""
    if scanner == O200K:
        return _next_o200k(data, i, end, table)
    if scanner == GYEOL:
        return _next_gyeol(data, i, end, table)
    return right3_run(data, start, i, end, table)


@native
def next_word(data: NDArray[np.uint8], start: int, i: int, end: int, table: NDArray[np.uint8], scanner: int) -> int:
    """The end of the word at byte ``i`` of a text that starts at ``start``, in the run that ends at ``end``."""
    if scanner == O200K:
        return end
    if scanner == GYEOL:
        return gyeol_word(data, i, end, table)[0]
    return right3_word(data, start, i, end, table)[0]


@native
def _ends(data: NDArray[np.uint8], table: NDArray[np.uint8], scanner: int) -> NDArray[np.int64]:
    found = np.empty(data.size, dtype=np.int64)
    count = 0
    i = np.int64(0)
    while i < data.size:
        i = _next_pretoken(data, i, table, scanner)
        found[count] = i
        count += 1
    return found[:count].copy()


def pretoken_ends(text: str, grammar: str = "o200k") -> NDArray[np.int64]:
    """Byte offsets in UTF-8 where the pre-tokens of ``text`` end, ascending; the last is its length."""
    return _ends(as_bytes(text), class_table(), scanner(grammar))


def pretokens(text: str, grammar: str = "o200k") -> list[str]:
    """The pre-tokens of ``text`` under ``grammar``; joined they give the text back."""
    raw = text.encode("utf-8")
    ends = [0, *pretoken_ends(text, grammar).tolist()]
    return [raw[a:b].decode("utf-8") for a, b in pairwise(ends)]
