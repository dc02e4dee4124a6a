"""The files that a corpus is: files, folders, patterns, standard input and datasets as they are named."""

import glob
import logging
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from tokenizer.corpus.compression import COMPRESSIONS
from tokenizer.errors import InputError

logger = logging.getLogger("gyeol")

IN_FOLDERS = (".txt", ".md", ".jsonl", ".parquet")
"""Kinds of files that are read of a folder."""
FORMATS = (*IN_FOLDERS, ".json", ".csv", ".tsv")
"""Kinds of files that are read when they are named; in folders these are as often settings and tables of numbers."""
STDIN = Path("-")
DATASET = "hf:"
_said: set[tuple[object, ...]] = set()


def find_files(paths: Sequence[str | Path]) -> list[Path]:
    """The files behind ``paths``; folders give what they hold of the kinds `IN_FOLDERS`, hidden files left out, and
    patterns (``news/*.txt``, ``**`` for any folders) what they fit.

    Links are followed. What is left out of a folder is named in a warning. `InputError` for a path that does not
    exist, a folder that may not be read or has no such file, and a file of another kind.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path == STDIN:
            found.append(path)
        elif path.is_dir():
            found += _in_folder(path)
        elif not path.exists() and (matches := sorted(glob.glob(str(path), recursive=True))):
            found += find_files(matches)
        elif not path.exists():
            raise InputError(f"{path}: no such file or folder, and no file matches it as a pattern")
        elif not format_of(path):
            raise InputError(
                f"{path}: unknown kind of file; known: {', '.join(FORMATS)}, each plain or "
                f"{', '.join(COMPRESSIONS)}; what comes from another program is read from standard input, named -"
            )
        else:
            found.append(path)
    return found


def find_sources(paths: Sequence[str | Path], without: Collection[str | Path] = ()) -> list[Path | str]:
    """As `find_files`, each file once, with names of datasets (``hf:NAME`` or ``hf:NAME:SPLIT``) passed through; the
    files ``without`` are left out."""
    return [source for source, _, _ in named_sources(paths, without)]


def named_sources(
    paths: Sequence[str | Path], without: Collection[str | Path] = ()
) -> list[tuple[Path | str, str, str]]:
    """Each of `find_sources` with its name, and that of the first of ``paths`` that found it (see `Document`)."""
    left_out = {os.path.realpath(path) for path in without}
    found: dict[str, tuple[Path | str, str, str]] = {}
    for origin in paths:
        for source in [str(origin)] if str(origin).startswith(DATASET) else find_files([origin]):
            key = str(source) if isinstance(source, str) or source == STDIN else os.path.realpath(source)
            found.setdefault(key, (source, _name(source), _name(origin)))
    return [named for key, named in found.items() if key not in left_out]


def format_of(path: Path) -> str | None:
    """The kind of a file by its name, ``.jsonl`` for ``a.jsonl.xz``; None if it is none of `FORMATS`."""
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    suffix = name.suffix.lower()
    return suffix if suffix in FORMATS else None


def _in_folder(folder: Path) -> list[Path]:
    """The files of a folder and the folders in it, links followed, by their names."""
    inside: list[Path] = []
    left_out: list[str] = []
    seen: set[str] = set()

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); allow it, or name other folders")

    for parent, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if (real := os.path.realpath(parent)) in seen:  # a link back to a folder that was walked
            folders.clear()
            continue
        seen.add(real)
        for path in (Path(parent, name) for name in files if not name.startswith(".")):
            if format_of(path) in IN_FOLDERS and path.is_file():
                inside.append(path)
            else:
                left_out.append(str(path.relative_to(folder)) + ("" if path.exists() else " (a broken link)"))
    if not inside:
        raise InputError(
            f"{folder}: no {', '.join(IN_FOLDERS)} file in this folder (plain or {', '.join(COMPRESSIONS)})"
        )
    _say_left_out(folder, sorted(left_out))
    return sorted(inside)


def _say_left_out(folder: Path, names: list[str]) -> None:
    """Name the files once in a process, however often the folder is looked through."""
    if names and (folder, *names) not in _said:
        _said.add((folder, *names))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        logger.warning(
            "%s: %d files are of other kinds and left out: %s%s; name files to have them read",
            folder,
            len(names),
            ", ".join(names[:3]),
            more,
        )


def _name(source: Path | str) -> str:
    return os.fsencode(source).decode("utf-8", errors="replace")
