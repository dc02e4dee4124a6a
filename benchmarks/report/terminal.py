"""Results of the benchmark as tables for a terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import markup
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.fertility.intervals import resampled
from benchmarks.fertility.results import Figures, MeasuredFile, Report, RoundTrip
from benchmarks.metrics import ALIGNMENT, FERTILITY, GROUPS, MAIN
from tokenizer.standard_streams import printable

NAME = 12
"""Widest column of names, so that tables fit 80 columns; longer names are folded."""
MOST_FILES = 40
"""Files that have a row each; of more, folders have."""


class Terminal(Console):
    """A console whose reader may go away early: the command line says what that means, rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that rich has just caught."""
        raise


def print_fertility(report: Report, console: Console | None = None) -> None:
    """Print a report: averages, ratios, files, and the input that was left out."""
    console = console or Terminal()
    tables = [macro_table(report), detail_table(report), *(ratio_table(report, base) for base in report.against)]
    tables += [claim_table(report, base) for base in report.against if report.claim is not None]
    tables += [table for table in (alignment_table(report), file_table(report)) if table]
    for table in tables:
        print_whole(table, console)
    for line in in_words(report):
        console.print(Text(printable(line)), soft_wrap=True)
    for line in left_out(report):
        console.print(Text(printable(line), style="yellow"), soft_wrap=True)


def in_words(report: Report) -> list[str]:
    """A sentence per tokenizer and group: the meaning of the ratio to the first baseline for context and cost."""
    lines = []
    for name, own in report.results.items():
        for group in report.groups:
            ratio = own.groups[group].ratio[report.base] if report.base else None
            if name == report.base or not ratio:
                continue
            if round(ratio, 3) == 1:
                lines.append(f"{name}: as many tokens of {GROUPS[group].in_words} as with {report.base}")
            else:
                less = f"{1 - 1 / ratio:.0%} less" if ratio >= 1 else f"{1 / ratio - 1:.0%} more"
                lines.append(
                    f"{name}: the same 128K window holds {ratio:.2f}x as much {GROUPS[group].in_words} as with "
                    f"{report.base}; at the same price a token, it costs {less}"
                )
    return lines


def left_out(report: Report) -> list[str]:
    """A line with the reason for each input that could not be used."""
    standard = report.alignment
    problems = [f"left out of {standard.standard}: {problem}" for problem in standard.problems] if standard else []
    return [
        *(f"not measured {row.name}: {row.reason}" for row in report.failed),
        *(f"skipped {row.path}: {row.reason}" for row in report.skipped),
        *problems,
    ]


def new_table(
    title: str, left: Sequence[str], right: Sequence[str], caption: str | None = None, *, fold: bool = False
) -> Table:
    """A table with columns of text on the left and of figures on the right, with ``fold`` names folded where they are
    long."""
    table = Table(title=cell(title), caption=cell(caption) if caption else None)
    names: dict[str, Any] = {"max_width": NAME, "overflow": "fold"} if fold else {"no_wrap": True}
    for column in left:
        table.add_column(cell(column), **names)
    for column in right:
        table.add_column(cell(column), justify="right", **names)
    return table


def cell(text: str) -> str:
    """``text`` as it stands, in a table of rich."""
    return markup.escape(printable(text))


def print_whole(table: Table, console: Console) -> None:
    """Print a table as wide as it is: a terminal or pipe that is too narrow must not cut figures short."""
    before = console.width
    console.width = max(before, console.measure(table, options=console.options.update(width=10_000)).maximum)
    console.print(table)
    console.width = before


def print_speed(
    result: dict[str, Any], title: str, left: Sequence[str], right: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Print a table of a speed result, and a line for each library that was skipped."""
    console, table = Terminal(), new_table(title, left, right)
    for row in rows:
        table.add_row(*map(cell, row))
    print_whole(table, console)
    for skipped in result["skipped"]:
        console.print(
            Text(printable(f"skipped {skipped['name']}: {skipped['reason']}"), style="yellow"), soft_wrap=True
        )


def span(values: dict[str, float], form: str) -> list[str]:
    """Two cells: the median, and the minimum and maximum."""
    return [format(values["median"], form), f"{values['min']:{form}} - {values['max']:{form}}"]


def costs(own: dict[str, Any], form: str = ".2f") -> list[str]:
    """Two cells: median CPU seconds, and median peak of memory in MB."""
    return [format(own["cpu_seconds"]["median"], form), f"{own['peak_bytes']['median'] / 1e6:,.0f}"]


def optional(own: dict[str, Any], *keys: str, form: str = ".2f") -> list[str]:
    """A cell for each figure, a dash where it was not measured."""
    return ["-" if own.get(key) is None else format(own[key], form) for key in keys]


def macro_table(report: Report) -> Table:
    """One row per tokenizer: tokens in all, the main means over files, and the losses of decoding."""
    shown = [metric for metric in FERTILITY if metric.key in MAIN]
    heads = ("vocabulary", "tokens", *(metric.head for metric in shown))
    table = new_table(f"Fertility, mean over {len(report.files)} files", ["tokenizer"], heads, fold=True)
    table.add_column("round trip", max_width=12)
    for tokenizer in report.tokenizers:
        own = report.results[tokenizer.name]
        counts = f"{tokenizer.vocab_size:,}", f"{own.total.tokens:,}"
        cells = [figure(getattr(own.macro, metric.key)) for metric in shown]
        table.add_row(cell(tokenizer.name), *counts, *cells, round_trip(own.round_trip))
    return table


