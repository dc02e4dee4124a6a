"""Progress of long work: a rich bar on a terminal's stderr; elsewhere nothing or, where asked for, a line at times."""

import logging
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich import markup
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tokenizer.standard_streams import printable

logger = logging.getLogger("gyeol")

LINES_EVERY = 30.0
"""Seconds between two lines where there is no bar."""
_shown: Progress | None = None
"""The display that is on the terminal: there can be one."""


class ProgressBar:
    """One line of the display; `advance` by what was done, `note` to say more."""

    def __init__(self, progress: Progress, task: int, lines: bool) -> None:
        self._progress, self._task = progress, task
        self._said = time.monotonic() if lines and progress.disable else math.inf

    def advance(self, amount: float = 1) -> None:
        """Add ``amount`` to what is done."""
        self._progress.advance(self._task, amount)  # type: ignore[arg-type]

    def note(self, text: str) -> None:
        """Show ``text`` behind the bar."""
        self._progress.update(self._task, note=markup.escape(printable(text)))  # type: ignore[arg-type]
        if time.monotonic() - self._said > LINES_EVERY:
            self._said = time.monotonic()
            task = next(task for task in self._progress.tasks if task.id == self._task)
            done = f" of {task.total:,.0f}" if task.total else ""
            logger.warning("%s: %s%s, %s", task.description, f"{task.completed:,.0f}", done, text)


@contextmanager
def progress_bar(title: str, total: float | None = None, *, lines: bool = False) -> Iterator[ProgressBar]:
    """Show a bar named ``title`` while the block runs, with time elapsed and left.

    ``total`` is the amount of work in any unit; None shows a pulse. Quiet when stderr is not a terminal, or
    with ``lines`` a line every `LINES_EVERY` seconds. Inside another bar it is a line of the same display.
    """
    global _shown
    if _shown is not None:
        outer = _shown
        task = outer.add_task(title, total=total, note="")
        try:
            yield ProgressBar(outer, task, lines)
        finally:
            outer.remove_task(task)
        return
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not sys.stderr.isatty(),
    )
    with progress:
        _shown = progress
        try:
            yield ProgressBar(progress, progress.add_task(title, total=total, note=""), lines)
        finally:
            _shown = None
