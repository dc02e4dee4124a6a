"""Text out of one file: decompression, UTF-8, JSON lines, Parquet.

Everything streams: of a text file a block is held at a time, of JSONL a line, of Parquet a few rows.
"""

import bz2
import codecs
import gzip
import importlib
import io
import json
import logging
import lzma
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal

import regex

from tokenizer.errors import InputError

logger = logging.getLogger("gyeol")

Errors = Literal["replace", "strict"]
Progress = Callable[[int], None]
COMPRESSIONS = (".gz", ".xz", ".zst", ".bz2")
BLOCK = 1 << 18
"""Bytes read at a time."""
ZSTD_BLOCK = 1 << 12
"""Compressed bytes read at a time of Zstandard, which may unpack to ten thousand times as much."""
ROWS = 128
"""Rows of Parquet read at a time."""
UTF_8 = "convert it to UTF-8 (older Korean files are often CP949)"
_SURROGATE = regex.compile(r"[\ud800-\udfff]")


class Replacements:
    """The damage of one file that becomes U+FFFD: refused, or counted for a single warning."""

    def __init__(self, errors: Errors) -> None:
        self._errors = errors
        self._count = 0
        self._first = ""

    def add(self, damage: str, count: int, remedy: str) -> None:
        """Note ``count`` replacements, the first of them described; `InputError` with ``errors="strict"``."""
        if self._errors == "strict":
            raise InputError(f"{damage}; {remedy}, or have such replaced by U+FFFD with errors=replace")
        self._first = self._first or damage
        self._count += count

    def warn(self) -> None:
        """Say what was replaced, if anything was."""
        others = self._count - 1
        if self._count:
            more = f" and at {others:,} more place{'s' if others > 1 else ''}" if others else ""
            logger.warning("%s%s; replaced by U+FFFD", self._first, more)


def optional(package: str, needed_by: object) -> Any:
    """Import a package of the ``data`` extra; `InputError` that says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(f"{needed_by}: needs {package}; run: pip install 'gyeol[data]'") from None


def stream_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """The rest of an open file, `BLOCK` bytes at a time."""
    return iter(lambda: stream.read(BLOCK), b"")


def file_blocks(path: Path, progress: Progress) -> Iterator[bytes]:
    """The decompressed bytes of a file; ``progress`` is told those read of the file itself.

    `InputError` for damage in it.
    """
    damage: tuple[type[Exception], ...] = (EOFError, zlib.error, lzma.LZMAError, OSError)
    zstandard = optional("zstandard", path) if path.suffix.lower() == ".zst" else None
    if zstandard:
        damage = (*damage, zstandard.ZstdError)
    with io.BufferedReader(_Counted(path, progress), BLOCK) as raw:
        try:
            yield from _zstd_blocks(raw, zstandard) if zstandard else stream_blocks(_unpacked(raw, path))
        except damage as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk's fault, not the content's
                raise
            raise InputError(f"{path}: damaged or cut off ({error}); fetch or compress it again") from None


class _Counted(io.RawIOBase):
    """A file that reports what is read of it."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115, closed with this object
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto(buffer) or 0
        self._progress(count)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _unpacked(raw: Any, path: Path) -> Any:
    """The stream inside a file that Python's own modules unpack, or the file itself."""
    compression = path.suffix.lower()
    if compression == ".gz":
        return gzip.GzipFile(fileobj=raw)
    if compression == ".xz":
        return lzma.LZMAFile(raw)
    return bz2.BZ2File(raw) if compression == ".bz2" else raw


def _zstd_blocks(raw: IO[bytes], zstandard: Any) -> Iterator[bytes]:
    """The frames of a Zstandard file (its stream_reader would take one cut off for a whole one)."""
    frame: Any = None
    while data := raw.read(ZSTD_BLOCK):
        while data:
            frame = frame or zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
            if block := frame.decompress(data):
                yield block
            data = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame:
        raise EOFError("the last frame has no end")


def decoded(blocks: Iterable[bytes], name: str, replacements: Replacements) -> Iterator[str]:
    """The text of UTF-8 ``blocks``, without a leading byte order mark."""
    pending, offset, start = b"", 0, True
    for block in chain(blocks, [b""]):
        data, final = pending + block, not block
        try:
            text, used = codecs.utf_8_decode(data, "strict", final)
        except UnicodeDecodeError as error:
            text, used = codecs.utf_8_decode(data, "replace", final)
            damage = f"{name}: invalid UTF-8 at byte {offset + error.start}"
            replacements.add(damage, _replaced(data[:used], text), UTF_8)
        pending, offset = data[used:], offset + used
        if start and text:
            text, start = text.removeprefix("\ufeff"), False
        yield text


