"""Documents from files: .txt, .jsonl and .parquet, plain or compressed, folders, stdin, Hugging Face datasets.

Everything streams; at most one document, or one piece of a long text file, is held at a time. A ``.txt`` file is
one document, cut into pieces (`tokenizer.text.cutting`).
"""

import glob
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizer.corpus.formats import (
    COMPRESSIONS,
    Errors,
    Progress,
    Replacements,
    checked_text,
    decoded,
    file_blocks,
    json_texts,
    optional,
    parquet_texts,
    repaired,
    stream_blocks,
)
from tokenizer.errors import InputError
from tokenizer.text.cutting import safe_pieces

FORMATS = (".txt", ".jsonl", ".parquet")
STDIN = Path("-")
DATASET = "hf:"


@dataclass(frozen=True)
class Document:
    """A text and where it came from."""

    text: str
    source: str
    """The path as found (bytes that are no UTF-8 as U+FFFD), ``-`` for stdin, ``hf:NAME`` for a dataset."""
    origin: str = ""
    """The path as it was named: a file, a folder or a pattern."""


def documents(
    paths: Sequence[str | Path],
    *,
    text_key: str = "text",
    errors: Errors = "replace",
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Document]:
    """Yield the documents of ``paths`` in order; folders are walked in the order of their file names.

    ``text_key`` is the field of JSONL and the column of Parquet; empty and null texts are left out. Invalid
    UTF-8 raises `InputError` with its place, or with ``errors="replace"`` becomes U+FFFD where Python's
    ``bytes.decode`` puts it, with one warning per file. ``on_progress`` is told the bytes read, in the unit of
    `total_size`. `InputError` too for a missing, damaged or unknown kind of file, and when all of them
    together hold no text.
    """
    if errors not in ("replace", "strict"):
        raise InputError(f"errors is {errors!r}; it must be 'replace' or 'strict'")
    empty = True
    for source, (name, origin) in zip(find_sources(paths), file_names(paths), strict=True):
        for text in _texts(source, text_key, errors, on_progress or (lambda _: None)):
            if text:
                empty = False
                yield Document(text, name, origin)
    if empty:
        raise InputError(f"{', '.join(map(str, paths)) or 'the corpus'}: holds no text; name files that do")


def find_files(paths: Sequence[str | Path]) -> list[Path]:
    """The files behind ``paths``; folders give what they hold of the known kinds, hidden files left out, and patterns
    (``news/*.txt``, ``**`` for any folders) what they fit.

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
        elif not path.exists() and (matches := sorted(glob.glob(str(path), recursive=True))):
            found += find_files(matches)
        elif not path.exists():
            raise InputError(f"{path}: no such file or folder, and a pattern that fits none")
        elif not _format(path):
            raise InputError(
                f"{path}: unknown kind of file; known: {', '.join(FORMATS)}, each plain or {', '.join(COMPRESSIONS)}"
            )
        else:
            found.append(path)
    return found


def find_sources(paths: Sequence[str | Path]) -> list[Path | str]:
    """As `find_files`, with names of datasets (``hf:NAME`` or ``hf:NAME:SPLIT``) passed through."""
    return [source for source, _ in _with_origins(paths)]


def file_names(paths: Sequence[str | Path]) -> list[tuple[str, str]]:
    """For each of `find_sources` its name, and the one of ``paths`` that it was found by, as in `Document`."""
    return [(_name(source), _name(origin)) for source, origin in _with_origins(paths)]


def _with_origins(paths: Sequence[str | Path]) -> list[tuple[Path | str, str | Path]]:
    """Each source once, with the path that it was first found by."""
    found: dict[str, tuple[Path | str, str | Path]] = {}
    for origin in paths:
        for source in [str(origin)] if str(origin).startswith(DATASET) else find_files([origin]):
            key = str(source) if isinstance(source, str) or source == STDIN else os.path.realpath(source)
            found.setdefault(key, (source, origin))
    return list(found.values())


def _name(source: Path | str) -> str:
    return os.fsencode(source).decode("utf-8", errors="replace")


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
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    suffix = name.suffix.lower()
    return suffix if suffix in FORMATS else None


def _texts(source: Path | str, text_key: str, errors: Errors, progress: Progress) -> Iterator[str]:
    replacements = Replacements(errors)
    try:
        if isinstance(source, str):
            yield from _dataset_texts(source, text_key, replacements)
        elif source == STDIN:
            yield from safe_pieces(decoded(stream_blocks(sys.stdin.buffer), "stdin", replacements))
        elif _format(source) == ".parquet":
            yield from parquet_texts(source, text_key, replacements, progress)
        else:
            text = decoded(file_blocks(source, progress), str(source), replacements)
            yield from (
                safe_pieces(text) if _format(source) == ".txt" else json_texts(text, source, text_key, replacements)
            )
    finally:  # also when the reader has had enough
        replacements.warn()


def _dataset_texts(name: str, text_key: str, replacements: Replacements) -> Iterator[str]:
    """The texts of a Hugging Face dataset, streamed: ``hf:NAME`` (its train split) or ``hf:NAME:SPLIT``."""
    datasets = optional("datasets", name)
    _, dataset, *split = name.split(":")
    try:
        rows = datasets.load_dataset(dataset, split=split[0] if split else "train", streaming=True)
        for number, row in enumerate(rows):
            if text_key not in row:
                raise InputError(f"{name}: no column {text_key!r} (it has {', '.join(row)}); name one as text_key")
            if text := checked_text(row[text_key], f"{name}: column {text_key!r}"):
                yield repaired(text, f"{name}: row {number}", replacements)
    except InputError:
        raise
    except Exception as error:  # datasets raises many kinds, from network to spelling
        raise InputError(f"{name}: cannot be loaded ({type(error).__name__}: {error})") from None
