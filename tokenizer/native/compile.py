"""Compilation of the kernels: numba, without the GIL, cached on disk, announced when it happens."""

import hashlib
import logging
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import config, event

from tokenizer.files import cache_folder

logger = logging.getLogger("gyeol")

F = TypeVar("F", bound=Callable[..., Any])


@cache
def kernel_folder() -> Path | None:
    """A folder named after the sources of all kernels; None if it cannot be written.

    numba notices that a kernel's own file changed, but not that a kernel it calls from another file did;
    a folder per state of the sources never runs stale machine code.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(source.read_bytes())
    folder = cache_folder() / "kernels" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:  # a read-only home: numba's own choice of place, or none, is the best there is
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
    settings: Any = config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(kernel_folder() or before)
    try:
        return numba.njit(cache=True, nogil=True, forceinline=forceinline)(function)
    finally:
        settings.CACHE_DIR = before


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
