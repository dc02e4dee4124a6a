"""Standard input and output as commands need them: Korean in any locale, and an error for one that is closed."""

import io
import sys
from typing import Any

from tokenizer.errors import InputError


def prepare_streams() -> None:
    """Make standard output UTF-8, file names that are no UTF-8 as they are, and a closed input raise OSError when it is
    read; `InputError` for a closed output."""
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_ClosedInput()))
    if sys.stdout is None:
        raise InputError("standard output is closed; redirect it, to /dev/null if need be")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


class _ClosedInput(io.RawIOBase):
    """What stands for standard input that the shell closed (``<&-``)."""

    name = "stdin"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        raise OSError("standard input is closed; redirect it, or name a file")
