"""Compilation of the kernels: numba, without the GIL, cached on disk, announced when it happens."""

import hashlib
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import caching, config, event

from tokenizer.cache import cache_folder, distrusted, is_intact, seal

logger = logging.getLogger("gyeol")

F = TypeVar("F", bound=Callable[..., Any])


@cache
def kernel_folder() -> Path | None:
    """A folder named after the sources of all kernels; None without a cache.

    numba notices that a kernel's own file changed, but not that a kernel it calls from another file did;
    a folder per state of the sources never runs stale machine code.
    """
    root = cache_folder()
    if root is None:
        return None
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(source.read_bytes())
    folder = root / "kernels" / digest.hexdigest()[:16]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return None if distrusted(folder) else folder
    except OSError:
        return None


def native(function: F) -> F:
    """Compile ``function`` on its first call; later processes load the machine code from disk.

    It is compiled anew for every combination of argument types, and numba gives a literal ``0`` another type than an
    int64: starting a count at ``np.int64(0)`` halves the time to compile.
    """
    return _compiled(function, forceinline=False)  # type: ignore[no-any-return]


def inlined(function: F) -> F:
    """Like `native`, for the small functions of inner loops: folded into their callers."""
    return _compiled(function, forceinline=True)  # type: ignore[no-any-return]


def _compiled(function: Any, *, forceinline: bool) -> Any:
    compiled: Any = numba.njit(nogil=True, forceinline=forceinline)(function)
    if folder := kernel_folder():  # never in numba's own place, which keeps stale code of other files
        settings: Any = config
        before, settings.CACHE_DIR = settings.CACHE_DIR, str(folder)
        try:
            compiled._cache = _Cache(function)
        finally:
            settings.CACHE_DIR = before
    return compiled


class _Cache(caching.FunctionCache):
    """numba's cache, which loses nothing but time when the disk is full, with files that are checked."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file.__class__ = _CheckedFiles

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            logger.warning("%s: compiled kernels cannot be kept (%s)", self._cache_path, error.strerror)


class _CheckedFiles(caching.IndexDataCacheFile):
    """An index and machine code, which numba unpickles: not before their checksums were found to fit."""

    def _load_index(self) -> Any:
        if not is_intact(Path(self._index_path)):
            return {}
        try:
            return super()._load_index()
        except (ImportError, AttributeError):  # of types that only another program has
            return {}

    def _load_data(self, name: str) -> Any:
        path = Path(self._data_path(name))
        if not is_intact(path):
            raise OSError(f"{path}: damaged")  # numba compiles anew
        return super()._load_data(name)

    def _save_index(self, overloads: Any) -> None:
        super()._save_index(overloads)
        seal(Path(self._index_path))

    def _save_data(self, name: str, data: Any) -> None:
        super()._save_data(name, data)
        seal(Path(self._data_path(name)))


class _Announcer(event.Listener):
    """Says once per process that a compilation is running, which takes seconds."""

    said = False

    def on_start(self, event: Any) -> None:
        if not self.said:
            self.said = True
            logger.warning("compiling native kernels (once per installation, some seconds) ...")

    def on_end(self, event: Any) -> None:
        """Part of the listener's interface."""


event.register("numba:compile", _Announcer())
