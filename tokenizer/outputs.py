"""Output folders: what may be replaced, who is writing, and what a killed command left behind.

A folder that a command writes holds a marker, a JSON file whose ``format`` names the kind of the folder. A folder is
replaced only if it has the marker of its kind and no file besides those that the kind has, and only by ``force``.
"""

import fnmatch
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tokenizer.errors import InputError
from tokenizer.files import TEMPORARY, leftovers, restore_folder

LOCK = ".gyeol-lock"
HTML_MARK = b'<meta name="generator" content="Gyeol">'
"""What every page has in its head."""
JSON_MARK = b'"measure": "'
"""What every JSON file of a benchmark begins with."""


@dataclass(frozen=True)
class Kind:
    """A kind of output folder."""

    name: str
    """Its name in messages."""

    markers: tuple[str, ...]
    """JSON files any of which tells the kind."""

    format: str
    """Value of ``format`` in a marker."""

    files: tuple[str, ...]
    """Patterns of the other files that it may hold, relative to the folder; ``*`` goes across folders."""

    def is_at(self, folder: Path) -> bool:
        """Whether ``folder`` has a marker of this kind."""
        return any(self._tells(folder / marker) for marker in self.markers)

    def _tells(self, marker: Path) -> bool:
        try:
            record = json.loads(marker.read_bytes())
        except (OSError, ValueError):
            return False
        return isinstance(record, dict) and record.get("format") == self.format

    def foreign(self, folder: Path) -> list[str]:
        """Files and links in ``folder`` that no folder of this kind holds, and folders that hold nothing."""
        found = []
        for parent, folders, files in os.walk(folder):
            links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
            inside = [os.path.relpath(os.path.join(parent, name), folder) for name in (*files, *links)]
            found += [name for name in inside if not self._holds(Path(name).as_posix())]
        return sorted(found)

    def _holds(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in (*self.markers, f"*{LOCK}", *self.files))


def check_free(folder: str | Path, kind: Kind, force: bool) -> None:
    """Raise `InputError` unless a folder of ``kind`` may be written at ``folder``.

    It may where nothing is, in an empty folder, and with ``force`` in place of a folder of the same kind that holds
    nothing else.
    """
    folder = Path(folder)
    if not os.path.lexists(folder) or is_empty(folder):
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a new folder")
    if not kind.is_at(folder):
        raise InputError(f"{folder}: holds something other than a {kind.name}; name a new folder")
    if foreign := kind.foreign(folder):
        shown = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise InputError(
            f"{folder}: holds files that do not belong to a {kind.name} ({shown}); move them away, or name a new folder"
        )
    if not force:
        raise InputError(f"{folder}: already holds a {kind.name}; name a new folder, or replace it with force=True")


def is_empty(folder: Path) -> bool:
    """Whether ``folder`` is a folder with nothing in it, or only the lock of `locked`."""
    return folder.is_dir() and all(path.name == LOCK for path in folder.iterdir())


def remove_folder(folder: Path, kind: Kind) -> None:
    """Remove a folder of ``kind``; `InputError`, and nothing removed, when it is another or holds anything else."""
    check_free(folder, kind, force=True)
    if folder.is_dir():
        shutil.rmtree(folder)


def check_file(path: str | Path, mark: bytes, force: bool) -> None:
    """Raise `InputError` unless a file may be written at ``path``; call it before the work, not after it.

    It may where no file is, over an empty one, over what is no regular file (a device, a pipe), and with ``force``
    over one that Gyeol wrote, which has ``mark`` in its first kilobytes.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder; make it, or name a file in another one")
    if not path.is_file() or not path.stat().st_size:
        return
    with open(path, "rb") as handle:
        if mark not in handle.read(1 << 14):
            raise InputError(f"{path}: exists and was not written by Gyeol; name another file")
    if not force:
        raise InputError(f"{path}: already exists; name another file, or replace it with force=True")


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Keep other processes from writing ``folder`` meanwhile, and put right what a killed one left.

    The operating system drops the lock with the process. `InputError` that says who holds it when another process
    does.
    """
    from filelock import FileLock, Timeout  # 0.06 s of imports

    folder = Path(os.path.realpath(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = os.access(folder.parent, os.W_OK)  # not beside the mount point of a container
    path = folder.parent / f".{folder.name}{LOCK}" if beside else folder / LOCK
    lock = FileLock(path, is_singleton=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder}: {_owner(path)} is writing it; wait, or name another folder") from None
    try:
        with suppress(OSError):  # Windows locks the content too
            path.write_text(f"process {os.getpid()} ({' '.join(sys.argv)[:200]})", encoding="utf-8", errors="replace")
        restore_folder(folder)
        for left in [*leftovers(folder), *(left for left in folder.rglob(".*") if TEMPORARY.fullmatch(left.name))]:
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink(missing_ok=True)
        yield
    finally:
        if lock.lock_counter == 1:  # who waits for the lock sees that its file is gone, and makes a new one
            with suppress(OSError):
                path.unlink()
        lock.release()


def _owner(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
    except OSError:
        return "another process"
