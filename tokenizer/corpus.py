"""Documents from files: .txt, .jsonl and .parquet, plain or compressed, folders, stdin, Hugging Face datasets.

Everything streams; at most one document, or one piece of a long text file, is held at a time.

A ``.txt`` file is one document, cut into pieces of about `PIECE` characters so that memory stays bounded. A
piece ends behind a line end that is followed by neither white space nor ``/``: no grammar has a pre-token
across such a place, so training and encoding give what the whole file would. Only where a text has no such
place for `LONGEST` characters is it cut at any line end, or at any character. Joined, the pieces are the text.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import json
import logging
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import regex

from tokenizer.errors import InputError

logger = logging.getLogger("gyeol")

Errors = Literal["replace", "strict"]
PIECE = 1 << 20
LONGEST = 16 << 20
BLOCK = 1 << 18
FORMATS = (".txt", ".jsonl", ".parquet")
COMPRESSIONS = (".gz", ".xz", ".zst", ".bz2")
STDIN = Path("-")
DATASET = "hf:"
_CUT = regex.compile(r"\n(?=[^\s/])")


@dataclass(frozen=True)
class Document:
    """A text and where it came from."""

    text: str
    source: str
    """The path as found, ``-`` for stdin, ``hf:NAME`` for a dataset."""


def documents(
    paths: Sequence[str | Path],
    *,
    text_key: str = "text",
    errors: Errors = "replace",
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Document]:
    """Yield the documents of ``paths`` in order; folders are walked in the order of their file names.

    ``text_key`` is the field of JSONL and the column of Parquet. Invalid UTF-8 raises `InputError` with its
    place, or with ``errors="replace"`` becomes U+FFFD, with one warning per file. ``on_progress`` is told the
    bytes read, in the unit of `total_size`. `InputError` too for a missing, damaged or unknown kind of file,
    and when all of them together hold no text.
    """
    empty = True
    for source in find_sources(paths):
        for text in _texts(source, text_key, errors, on_progress or (lambda _: None)):
            empty = empty and not text
            if text:
                yield Document(text, str(source))
    if empty:
        raise InputError(f"{', '.join(map(str, paths)) or 'the corpus'}: holds no text; name files that do")


def find_files(paths: Sequence[str | Path]) -> list[Path]:
    """The files behind ``paths``; folders give what they hold of the known kinds, hidden files left out.

    `InputError` for a path that does not exist, a folder without such a file and a file of another kind.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path == STDIN:
            found.append(path)
        elif path.is_dir():
            inside = [p for p in sorted(path.rglob("*")) if _format(p) and p.is_file() and not _hidden(p, path)]
            if not inside:
                raise InputError(
                    f"{path}: no {', '.join(FORMATS)} file in this folder (plain or {', '.join(COMPRESSIONS)})"
                )
            found += inside
        elif not path.exists():
            raise InputError(f"{path}: no such file or folder")
        elif not _format(path):
            raise InputError(
                f"{path}: unknown kind of file; known: {', '.join(FORMATS)}, each plain or {', '.join(COMPRESSIONS)}"
            )
        else:
            found.append(path)
    return found


def find_sources(paths: Sequence[str | Path]) -> list[Path | str]:
    """As `find_files`, with names of datasets (``hf:NAME`` or ``hf:NAME:SPLIT``) passed through."""
    found: list[Path | str] = []
    for path in paths:
        found += [str(path)] if str(path).startswith(DATASET) else find_files([path])
    return found


def total_size(paths: Sequence[str | Path]) -> int | None:
    """The bytes that `documents` will read of ``paths``; None when that cannot be known."""
    sources = find_sources(paths)
    if any(source == STDIN or isinstance(source, str) for source in sources):
        return None
    return sum(Path(source).stat().st_size for source in sources)


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _format(path: Path) -> str | None:
    """The kind of a file by its name, ``.jsonl`` for ``a.jsonl.xz``; None if it is none of `FORMATS`."""
    name = path.with_suffix("") if path.suffix in COMPRESSIONS else path
    return name.suffix if name.suffix in FORMATS else None


def _texts(source: Path | str, text_key: str, errors: Errors, progress: Callable[[int], None]) -> Iterator[str]:
    if isinstance(source, str):
        yield from _dataset_texts(source, text_key)
    elif source == STDIN:
        yield from _pieces(_decoded(sys.stdin.buffer, "-", errors))
    elif _format(source) == ".parquet":
        yield from _parquet_texts(source, text_key, errors, progress)
    else:
        with _opened(source, progress) as stream:
            blocks = _decoded(stream, str(source), errors)
            yield from _pieces(blocks) if _format(source) == ".txt" else _json_texts(blocks, source, text_key, errors)


class _Counted(io.RawIOBase):
    """A file that reports what is read of it."""

    def __init__(self, path: Path, progress: Callable[[int], None]) -> None:
        self._file = open(path, "rb")  # noqa: SIM115, closed with this object
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto(buffer)
        self._progress(count)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def _opened(path: Path, progress: Callable[[int], None]) -> Iterator[IO[bytes]]:
    """The decompressed bytes of a file; damage in it is an `InputError`."""
    raw = io.BufferedReader(_Counted(path, progress), BLOCK)
    damage: tuple[type[Exception], ...] = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
    stream: Any = raw
    if path.suffix == ".gz":
        stream = gzip.GzipFile(fileobj=raw)
    elif path.suffix == ".xz":
        stream = lzma.LZMAFile(raw)  # noqa: SIM115
    elif path.suffix == ".bz2":
        stream = bz2.BZ2File(raw)
    elif path.suffix == ".zst":
        zstandard = optional("zstandard", path)
        stream = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        damage = (*damage, zstandard.ZstdError)
    try:
        with raw:
            yield stream
    except damage as error:
        raise InputError(f"{path}: damaged or cut off ({error}); fetch or compress it again") from None


