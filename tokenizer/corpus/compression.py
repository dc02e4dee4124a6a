"""The bytes of files and streams, decompressed, a block at a time."""

import bz2
import io
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tokenizer.corpus.reading import Progress, logger, optional
from tokenizer.errors import InputError

BLOCK = 1 << 18
"""Bytes read at a time."""
_GZIP = 31
"""zlib's number for the form of gzip, with its checksums."""
_MAGIC = {b"\x1f\x8b": ".gz", b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst", b"BZh": ".bz2"}
"""First bytes of what is compressed, and the suffix of such files."""
COMPRESSIONS = tuple(_MAGIC.values())
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
"""First bytes of a frame of Zstandard that holds no content, behind them four that hold its size."""
_REPEATED = 1
"""Kind of a block of Zstandard that holds one byte, to be repeated as often as its size says."""


def stream_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """The rest of an open file, `BLOCK` bytes at a time."""
    return iter(lambda: stream.read(BLOCK), b"")


def file_blocks(path: Path, progress: Progress) -> Iterator[bytes]:
    """The decompressed bytes of a file; ``progress`` is told those read of the file itself.

    `InputError` for damage in it.
    """
    with io.BufferedReader(_Counted(path, progress), BLOCK) as raw:
        yield from _unpacked(raw, str(path), path.suffix.lower())


def unpacked_stream(stream: IO[bytes], name: str) -> Iterator[bytes]:
    """The bytes of a stream, decompressed if its first bytes say that it is compressed."""
    first = stream.read(BLOCK)
    suffix = next((suffix for magic, suffix in _MAGIC.items() if first.startswith(magic)), "")
    yield from _unpacked(io.BufferedReader(_Rejoined(first, stream), BLOCK), name, suffix)


def _unpacked(raw: Any, name: str, compression: str) -> Iterator[bytes]:
    damage: tuple[type[Exception], ...] = (EOFError, zlib.error, lzma.LZMAError, OSError)
    zstandard = optional("zstandard", name) if compression == ".zst" else None
    if zstandard:
        damage = (*damage, zstandard.ZstdError)
    try:
        if compression == ".gz":
            yield from _gzip_blocks(raw, name)
        else:
            yield from _zstd_blocks(raw, zstandard) if zstandard else stream_blocks(_opened(raw, compression))
    except damage as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's fault, not the content's
            raise
        raise InputError(f"{name}: damaged or cut off ({error}); fetch or compress it again") from None


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


class _Rejoined(io.RawIOBase):
    """A stream that cannot go back, with the bytes that were read of it before it."""

    def __init__(self, first: bytes, stream: IO[bytes]) -> None:
        self._first, self._stream = first, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._first[: len(buffer)] or self._stream.read(len(buffer))
        self._first = self._first[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def _opened(raw: Any, compression: str) -> Any:
    """The stream inside what Python's own modules unpack, or the stream itself."""
    if compression == ".xz":
        return lzma.LZMAFile(raw)
    return bz2.BZ2File(raw) if compression == ".bz2" else raw


def _gzip_blocks(raw: IO[bytes], name: str) -> Iterator[bytes]:
    """The members of a gzip file (RFC 1952); what stands behind them is passed over and said, as by ``gunzip``."""
    member: Any = None
    data = raw.read(BLOCK)
    while data:
        member = member or zlib.decompressobj(wbits=_GZIP)
        if block := member.decompress(data, BLOCK):
            yield block
        data = (member.unused_data if member.eof else member.unconsumed_tail) or raw.read(BLOCK)
        if member.eof:
            member = None
            while data and not (data := data.lstrip(b"\0")):  # tapes are padded with zeros
                data = raw.read(BLOCK)
            if data and not data.startswith(b"\x1f"):
                logger.warning("%s: bytes behind the end of the compressed data are left out", name)
                return
    if member:
        raise EOFError("the last member has no end")


def _zstd_blocks(raw: IO[bytes], zstandard: Any) -> Iterator[bytes]:
    """The content of Zstandard frames (RFC 8878, 3.1), given to the decompressor a block at a time.

    A block unpacks to 128 KiB at most. The decompressor itself unpacks all that it is given, a few kilobytes to a
    gigabyte, and its stream_reader would take a file that is cut off for a whole one.
    """
    while start := raw.read(5):
        start += _exactly(raw, 5 - len(start))
        if _SKIPPABLE.match(start):
            size = int.from_bytes(start[4:] + _exactly(raw, 3), "little")
            while size:
                size -= len(_exactly(raw, min(size, BLOCK)))
            continue
        header = start + _exactly(raw, zstandard.frame_header_size(start) - len(start))
        frame = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
        frame.decompress(header)
        last = 0
        while not last:
            block = _exactly(raw, 3)
            last, kind, size = block[0] & 1, block[0] >> 1 & 3, int.from_bytes(block, "little") >> 3
            if unpacked := frame.decompress(block + _exactly(raw, 1 if kind == _REPEATED else size)):
                yield unpacked
        if zstandard.get_frame_parameters(header).has_checksum:
            frame.decompress(_exactly(raw, 4))


def _exactly(raw: IO[bytes], size: int) -> bytes:
    """The next ``size`` bytes; `EOFError` where there are fewer."""
    data = raw.read(size)
    if len(data) < size:
        raise EOFError("the last frame has no end")
    return data
