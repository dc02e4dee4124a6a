"""The table of a speed result, and its cells."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from benchmarks.report.terminal import new_table, print_whole


def print_speed(
    result: dict[str, Any], title: str, left: Sequence[str], right: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Print a table of a speed result, and a line for each library that was skipped."""
    console, table = Console(), new_table(title, left, right)
    for row in rows:
        table.add_row(*map(escape, row))
    print_whole(table, console)
    for skipped in result["skipped"]:
        console.print(Text(f"skipped {skipped['name']}: {skipped['reason']}", style="yellow"), soft_wrap=True)


def span(values: dict[str, float], form: str) -> list[str]:
    """Two cells: the median, and the minimum and maximum."""
    return [format(values["median"], form), f"{values['min']:{form}} - {values['max']:{form}}"]


def costs(own: dict[str, Any], form: str = ".2f") -> list[str]:
    """Two cells: median CPU seconds, and median peak of memory in MB."""
    return [format(own["cpu_seconds"]["median"], form), f"{own['peak_bytes']['median'] / 1e6:,.0f}"]


def optional(own: dict[str, Any], *keys: str, form: str = ".2f") -> list[str]:
    """A cell for each figure, a dash where it was not measured."""
    return ["-" if own.get(key) is None else format(own[key], form) for key in keys]
