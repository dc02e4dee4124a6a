"""How files are read, and what is to be said of one: damage, encoding, lines left out, decomposed Hangul."""

import importlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from unicodedata import normalize

from tokenizer.errors import InputError

logger = logging.getLogger("gyeol")

Errors = Literal["replace", "strict"]
Progress = Callable[[int], None]
SAMPLE = 4096
"""Characters at the start of each text in which decomposed Hangul is looked for."""
_JAMO = re.compile("[\u1100-\u1112]")
_SYLLABLE = re.compile("[가-힣]")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How text is read from files."""

    text_key: str = "text"
    """Field of JSON, JSONL and CSV, column of Parquet that holds the text; of several, parted by commas, the first that
    a record has."""

    encoding: str = "auto"
    """Encoding of text: auto finds byte order marks, UTF-8 and CP949; else a name such as cp949 or utf-16-le."""

    errors: Literal["strict", "replace"] = "strict"
    """Bytes that are none of the encoding: strict refuses the file by name, replace reads them as U+FFFD."""

    nfc: bool = False
    """Compose Hangul (Unicode NFC) that is written as separate jamo, as macOS does."""

    skip_bad_lines: bool = False
    """Leave out lines of JSONL that hold no text, counted and named, instead of refusing the file."""

    documents: Literal["files", "paragraphs"] = "files"
    """A document of a text file: all of it, or each block between blank lines."""

    def __post_init__(self) -> None:
        if self.errors not in ("replace", "strict"):
            raise InputError(f"errors is {self.errors!r}; it must be 'replace' or 'strict'")
        if self.documents not in ("files", "paragraphs"):
            raise InputError(f"documents is {self.documents!r}; it must be 'files' or 'paragraphs'")
        if self.encoding != "auto":
            try:
                "가a".encode(self.encoding).decode(self.encoding)
            except (LookupError, UnicodeError, TypeError):
                raise InputError(
                    f"encoding is {self.encoding!r}; it must be auto, utf-8, cp949, utf-16 or another that has Hangul"
                ) from None

    @property
    def keys(self) -> list[str]:
        """The names in ``text_key``."""
        return self.text_key.split(",")


def optional(package: str, needed_by: object) -> Any:
    """Import a package of the ``data`` extra; `InputError` that says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(f"{needed_by}: needs {package}; run: pip install 'gyeol[data]'") from None


class FileNotes:
    """What is to be said of one file when it has been read."""

    def __init__(self, name: str, reading: Reading) -> None:
        self.name, self.reading = name, reading
        self.encoding = "utf-8"
        """The encoding that its text was found in."""
        self._replaced, self._first_replaced = 0, ""
        self._left_out, self._first_left_out = 0, ""

    def damage(self, what: str, count: int, remedy: str) -> None:
        """Note ``count`` replacements, the first of them described; `InputError` where they are refused."""
        if self.reading.errors == "strict":
            raise InputError(f"{what}; {remedy}, or have such replaced by U+FFFD with errors=replace")
        self._first_replaced = self._first_replaced or what
        self._replaced += count

    def bad_line(self, problem: InputError) -> None:
        """Note a line that holds no text; raise ``problem`` where such are refused."""
        if not self.reading.skip_bad_lines:
            raise InputError(f"{problem}, or skip such lines with skip_bad_lines=True") from None
        self._first_left_out = self._first_left_out or str(problem)
        self._left_out += 1

    def warn(self) -> None:
        """Say it."""
        if self.encoding != "utf-8":
            logger.warning("%s: read as %s", self.name, self.encoding.upper())
        if self._replaced:
            others = self._replaced - 1
            more = f" and at {others:,} more place{'s' if others > 1 else ''}" if others else ""
            logger.warning("%s%s; replaced by U+FFFD", self._first_replaced, more)
        if self._left_out:
            logger.warning(
                "%s: %s lines left out, the first: %s", self.name, f"{self._left_out:,}", self._first_left_out
            )


class Composition:
    """Composes Hangul, or warns of what is decomposed: a syllable in NFD takes two or three characters."""

    def __init__(self, nfc: bool) -> None:
        self._nfc = nfc
        self._decomposed = self._whole = 0
        self._first = ""

    def of(self, text: str, name: str) -> str:
        """The text, composed if that was asked for."""
        if self._nfc:
            return normalize("NFC", text)
        sample = text[:SAMPLE]
        if not sample.isascii():
            if found := len(_JAMO.findall(sample)):
                self._first = self._first or name
                self._decomposed += found
            if self._first:
                self._whole += len(_SYLLABLE.findall(sample))
        return text

    def warn(self) -> None:
        """Say once what share of the Hangul is decomposed, if any is."""
        if self._decomposed:
            share = self._decomposed / (self._decomposed + self._whole)
            logger.warning(
                "%s: %s of the Hangul from here on is decomposed (Unicode NFD, as macOS has it), which takes several "
                "times the tokens; compose it with --nfc (nfc=True)",
                self._first,
                f"{share:.0%}" if share >= 0.01 else "less than 1%",
            )
