"""Pre-tokenization: where a text may be cut before any merge is considered.

A *grammar* exists twice: as a regular expression, which goes into ``tokenizer.json`` so that other engines
cut the same way, and as a hand-written scanner over UTF-8 bytes, which is what Gyeol itself runs. The two
are tested equal. There is one file per grammar: `tokenizer.pretokenize.o200k` and `tokenizer.pretokenize.gyeol`.

    >>> pretokens("결을 따라 2025년, don't stop!")
    ['결을', ' 따라', ' ', '202', '5', '년', ',', " don't", ' stop', '!']
    >>> pretokens("결을 따라 2025년, don't stop!", "gyeol")
    ['결을 따라', ' 202', '5년', ", don't stop!"]
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.native.compile import native
from tokenizer.pretokenize import gyeol, o200k
from tokenizer.text.unicode import class_table
from tokenizer.text.utf8 import as_bytes

O200K, GYEOL = range(2)
"""Scanners by number, for kernels."""

PATTERNS: dict[str, str] = {"o200k": o200k.PATTERN, "gyeol": gyeol.PATTERN}
"""Each grammar as a regular expression."""

EDITIONS = {"o200k": "o200k", "gyeol": "gyeol of sentences"}
"""What fingerprints know each grammar by: its name, and behind it what tells its pattern from an earlier one."""

_next_o200k, _next_gyeol = o200k.next_pretoken, gyeol.next_pretoken


def scanner(grammar: str) -> int:
    """The number of a grammar's scanner; `InputError` for a name that does not exist."""
    pattern(grammar)
    return {"o200k": O200K, "gyeol": GYEOL}[grammar]


def pattern(grammar: str) -> str:
    """The regular expression of ``grammar``; `InputError` for a name that does not exist."""
    if grammar not in PATTERNS:
        raise InputError(f"unknown grammar {grammar!r}; known: {', '.join(PATTERNS)}")
    return PATTERNS[grammar]


@native
def next_pretoken(data: NDArray[np.uint8], i: int, end: int, table: NDArray[np.uint8], scanner: int) -> int:
    """The end of the pre-token that starts at byte ``i`` of the text ``data[:end]`` (valid UTF-8)."""
    if scanner == O200K:
        return _next_o200k(data, i, end, table)
    return _next_gyeol(data, i, end, table)


@native
def _ends(data: NDArray[np.uint8], table: NDArray[np.uint8], scanner: int) -> NDArray[np.int64]:
    found = np.empty(data.size, dtype=np.int64)
    count = 0
    i = np.int64(0)
    while i < data.size:
        i = next_pretoken(data, i, data.size, table, scanner)
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
