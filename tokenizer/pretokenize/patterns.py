"""Grammars that are regular expressions only, as other tokenizers have them, run by the package ``regex``.

A grammar is a sequence of patterns. Each cuts the pieces that the one before it left, around its matches ("Isolated" in
Hugging Face tokenizers); an empty match cuts at its place. Patterns are written for Oniguruma (Ruby's syntax), which
runs them there. What that engine and ``regex`` read differently is translated or refused, so that both cut alike; they
may differ on characters that only one of the two knows, being newer than the Unicode version of the other.

This runs in Python under the GIL, at some megabytes a second, where the scanners of our own grammars take hundreds.

    >>> cut("It's 2025년", (GPT2,))
    ['It', "'s", ' 2025', '년']
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.text.utf8 import to_utf8

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""GPT-2's pattern, which Hugging Face's ``ByteLevel`` cuts by (https://github.com/openai/gpt-2, src/encoder.py)."""

CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
"""GPT-4's pattern, tiktoken's cl100k_base; Llama 3 has it too."""

END = r"(?![\s\S])"
"""The end of the text, in every engine."""

_TRANSLATED = {r"\h": "[0-9A-Fa-f]", r"\H": "[^0-9A-Fa-f]", r"\z": END}
_PARTS = regex.compile(r"\\[pPx]\{[^}]*\}|\\.|\[:\^?[a-z]+:\]|\[\^?\]?|\(\?[a-zA-Z-]+|\}\+|.", regex.DOTALL)
_REFUSED = regex.compile(r"\\[bBGgKkNORwWXYyZ]|\(\?(?!i$).+|\}\+|\[:.+|--|\|\||~~")
"""Word characters and boundaries, flags besides ``i``, counts that are possessive, POSIX classes."""
_OPERATOR = regex.compile(r"(?:\\.|[^\[\\]|\[(?:\\.|[^\]\\])*\])*?\[(?:\\.|[^\]\\])*?(--|\|\||~~)", regex.DOTALL)
"""Two signs in a class that combine sets in ``regex`` only."""


def check_pattern(pattern: str) -> None:
    """`InputError` for a pattern that cannot be run as Oniguruma would."""
    _compiled(pattern)


@cache
def _compiled(pattern: str) -> Any:
    parts = _PARTS.findall(pattern)
    operator = _OPERATOR.match(pattern)
    for part in filter(_REFUSED.fullmatch, [*parts, *([operator[1]] if operator else [])]):
        raise InputError(
            f"the pattern {pattern!r} has {part!r}, which engines read differently; Gyeol does not run it: encode with "
            "Hugging Face tokenizers"
        )
    try:
        return regex.compile("".join(_TRANSLATED.get(part, part) for part in parts), regex.V1 | regex.MULTILINE)
    except regex.error as error:
        raise InputError(f"the pattern {pattern!r} is no regular expression that Gyeol can run ({error})") from None


def _ends(text: str, patterns: Sequence[str]) -> list[int]:
    """Character offsets where the pieces of ``text`` end, ascending; the last is its length."""
    ends = [len(text)] if text else []
    for pattern in map(_compiled, patterns):
        found: list[int] = []
        start = 0
        for end in ends:
            last = start
            for match in pattern.finditer(text[start:end] if len(ends) > 1 else text):
                first, behind = match.span()
                if start + first > last:
                    found.append(start + first)
                if behind > first:
                    found.append(start + behind)
                last = start + behind
            if last < end:
                found.append(end)
            start = end
        ends = found
    return ends


def cut(text: str, patterns: Sequence[str]) -> list[str]:
    """The pieces of ``text``; joined they give it back."""
    return [text[a:b] for a, b in pairwise([0, *_ends(text, patterns)])]


def piece_ends(texts: Iterable[str], patterns: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Byte offsets in the joined UTF-8 of ``texts`` where their pieces end, and for each text the number of pieces up
    to its end."""
    ends: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    counts: list[int] = []
    base = 0
    for text in texts:
        raw = to_utf8(text)
        places = np.array(_ends(text, patterns), dtype=np.int64)
        if len(raw) > len(text):
            begins = np.flatnonzero((np.frombuffer(raw, dtype=np.uint8) & 0xC0) != 0x80)
            places = np.append(begins, len(raw))[places]
        ends.append(base + places)
        counts.append(len(places))
        base += len(raw)
    return np.concatenate(ends), np.cumsum(counts, dtype=np.int64)