def optional(package: str, needed_by: object) -> Any:
    """Import a package of the ``data`` extra; `InputError` that says how to install it."""
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(f"{needed_by}: needs {package}; run: pip install 'gyeol[data]'") from None


def _decoded(stream: IO[bytes], name: str, errors: Errors) -> Iterator[str]:
    """The text of a stream, block by block, without a leading byte order mark."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    pending, offset, bad, first_bad = b"", 0, 0, 0
    start = True
    while True:
        block = stream.read(BLOCK)
        data = pending + block
        parts: list[str] = []
        while True:
            try:
                decoder.reset()
                parts.append(decoder.decode(data, final=not block))
                pending = decoder.getstate()[0]
                break
            except UnicodeDecodeError as error:
                if errors == "strict":
                    raise InputError(
                        f"{name}: invalid UTF-8 at byte {offset + error.start}; repair the file, or replace such "
                        "bytes by U+FFFD with --errors replace"
                    ) from None
                first_bad = first_bad if bad else offset + error.start
                bad += 1
                parts += [data[: error.start].decode("utf-8"), "\ufffd"]
                offset += error.end
                data = data[error.end :]
        offset += len(data) - len(pending)
        text = "".join(parts)
        if start and text:
            text, start = text.removeprefix("\ufeff"), False
        yield text
        if not block:
            break
    if bad:
        more = f" and at {bad - 1} more places" if bad > 1 else ""
        logger.warning("%s: invalid UTF-8 at byte %d%s; replaced by U+FFFD", name, first_bad, more)


def _pieces(blocks: Iterator[str]) -> Iterator[str]:
    """Cut a text at safe places into pieces of about `PIECE` characters."""
    held = ""
    for block in blocks:
        held += block
        while len(held) > 2 * PIECE and (cut := _safe_cut(held)):
            yield held[:cut]
            held = held[cut:]
    yield held


def _safe_cut(text: str) -> int:
    """Where to cut ``text`` after at least `PIECE` characters; 0 to wait for more text."""
    if match := _CUT.search(text, PIECE):
        return match.end()
    if len(text) < LONGEST:
        return 0
    line_end = text.rfind("\n", 0, len(text) - 1)
    return line_end + 1 if line_end > 0 else len(text) - 1


def _json_texts(blocks: Iterator[str], path: Path, text_key: str, errors: Errors) -> Iterator[str]:
    for number, line in enumerate(_lines(blocks), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{number}: not valid JSON ({error}); JSONL has one object a line") from None
        text = record.get(text_key) if isinstance(record, dict) else None
        if not isinstance(text, str):
            raise InputError(f"{path}:{number}: no text in field {text_key!r}; name the field with --text-key")
        yield _without_surrogates(text, f"{path}:{number}", errors)


def _lines(blocks: Iterator[str]) -> Iterator[str]:
    held = ""
    for block in blocks:
        *whole, held = (held + block).split("\n")
        yield from whole
    yield held


def _without_surrogates(text: str, place: str, errors: Errors) -> str:
    """JSON escapes can spell half of a surrogate pair, which is no text."""
    if not regex.search(r"[\ud800-\udfff]", text):
        return text
    if errors == "strict":
        raise InputError(f"{place}: holds a lone surrogate; repair it, or replace such with --errors replace")
    logger.warning("%s: holds a lone surrogate; replaced by U+FFFD", place)
    return regex.sub(r"[\ud800-\udfff]", "\ufffd", text)


def _parquet_texts(path: Path, text_key: str, errors: Errors, progress: Callable[[int], None]) -> Iterator[str]:
    pyarrow = optional("pyarrow", path)
    parquet = optional("pyarrow.parquet", path)
    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if text_key not in names:
                raise InputError(f"{path}: no column {text_key!r} (it has {', '.join(names)}); use --text-key")
            for batch in file.iter_batches(batch_size=1024, columns=[text_key]):
                for text in batch.column(0).to_pylist():
                    if text is not None and not isinstance(text, str):
                        raise InputError(f"{path}: column {text_key!r} holds {type(text).__name__}, not text")
                    yield _without_surrogates(text or "", str(path), errors)
    except pyarrow.ArrowInvalid as error:
        raise InputError(f"{path}: no Parquet file, or damaged ({error})") from None
    progress(path.stat().st_size)


def _dataset_texts(name: str, text_key: str) -> Iterator[str]:
    """The texts of a Hugging Face dataset, streamed: ``hf:NAME`` (its train split) or ``hf:NAME:SPLIT``."""
    datasets = optional("datasets", name)
    _, dataset, *split = name.split(":")
    try:
        rows = datasets.load_dataset(dataset, split=split[0] if split else "train", streaming=True)
    except Exception as error:  # datasets raises many kinds, from network to spelling
        raise InputError(f"{name}: cannot be loaded ({type(error).__name__}: {error})") from None
    for row in rows:
        if not isinstance(row.get(text_key), str):
            raise InputError(f"{name}: no text in column {text_key!r} (it has {', '.join(row)}); use --text-key")
        yield row[text_key]