def _replaced(data: bytes, text: str) -> int:
    """Number of those U+FFFD in ``text``, decoded from ``data``, were not in the data."""
    found = text.count("\ufffd")
    return found - data.count("\ufffd".encode()) if found else 0


def json_texts(blocks: Iterable[str], path: Path, text_key: str, replacements: Replacements) -> Iterator[str]:
    """The field ``text_key`` of each line of JSONL, null left out; `InputError` names file and line."""
    for number, line in enumerate(_lines(blocks), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        record = _parsed(line, place)
        if not isinstance(record, dict) or text_key not in record:
            raise InputError(f"{place}: no text in field {text_key!r}; name the field as text_key")
        if (text := checked_text(record[text_key], f"{place}: field {text_key!r}")) is None:
            continue
        yield repaired(text, place, replacements)


def repaired(text: str, place: str, replacements: Replacements) -> str:
    """``text`` with each lone half of a surrogate pair, which an escape can spell but is no text, as U+FFFD."""
    whole, halves = _SURROGATE.subn("\ufffd", text)
    if halves:
        replacements.add(f"{place}: holds a lone surrogate", halves, "repair it")
    return whole


def _lines(blocks: Iterable[str]) -> Iterator[str]:
    held: list[str] = []
    for block in blocks:
        first, *others = block.split("\n")
        held.append(first)
        for line in others:
            yield "".join(held)
            held = [line]
    yield "".join(held)


def _parsed(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        problem = str(error)
    raise InputError(f"{place}: not valid JSON ({problem}); JSONL has one object a line")


def checked_text(value: Any, place: str) -> str | None:
    """``value`` if it is a str or None; `InputError` else."""
    if value is not None and not isinstance(value, str):
        raise InputError(f"{place} holds {type(value).__name__}, not text; name another as text_key")
    return value


def parquet_texts(path: Path, text_key: str, replacements: Replacements, progress: Progress) -> Iterator[str]:
    """The column ``text_key`` of a Parquet file, null left out.

    Parquet is read from its end, so a compressed file is unpacked into a temporary one first.
    """
    if path.suffix.lower() not in COMPRESSIONS:
        yield from _parquet_rows(path, path, text_key, replacements, progress)
        return
    with tempfile.TemporaryFile() as unpacked:
        for block in file_blocks(path, progress):
            unpacked.write(block)
        yield from _parquet_rows(unpacked, path, text_key, replacements, lambda _: None)


def _parquet_rows(
    source: Path | IO[bytes], path: Path, text_key: str, replacements: Replacements, progress: Progress
) -> Iterator[str]:
    pyarrow, parquet = optional("pyarrow", path), optional("pyarrow.parquet", path)
    size, row, told = path.stat().st_size, 0, 0
    try:
        with parquet.ParquetFile(source, pre_buffer=False, buffer_size=BLOCK) as file:
            _check_column(pyarrow, file.schema_arrow, text_key, path)
            for batch in file.iter_batches(batch_size=ROWS, columns=[text_key]):
                for raw in batch.column(0).cast(pyarrow.large_binary()).to_pylist():
                    row += 1
                    if raw is not None:
                        text = raw.decode("utf-8", errors="replace")
                        if bad := _replaced(raw, text):
                            replacements.add(f"{path}: invalid UTF-8 in row {row}", bad, UTF_8)
                        yield text
                done = size * row // file.metadata.num_rows
                progress(done - told)
                told = done
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputError(f"{path}: no Parquet file, or damaged ({error})") from None
    progress(size - told)


def _check_column(pyarrow: Any, schema: Any, text_key: str, path: Path) -> None:
    if text_key not in schema.names:
        raise InputError(f"{path}: no column {text_key!r} (it has {', '.join(schema.names)}); name one as text_key")
    kind, types = schema.field(text_key).type, pyarrow.types
    kind = kind.value_type if types.is_dictionary(kind) else kind
    if not any(is_text(kind) for is_text in (types.is_string, types.is_large_string, types.is_string_view)):
        raise InputError(f"{path}: column {text_key!r} holds {kind}, not text; name another as text_key")
