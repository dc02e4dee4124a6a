"""Provenance of a result: versions, machine, date, command."""

import configparser
import platform
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tokenizer.threads import cores

PACKAGES = ("gyeol", "tiktoken", "tokenizers", "splintr-rs", "sentencepiece", "kiwipiepy", "numpy")
"""Packages that can change a figure."""


@dataclass(frozen=True)
class Machine:
    """The computer of a measurement."""

    cpu: str
    cores: int
    """Cores that the process may use"""
    system: str


@dataclass(frozen=True)
class Provenance:
    """Origin of a result."""

    date: str
    """UTC, ISO 8601"""
    command: str
    """Command line, absolute paths cut to their last part"""
    python: str
    versions: dict[str, str | None]
    """By package; null if it is not installed"""
    machine: Machine


def provenance(*program: str, packages: Sequence[str] = PACKAGES) -> Provenance:
    """The origin of a result that ``program`` (this process's file by default) makes now."""
    words = [head + sep + shown_path(tail) for head, sep, tail in (word.rpartition("=") for word in sys.argv[1:])]
    return Provenance(
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        command=shlex.join([*(program or (Path(sys.argv[0]).name,)), *words]),
        python=platform.python_version(),
        versions={name: _version(name) for name in packages},
        machine=Machine(_cpu(), cores(), platform.platform()),
    )


def shown_path(path: str | Path) -> str:
    """A path as given where that is relative, else its last part: results name no place on a machine."""
    return Path(path).name if Path(path).is_absolute() else str(path)


def _version(package: str) -> str | None:
    with suppress(PackageNotFoundError):
        return version(package)
    if package != "gyeol":
        return None
    metadata = configparser.ConfigParser()  # Gyeol is run from a checkout that is not installed
    metadata.read(Path(__file__).resolve().parent.parent / "setup.cfg", encoding="utf-8")
    return metadata.get("metadata", "version", fallback=None)


def _cpu() -> str:
    with suppress(OSError):  # not Linux
        if found := re.search(r"^model name\s*:(.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE):
            return found[1].strip()
    return platform.processor() or platform.machine()
