"""Bytes of a file to text: decompression, UTF-8, pieces of a long text, lines of JSON.

Each function takes an iterator and gives one, and holds no more than a block, a piece or a line.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import importlib
import io
import json
import logging
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import regex

from tokenizer.errors import InputError

logger = logging.getLogger("gyeol")

Errors = Literal["replace", "strict"]
PIECE = 1 << 20
LONGEST = 16 << 20
BLOCK = 1 << 18
ZSTD_INPUT = 1 << 12
ZSTD_WINDOW = 1 << 31
_CUT = regex.compile(r"[\r\n](?=[^\s/])")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass
class BadText:
    """What is no Unicode text in one source: refused where it is found, or counted and told once at the end.

    A context manager; leaving it logs the warning, if there is anything to tell.
    """

    name: str
    errors: Errors
    first: str = ""
    places: int = 0

    def found(self, what: str, remedy: str, places: int = 1) -> None:
        """Note that ``what`` was found; `InputError` when such is refused."""
        if self.errors == "strict":
            raise InputError(f"{self.name}: {what}; {remedy}, or replace such places by U+FFFD with --errors replace")
        self.first = self.first or what
        self.places += places

    def without_surrogates(self, text: str, where: str) -> str:
        """``text`` without halves of surrogate pairs, which JSON escapes can spell and UTF-8 cannot."""
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            text, count = _SURROGATE.subn("\ufffd", text)
            self.found(f"lone surrogate {where}", "repair the text", count)
        return text

    def __enter__(self) -> BadText:
        return self

    def __exit__(self, *_: object) -> None:
        if self.places:
            more = f" (and {self.places - 1:,} more places)" if self.places > 1 else ""
            logger.warning("%s: %s%s; replaced by U+FFFD", self.name, self.first, more)


class _Counted(io.FileIO):
    """A file that reports how many bytes are read of it."""

    def __init__(self, path: Path, progress: Callable[[int], None]) -> None:
        super().__init__(path)
        self._progress = progress

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer) or 0
        self._progress(count)
        return count


def byte_blocks(path: Path, progress: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file by its suffix; `InputError` when it is unreadable, damaged or cut off."""
    zstandard: Any = optional("zstandard", path) if path.suffix == ".zst" else None
    damage = (EOFError, OSError, zlib.error, lzma.LZMAError, *([zstandard.ZstdError] if zstandard else []))
    try:
        with io.BufferedReader(_Counted(path, progress), BLOCK) as raw:
            if zstandard:
                yield from _zstd_blocks(raw, zstandard)
                return
            openers: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
            stream = openers[path.suffix](raw) if path.suffix in openers else raw
            yield from iter(partial(stream.read, BLOCK), b"")
    except PermissionError:
        raise InputError(f"{path}: may not be read; change its permissions") from None
    except damage as error:
        raise InputError(f"{path}: damaged or cut off ({error}); fetch or compress it again") from None


def _zstd_blocks(raw: io.BufferedReader, zstandard: Any) -> Iterator[bytes]:
    """Decompress frame by frame: zstandard's own stream reader takes a file that was cut off for a whole one."""
    frame = None
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    while data := raw.read(ZSTD_INPUT):
        while data:
            frame = frame or decompressor.decompressobj()
            if block := frame.decompress(data):
                yield block
            data = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame:
        raise EOFError("it ends inside a frame")


def optional(package: str, needed_by: object) -> Any:
    """Import a package of the ``data`` extra; `InputError` that says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(f'{needed_by}: needs {package}; run: pip install "gyeol[data]"') from None


def decoded(blocks: Iterable[bytes], bad: BadText) -> Iterator[str]:
    """Yield the text of ``blocks`` of UTF-8 without a leading byte order mark; line ends stay as they are."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    offset, at_start = 0, True
    for block in chain(filter(None, blocks), [b""]):
        data = decoder.getstate()[0] + block
        text = decoder.decode(block, final=not block)
        if places := text.count("\ufffd") - data.count("\ufffd".encode()):
            what = f"invalid UTF-8 at byte {offset + _first_invalid(data)}"
            bad.found(what, "convert the file to UTF-8 (older Korean files are often CP949)", places)
        offset += len(data) - len(decoder.getstate()[0])
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        yield text


def _first_invalid(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return len(data)


def pieces(blocks: Iterable[str]) -> Iterator[str]:
    """Cut a text into pieces of about `PIECE` characters; joined they are the text.

    A piece ends behind a line end that is followed by neither white space nor ``/``, where no grammar has a
    pre-token across. Where there is no such place within `LONGEST` characters it ends behind the last ``\\n``
    of these, and where there is none of those either, after `LONGEST` characters.
    """
    held, searched = "", PIECE
    for block in blocks:
        held += block
        while len(held) > 2 * PIECE:
            if match := _CUT.search(held, searched, LONGEST):
                cut = match.end()
            elif len(held) < LONGEST:
                searched = len(held) - 1
                break
            else:
                cut = held.rfind("\n", PIECE, LONGEST) + 1 or LONGEST
            yield held[:cut]
            held, searched = held[cut:], PIECE
    yield held


def json_texts(blocks: Iterable[str], text_key: str, bad: BadText) -> Iterator[str]:
    """Yield the field ``text_key`` of each line's JSON object; `InputError` names the line that has none."""
    for number, line in enumerate(_lines(blocks), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{bad.name}:{number}: not valid JSON ({error}); JSONL has one object a line") from None
        text = record.get(text_key) if isinstance(record, dict) else None
        if not isinstance(text, str):
            raise InputError(f"{bad.name}:{number}: no text in field {text_key!r}; name the field with --text-key")
        yield bad.without_surrogates(text, f"in line {number}")


def _lines(blocks: Iterable[str]) -> Iterator[str]:
    parts: list[str] = []
    for block in blocks:
        first, *others = block.split("\n")
        parts.append(first)
        if others:
            yield "".join(parts)
            yield from others[:-1]
            parts = [others[-1]]
    yield "".join(parts)
