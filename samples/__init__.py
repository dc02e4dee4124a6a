"""About 100 KB of text written for this project: Korean in several registers, some English and code."""

from pathlib import Path


def folder() -> Path:
    """The folder with the sample ``.txt`` files."""
    return Path(__file__).resolve().parent
