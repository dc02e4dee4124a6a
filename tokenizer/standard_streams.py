"""Standard input and output as commands need them: Korean in any locale, and an error for one that is closed; no
escape sequences of a name or text on the terminal."""

import io
import logging
import re
import sys
from typing import Any

from tokenizer.errors import InputError

_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but for tab and line end, and those that turn the direction of writing."""


def printable(text: str) -> str:
    """``text`` with control characters spelled (``\\x1b``): a terminal obeys them, whoever wrote them into a name."""
    return _COMMANDS.sub(lambda found: ascii(found[0])[1:-1], text)


class PrintableFormatter(logging.Formatter):
    """A formatter of log records that keeps control characters in names from the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one `printable` text."""
        return printable(super().format(record))


def prepare_streams() -> None:
    """Make standard output UTF-8, with file names that are not UTF-8 as they are, and a closed input raise OSError when
    it is read; `InputError` for a closed output."""
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
