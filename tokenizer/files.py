"""Files that are whole or not there: temporary name first, rename last; checksums; JSON."""

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tokenizer.errors import InputError

PART, OLD = ".gyeol-part", ".gyeol-old"
"""Ends of the names of what is being written, and of a folder that is being replaced."""
TEMPORARY = re.compile(rf"\..+\.[0-9a-f]{{8}}({PART}|{OLD})", re.DOTALL)
"""Names of what `atomic_open` and `atomic_folder` write before it takes its place."""


@contextmanager
def atomic_open(path: str | Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path`` and rename it over ``path`` when the block ends well.

    If the block raises (Ctrl-C and a full disk included) the temporary file is removed and an older ``path`` stays as
    it was. Mode and owner of an older file are kept, a link is followed, and what is no regular file (a device, a
    pipe) is written to directly.
    """
    path = Path(os.path.realpath(path))
    encoding = None if "b" in mode else "utf-8"
    if path.exists() and not path.is_file():
        with open(path, mode, encoding=encoding) as handle:
            yield handle
        return
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "may not be written", str(path))
    _clear_files(path)
    fresh, access = _temporary(path, PART), stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666
    try:
        with open(  # without the umask of other threads in between, and never readable by more than the older file
            fresh, mode.replace("w", "x"), encoding=encoding, opener=lambda name, flags: os.open(name, flags, access)
        ) as handle:
            _try_lock(handle.fileno())
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        _keep_owner(path, fresh)
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path`` that takes its place when the block ends well.

    An older folder at ``path`` is renamed first and removed last, so that at every moment a whole folder, old or new,
    is on the disk; `restore_folder` gives it back its name when the process was killed in between.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = _temporary(path, PART), _temporary(path, OLD)
    fresh.mkdir()
    try:
        yield fresh
        _keep_owner(path, fresh)
        if path.is_dir() and any(path.iterdir()):
            os.rename(path, old)
            os.rename(fresh, path)
            shutil.rmtree(old)
        else:
            _move_into_place(fresh, path)
    except BaseException:
        restore_folder(path)
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)
        raise


def _move_into_place(fresh: Path, path: Path) -> None:
    """Rename ``fresh`` to ``path``, which is missing or an empty folder; file by file where that is a mount point."""
    try:
        os.rename(fresh, path)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        for child in fresh.iterdir():
            os.rename(child, path / child.name)
        fresh.rmdir()


def restore_folder(path: Path) -> None:
    """Give ``path`` its name back if a killed process left its older folder under a temporary one.

    For one who holds the lock of ``path``: a living process may be between the two renames of `atomic_folder`.
    """
    if not path.exists() and (old := [left for left in leftovers(path) if left.name.endswith(OLD)]):
        os.rename(max(old, key=lambda folder: folder.stat().st_mtime), path)


def leftovers(path: Path) -> list[Path]:
    """Temporary files and folders of `atomic_open` and `atomic_folder` beside ``path``, of living processes too."""
    found = (left for left in path.parent.glob(".*") if TEMPORARY.fullmatch(left.name))
    return [left for left in found if left.name.startswith(f".{path.name}.")]


def _clear_files(path: Path) -> None:
    """Remove the temporary files that killed processes left of the file ``path``; those of living ones are locked."""
    for left in leftovers(path):
        with contextlib.suppress(OSError), open(left, "rb+") as handle:
            if _try_lock(handle.fileno()):
                left.unlink()


def _try_lock(file: int) -> bool:
    """Lock an open file until it is closed; False when another process has it."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows lets nobody remove an open file
        return True
    except OSError:  # locked by another, or a file system without locks
        return False
    return True


def _temporary(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{suffix}")


def _keep_owner(old: Path, fresh: Path) -> None:
    """Give ``fresh`` the mode and, where allowed, the owner of ``old``, if that is there."""
    if old.exists():
        known = old.stat()
        with contextlib.suppress(OSError, AttributeError):  # not permitted; Windows has no chown
            os.chown(fresh, known.st_uid, known.st_gid)
        os.chmod(fresh, stat.S_IMODE(known.st_mode))


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented UTF-8 JSON, atomically."""
    with atomic_open(path, "w") as handle:
        json.dump(value, handle, ensure_ascii=False, indent=2)
        handle.write("\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file; raise `InputError` that names it when it is missing or damaged."""
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    return parse_json(raw, path)


def parse_json(raw: bytes, path: str | Path) -> Any:
    """Parse JSON that was read from ``path``; `InputError` that names it when it is damaged."""
    try:
        return json.loads(raw)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not valid JSON ({error}); the file is damaged, restore or rebuild it") from None


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _sha(handle)


def _sha(handle: IO[bytes]) -> str:
    digest = hashlib.sha256()  # Python 3.10 has no hashlib.file_digest
    while block := handle.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
