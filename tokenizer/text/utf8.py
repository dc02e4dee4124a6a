"""Texts as UTF-8 in one array, the input of every kernel, and the characters that tokens span.

``str.encode`` holds the GIL, for a tenth of the time that encoding to ids takes; a kernel does it without
(`tokenizer.text.transcode`), so that threads do not wait for each other.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.native.buffers import ReusedBuffer
from tokenizer.native.vectors import BEYOND
from tokenizer.text.transcode import transcoded


def require_text(text: object) -> None:
    """`TypeError` for what is not a str."""
    if not isinstance(text, str):
        raise TypeError(f"expected str, got {type(text).__name__}; decode bytes first")


def _plain(text: object) -> str:
    """An instance of a subclass of str as a str: its ``__len__`` need not be its length, which kernels rely on."""
    require_text(text)
    return str.__str__(text)  # type: ignore[arg-type]


def to_utf8(text: str) -> bytes:
    """The UTF-8 of ``text``; `InputError` for a lone surrogate, `TypeError` for no str."""
    require_text(text)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"text holds a lone surrogate U+{ord(text[error.start]):04X} at character {error.start}; "
            "it is half of a UTF-16 pair and not Unicode text: decode the source with errors='replace'"
        ) from None


def as_bytes(text: str) -> NDArray[np.uint8]:
    """The UTF-8 of ``text`` as an array; raises what `to_utf8` does."""
    return joined([to_utf8(text)])


def joined(parts: Iterable[bytes]) -> NDArray[np.uint8]:
    """Byte strings one after another as an array, and zeros in the memory behind it, as kernels may read so far.

    It is writable as arrays are elsewhere: kernels are compiled again for arrays that are not.
    """
    return np.frombuffer(bytearray().join([*parts, bytes(BEYOND)]), dtype=np.uint8)[:-BEYOND]


def texts_as_bytes(
    texts: Iterable[str], buffer: ReusedBuffer[np.uint8] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The UTF-8 of ``texts`` one after another, as by `joined`, and where each ends; raises what `to_utf8` does.

    With ``buffer`` the bytes last until it is used again.
    """
    texts = [text if type(text) is str else _plain(text) for text in texts]
    data, ends, sound = transcoded(texts, buffer or ReusedBuffer(np.uint8))
    if not sound:
        for text in texts:
            to_utf8(text)
    return data, ends


def character_spans(data: NDArray[np.uint8], lengths: NDArray[np.int32]) -> NDArray[np.int64]:
    """Start and end of each token in characters, shape (tokens, 2), for tokens of ``lengths`` bytes that together
    are the UTF-8 ``data``. A token that holds a part of a character spans all of it, so that neighbours may overlap."""
    ends = np.cumsum(lengths, dtype=np.int64)
    starts = ends - lengths
    begins = (data & 0xC0) != 0x80  # the first byte of each character
    before = np.concatenate([[0], np.cumsum(begins)])  # characters that begin before each byte
    first = before[starts] - np.where(begins[np.minimum(starts, data.size - 1)], 0, 1) if data.size else starts
    return np.stack([first, before[ends]], axis=1).astype(np.int64)