def detail_table(report: Report) -> Table:
    """One row per tokenizer: the other means over files."""
    shown = [metric for metric in FERTILITY if metric.key not in MAIN]
    table = new_table("In detail", ["tokenizer"], [metric.head for metric in shown], fold=True)
    for name, own in report.results.items():
        table.add_row(cell(name), *(figure(getattr(own.macro, metric.key)) for metric in shown))
    return table


def ratio_table(report: Report, base: str) -> Table:
    """One row per tokenizer: tokens of ``base`` / tokens of the tokenizer, over all files and by group."""
    numbers = Counter(file.group for file in report.files)
    caption = f"tokens of {base} / tokens of the tokenizer: above 1 it needs fewer; bootstrap 95% intervals"
    heads = (*(f"{group}\nn = {numbers[group]}" for group in report.groups), "mean of\nall files", "all\ntext")
    table = new_table(f"Ratio to {base}", ["tokenizer"], heads, caption, fold=True)
    for name, own in report.results.items():
        if name == base:
            continue
        parts = [*(own.groups[group] for group in report.groups), own.macro]
        cells = [with_interval(part, base) for part in parts]
        table.add_row(cell(name), *cells, figure(own.total.ratio[base]))
    return table


def claim_table(report: Report, base: str) -> Table:
    """One row per tokenizer: is the ratio at least the claim, by group and over all files?"""
    title = f"Does {base} need at least {report.claim:g}x the tokens? (95%)"
    table = new_table(title, ["tokenizer", *report.groups, "mean of all files"], [], fold=True)
    for name, own in report.results.items():
        if name == base:
            continue
        parts = [*(own.groups[group] for group in report.groups), own.macro]
        table.add_row(cell(name), *(part.claim[base] for part in parts if part.claim))
    return table


def alignment_table(report: Report) -> Table | None:
    """One row per tokenizer: boundaries inside eojeols against morphemes; None if that was not measured."""
    rows = {name: report.alignment_of(name) for name in report.results}
    if report.alignment is None or not all(rows.values()):
        return None
    title = f"Token boundaries inside eojeols against the morphemes of {report.alignment.standard}"
    caption = "left out: the share of eojeols that MorphScore does not look at"
    table = new_table(title, ["tokenizer"], [metric.head for metric in ALIGNMENT], caption, fold=True)
    for name, own in rows.items():
        table.add_row(cell(name), *(figure(getattr(own, metric.key)) for metric in ALIGNMENT))
    return table


def file_table(report: Report) -> Table:
    """One row per file, or per folder where there are more than `MOST_FILES`, by group: the ratio to the first baseline
    (tokens per character without one)."""
    base = report.base
    names = [name for name in report.results if name != base]
    caption = f"tokens of {base} / tokens of the tokenizer" if base else "tokens per character"
    many = len(report.files) > MOST_FILES
    table = new_table(
        "By folder" if many else "By file",
        ["folder" if many else "file", "group"],
        ["characters", *names],
        caption,
        fold=True,
    )
    for group in report.groups:
        members: dict[str, list[MeasuredFile]] = {}
        for file in (file for file in report.files if file.group == group):
            members.setdefault(str(Path(file.path).parent) if many else file.name, []).append(file)
        for name, files in members.items():
            shown = f"{name} ({len(files):,})" if many else name
            cells = [_of_files(report, own, files) for own in names]
            table.add_row(cell(shown), group, f"{sum(file.characters for file in files):,}", *cells)
        table.add_section()
    return table


def _of_files(report: Report, name: str, files: Sequence[MeasuredFile]) -> str:
    """The figure of some files together, with an interval over the files where there are several."""
    own = report.results[name].files
    if report.base is None:
        return figure(sum(own[file.name].tokens for file in files) / sum(file.characters for file in files))
    theirs = report.results[report.base].files
    tokens = np.array([[theirs[file.name].tokens, own[file.name].tokens] for file in files], dtype=np.float64)
    if not tokens[:, 1].sum():
        return figure(None)
    whole = figure(tokens[:, 0].sum() / tokens[:, 1].sum())
    if len(files) < 2:
        return whole
    draws = resampled(tokens)
    low, high = np.percentile(draws[:, 0] / np.maximum(draws[:, 1], 1), [2.5, 97.5])
    return f"{whole}\n{low:.3f}-{high:.3f}"


def figure(value: float | None) -> str:
    """A figure with three decimals, a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"


def round_trip(own: RoundTrip) -> str:
    """Losses of decoding as one cell."""
    if own.lossless:
        return "exact"
    return f"loses {own.characters_lost:.2%}, in {own.documents_lost:.0%} of documents"


def with_interval(part: Figures, base: str, form: str = "\n{:.3f}-{:.3f}") -> str:
    """The ratio to ``base``, and its interval as ``form`` says."""
    span = part.intervals.ratio[base]
    return figure(part.ratio[base]) + (form.format(*span) if span else "")
