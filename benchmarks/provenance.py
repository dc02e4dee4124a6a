"""Where a result comes from: versions, machine, date, command."""

from __future__ import annotations

import configparser
import platform
import shlex
import sys
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tokenizer.threads import cores

PACKAGES = ("gyeol", "tiktoken", "tokenizers", "splintr-rs", "sentencepiece", "kiwipiepy", "numpy")
"""What can change a figure."""


def provenance() -> dict[str, Any]:
    """Versions of the packages and of Python, the machine, the date (UTC) and the command line."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": command(Path(sys.argv[0]).name),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "machine": {"cpu": _cpu(), "cores": cores(), "system": platform.platform()},
    }


def command(*program: str) -> str:
    """The command line that runs ``program`` with this process's arguments, absolute paths cut to their last part."""
    words = [head + sep + shown_path(tail) for head, sep, tail in (word.rpartition("=") for word in sys.argv[1:])]
    return shlex.join([*program, *words])


def shown_path(path: str | Path) -> str:
    """A path as given where that is relative, else its last part: results name no place on a machine."""
    return Path(path).name if Path(path).is_absolute() else str(path)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return _checkout_version() if package == "gyeol" else None


def _checkout_version() -> str | None:
    """Gyeol's version where it is run from a checkout that is not installed."""
    metadata = configparser.ConfigParser()
    metadata.read(Path(__file__).resolve().parent.parent / "setup.cfg", encoding="utf-8")
    return metadata.get("metadata", "version", fallback=None)


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()
