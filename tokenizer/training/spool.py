"""Arrays that grow with the text: in memory, or under a bound in temporary files that are mapped into memory.

A mapped file is read and written as an array; the system keeps in memory what it has room for and writes the rest
out, so its pages do not count against the bound. The distinct words stay in memory, and do.
"""

import mmap
import os
import re
import tempfile
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tokenizer.errors import InputError

Number = TypeVar("Number", bound=np.generic)
SHARE = 0.5
"""Share of the bound up to which arrays lie in memory: what comes later and must be there (Kiwi, say) has the rest."""
SMALL = 1 << 14
"""Arrays of so many bytes always lie in memory."""
FILE_BYTES = 64 << 20
"""Bytes of a file, at least; as each takes a file descriptor, small arrays share one."""
_STATUS = Path("/proc/self/status")
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}


def bytes_in(text: str) -> int:
    """The bytes of a size such as 4GB; `InputError` for what is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(MB|GB|TB)", text.strip(), re.IGNORECASE)
    if not found:
        raise InputError(f"memory is {text!r}; it must be a number with MB, GB or TB behind it, such as 4GB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def resident() -> int:
    """Bytes of memory that this process holds and that the system cannot write to a file (Linux: ``RssAnon``)."""
    found = re.search(r"^RssAnon:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    assert found
    return int(found[1]) << 10


class Spool:
    """Makes arrays; safe to share between threads."""

    def __init__(self, memory: str | None = None, folder: Path | None = None) -> None:
        """``memory`` is the bound, such as 4GB, or None; ``folder`` holds the files (the working directory).

        `InputError` for a bound that is no size, and on systems that do not tell what a process holds.
        """
        self.bound = None if memory is None else bytes_in(memory)
        if self.bound is not None and not _STATUS.exists():
            raise InputError(f"memory is {memory}, but memory can be bounded on Linux only: leave it out")
        self._memory, self._folder = memory, folder or Path()
        self._file: mmap.mmap | None = None
        self._used = 0
        self._lock = Lock()
        self.spooled = 0
        """Bytes put in files so far."""

    def empty(self, size: int, dtype: type[Number]) -> NDArray[Number]:
        """An array of ``size`` numbers of any value."""
        needed = size * np.dtype(dtype).itemsize
        if self.bound is None or needed <= SMALL or resident() + needed <= SHARE * self.bound:
            return np.empty(size, dtype=dtype)
        with self._lock:
            if self._file is None or self._used + needed > len(self._file):
                self._file, self._used = self._new_file(max(needed, FILE_BYTES)), 0
            array = np.frombuffer(self._file, dtype, size, self._used)
            self._used += -(-needed // 64) * 64
            self.spooled += needed
        return array

    def copy(self, array: NDArray[Number]) -> NDArray[Number]:
        """``array`` as one of these."""
        if self.bound is None:
            return array
        copied = self.empty(array.size, array.dtype.type)
        copied[:] = array
        return copied

    def grown(self, array: NDArray[Number], size: int) -> NDArray[Number]:
        """``array`` with memory for ``size`` numbers, itself or a copy; it must own its memory, or be of a file."""
        if self.bound is None:
            array.resize(size, refcheck=False)  # in place, where a copy would need as much again
            return array
        bigger = self.empty(size, array.dtype.type)
        bigger[: array.size] = array
        return bigger

    def check(self) -> None:
        """`InputError` when more is held in memory than the bound allows."""
        if self.bound is not None and (held := resident()) > self.bound:
            raise InputError(
                f"training takes {held / 1e9:.2f} GB beside what it keeps in files, and memory is {self._memory}: the "
                "distinct words, and Kiwi in all recipes but plain, need so much; allow more, or train on less text"
            )

    def _new_file(self, size: int) -> mmap.mmap:
        """A file without a name, mapped; its space is taken at once, as a full disk would end the process later."""
        with tempfile.TemporaryFile(dir=self._folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)
            return mmap.mmap(file.fileno(), size)
