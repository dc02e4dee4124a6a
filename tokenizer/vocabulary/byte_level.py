"""GPT-2's alphabet: tokens are spelled with a printable letter a byte, as JSON has no bytes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray


@cache
def byte_order() -> tuple[int, ...]:
    """The 256 bytes in the order of their ids: the printable ones first, as GPT-2 and all its heirs have it."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return (*printable, *(b for b in range(256) if b not in set(printable)))


def byte_alphabet() -> list[bytes]:
    """The 256 single-byte tokens in the order of their ids."""
    return [bytes([b]) for b in byte_order()]


@cache
def _letters() -> dict[int, str]:
    """The letter of each byte."""
    order = byte_order()
    printable = {b for b in order if 0x21 <= b <= 0x7E or 0xA1 <= b <= 0xAC or b >= 0xAE}
    hidden = [b for b in order if b not in printable]
    return {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(hidden)}


@cache
def _byte_of_letter() -> NDArray[np.int16]:
    """The byte of each letter by code point, -1 for what is no letter of the alphabet."""
    table = np.full(1 << 16, -1, dtype=np.int16)
    for b, letter in _letters().items():
        table[ord(letter)] = b
    return table


def spelled(tokens: Sequence[bytes]) -> list[str]:
    """The names of tokens."""
    text = b"".join(tokens).decode("latin-1").translate(_letters())  # translated at once and then cut
    return [text[start:end] for start, end in _spans(tokens)]


def from_unicode(name: str) -> bytes:
    """The bytes of a token by its name; `KeyError` for a character outside the alphabet."""
    return read_names([name])[0]


def read_names(names: Sequence[str]) -> list[bytes]:
    """The bytes of tokens by their names; `KeyError` for a character outside the alphabet."""
    text = "".join(names)
    found = _byte_of_letter()[np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype="<u2")]
    if found.size and found.min() < 0:
        raise KeyError(next(letter for letter in text if letter not in _letters().values()))
    data = found.astype(np.uint8).tobytes()
    return [data[start:end] for start, end in _spans(names)]


def _spans(parts: Sequence[str] | Sequence[bytes]) -> pairwise[tuple[int, int]]:
    """Where each part begins and ends in all of them joined."""
    return pairwise(accumulate(map(len, parts), initial=0))
