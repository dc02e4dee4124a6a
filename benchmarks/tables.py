"""Results of the benchmark as tables for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from benchmarks.fertility import RATES


def print_fertility(result: dict[str, Any], console: Console | None = None) -> None:
    """Print what `benchmarks.fertility.measure` returned: averages, ratios, files, and what was skipped."""
    console = console or Console()
    for table in (macro_table(result), *(ratio_table(result, base) for base in result["against"]), file_table(result)):
        print_whole(table, console)
    for skipped in result["skipped"]:
        console.print(Text(f"skipped {skipped['path']}: {skipped['reason']}", style="yellow"))


def print_whole(table: Table, console: Console) -> None:
    """Print a table as wide as it is: a terminal or pipe that is too narrow must not cut figures short."""
    before = console.width
    console.width = max(before, console.measure(table, options=console.options.update(width=10_000)).maximum)
    console.print(table)
    console.width = before


def macro_table(result: dict[str, Any]) -> Table:
    """One row per tokenizer: the means over files, and whether decoding gives back the text."""
    table = Table(title=f"Fertility, mean over {len(result['files'])} files")
    table.add_column("tokenizer", no_wrap=True)
    for column in ("vocabulary", "tokens/\nchar", "chars/\ntoken", "bytes/\ntoken", "tokens/\neojeol"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("round trip", no_wrap=True)
    for tokenizer in result["tokenizers"]:
        own = result["results"][tokenizer["name"]]
        cells = [figure(own["macro"][key]) for key in RATES]
        name = escape(tokenizer["name"])
        table.add_row(name, f"{tokenizer['vocab_size']:,}", *cells, round_trip(own["round_trip"]))
    return table


def ratio_table(result: dict[str, Any], base: str) -> Table:
    """One row per tokenizer: tokens of ``base`` / tokens of the tokenizer, over all files and by group."""
    groups = _groups(result)
    numbers = Counter(file["group"] for file in result["files"])
    caption = f"tokens of {base} / tokens of the tokenizer: above 1 it needs fewer"
    table = Table(title=escape(f"Ratio to {base}"), caption=escape(caption))
    table.add_column("tokenizer", no_wrap=True)
    for column in (*(f"{group}\nn = {numbers[group]}" for group in groups), "mean of\nall files", "all\ntext"):
        table.add_column(column, justify="right", no_wrap=True)
    for tokenizer in result["tokenizers"]:
        own = result["results"][tokenizer["name"]]
        parts = [*(own["groups"][group] for group in groups), own["macro"], own["total"]]
        table.add_row(escape(tokenizer["name"]), *(figure(part["ratio"][base]) for part in parts))
    return table


def file_table(result: dict[str, Any]) -> Table:
    """One row per file, by group: each tokenizer's tokens per character and ratio to the first baseline."""
    base = next(iter(result["against"]), None)
    caption = "tokens per character" + (f", x tokens of {base} / tokens of the tokenizer" if base else "")
    table = Table(title="By file", caption=escape(caption))
    for column in ("file", "group"):
        table.add_column(column, no_wrap=True)
    table.add_column("characters", justify="right", no_wrap=True)
    names = [tokenizer["name"] for tokenizer in result["tokenizers"]]
    for name in names:
        table.add_column(escape(name), justify="right", no_wrap=True)
    for group in _groups(result):
        for file in (file for file in result["files"] if file["group"] == group):
            cells = [_file_cell(result["results"][name]["files"][file["name"]], base) for name in names]
            table.add_row(escape(file["name"]), group, f"{file['characters']:,}", *cells)
        table.add_section()
    return table


def figure(value: float | None) -> str:
    """A figure with three decimals, a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"


def round_trip(own: dict[str, Any]) -> str:
    """Whether decoding gives back the text, and what is lost if not."""
    if own["lossless"]:
        return "exact"
    return f"loses {own['characters_lost']:.2%}, in {own['documents_lost']:.0%} of documents"


def _file_cell(rates: dict[str, Any], base: str | None) -> str:
    own = figure(rates["tokens_per_character"])
    return f"{own}  x {figure(rates['ratio'][base])}" if base else own


def _groups(result: dict[str, Any]) -> list[str]:
    """The groups that occur, Korean first."""
    order = ("Korean", "English", "code", "other")
    return sorted({file["group"] for file in result["files"]}, key=order.index)
