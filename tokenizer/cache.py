"""The cache: what Gyeol can make again, kept for the next process, in a folder that nobody else can have filled.

Compiled kernels are machine code and are run. So a folder is used only if this user (or root) owns it and nobody else
may write to it, and a file only if the checksum beside it, written last, fits.
"""

import logging
import os
import shutil
import stat
import sys
import tempfile
from functools import cache
from pathlib import Path

from tokenizer.files import sha256_file

logger = logging.getLogger("gyeol")


def cache_folder() -> Path | None:
    """The folder named by GYEOL_CACHE, else this user's own, else one in the temporary folder; None without any that
    may be written and can be trusted. What is passed over is said."""
    return _first_usable(tuple(_candidates()))


@cache
def _first_usable(candidates: tuple[Path, ...]) -> Path | None:
    reasons: list[str] = []
    for folder in candidates:
        if (reason := _unusable(folder)) is None:
            if reasons:
                logger.warning("%s; using %s (GYEOL_CACHE names another)", "; ".join(reasons), folder)
                _take_over(candidates[0], folder)
            return folder
        reasons.append(reason)
    logger.warning("%s; nothing is kept, so that each command compiles anew", "; ".join(reasons))
    return None


def seal(path: Path) -> None:
    """Write the checksum of a file beside it."""
    seal_of(path).write_text(sha256_file(path))


def is_intact(path: Path) -> bool:
    """Whether the checksum beside a file is there and fits it."""
    try:
        return seal_of(path).read_bytes() == sha256_file(path).encode()
    except OSError:
        return False


def seal_of(path: Path) -> Path:
    """The file that holds the checksum of another."""
    return path.with_name(path.name + ".sha256")


def _candidates() -> list[Path]:
    """Folders in the order in which they are tried."""
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    temporary = Path(tempfile.gettempdir()) / f"gyeol-{user}"
    if named := os.environ.get("GYEOL_CACHE"):
        return [Path(named), temporary]
    try:
        local = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
        default = Path.home() / ("AppData/Local" if sys.platform == "win32" else ".cache")
        return [Path(os.environ.get(local, default)) / "gyeol", temporary]
    except RuntimeError:  # a user without a home
        return [temporary]


def _unusable(folder: Path) -> str | None:
    """Why a folder cannot be used, or None; it is made if it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if reason := distrusted(folder):
            return f"the cache {folder} {reason}"
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"the cache {folder} cannot be written ({error.strerror})"


def distrusted(folder: Path) -> str | None:
    """Why what is in a folder may be another user's, or None."""
    if not hasattr(os, "geteuid"):  # Windows
        return None
    known = folder.lstat()
    if known.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    if not stat.S_ISDIR(known.st_mode):
        return "is not a folder"
    return "may be written by other users" if known.st_mode & 0o022 else None


def _take_over(filled: Path, folder: Path) -> None:
    """Copy what a read-only cache holds, which can be trusted, into the folder that stands in for it."""
    try:
        if filled != folder and not distrusted(filled):
            shutil.copytree(filled, folder, dirs_exist_ok=True)
    except (OSError, shutil.Error):  # it is made anew
        return
