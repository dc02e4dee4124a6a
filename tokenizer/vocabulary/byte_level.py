"""GPT-2's byte alphabet: one printable letter for each byte, as JSON has no bytes.

>>> to_unicode("결 ".encode())
'ê²°Ġ'
>>> from_unicode("ê²°Ġ").decode()
'결 '

The table is that of ``bytes_to_unicode`` in https://github.com/openai/gpt-2/blob/master/src/encoder.py.
"""

from functools import cache


@cache
def byte_order() -> tuple[int, ...]:
    """The 256 bytes in the order of their ids: the printable ones first, as in GPT-2 and the vocabularies after it."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return (*printable, *(b for b in range(256) if b not in set(printable)))


def byte_alphabet() -> list[bytes]:
    """The 256 single-byte tokens in the order of their ids."""
    return [bytes([b]) for b in byte_order()]


@cache
def _letters() -> dict[int, str]:
    """The letter of each byte: its own character where that is printable, else one from U+0100 on."""
    printable = 256 - 68  # GPT-2 renames 68 bytes: controls, the spaces and the soft hyphen
    return {b: chr(b) if i < printable else chr(0x100 + i - printable) for i, b in enumerate(byte_order())}


@cache
def _byte_of_letter() -> dict[str, int]:
    return {letter: b for b, letter in _letters().items()}


def to_unicode(token: bytes) -> str:
    """The name of a token in ``tokenizer.json``."""
    return token.decode("latin-1").translate(_letters())


def from_unicode(name: str) -> bytes:
    """The bytes of a token by its name; `KeyError` for a character outside the alphabet."""
    return bytes(map(_byte_of_letter().__getitem__, name))
