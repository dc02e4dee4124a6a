"""Results of the benchmark as tables for a terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich import markup
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.fertility.results import Figures, Report, RoundTrip
from benchmarks.metrics import ALIGNMENT, FERTILITY, GROUPS
from tokenizer.standard_streams import printable


class Terminal(Console):
    """A console whose reader may go away early: the command line says what that means, rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that rich has just caught."""
        raise


def print_fertility(report: Report, console: Console | None = None) -> None:
    """Print a report: averages, ratios, files, and the input that was left out."""
    console = console or Terminal()
    tables = [macro_table(report), *(ratio_table(report, base) for base in report.against)]
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
            if name != report.base and ratio:
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


def new_table(title: str, left: Sequence[str], right: Sequence[str], caption: str | None = None) -> Table:
    """A table with columns of text on the left and of figures on the right, none of them wrapped."""
    table = Table(title=cell(title), caption=cell(caption) if caption else None)
    for columns, justify in ((left, "left"), (right, "right")):
        for column in columns:
            table.add_column(cell(column), justify=justify, no_wrap=True)  # type: ignore[arg-type]
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
    """One row per tokenizer: the means over files, and the losses of decoding."""
    heads = ("vocabulary", *(metric.head for metric in FERTILITY))
    table = new_table(f"Fertility, mean over {len(report.files)} files", ["tokenizer"], heads)
    table.add_column("round trip", no_wrap=True)
    for tokenizer in report.tokenizers:
        own = report.results[tokenizer.name]
        cells = [figure(getattr(own.macro, metric.key)) for metric in FERTILITY]
        table.add_row(cell(tokenizer.name), f"{tokenizer.vocab_size:,}", *cells, round_trip(own.round_trip))
    return table


def ratio_table(report: Report, base: str) -> Table:
    """One row per tokenizer: tokens of ``base`` / tokens of the tokenizer, over all files and by group."""
    numbers = Counter(file.group for file in report.files)
    caption = f"tokens of {base} / tokens of the tokenizer: above 1 it needs fewer; bootstrap 95% intervals"
    heads = (*(f"{group}\nn = {numbers[group]}" for group in report.groups), "mean of\nall files", "all\ntext")
    table = new_table(f"Ratio to {base}", ["tokenizer"], heads, caption)
    for name, own in report.results.items():
        parts = [*(own.groups[group] for group in report.groups), own.macro]
        cells = [with_interval(part, base) for part in parts]
        table.add_row(cell(name), *cells, figure(own.total.ratio[base]))
    return table


def claim_table(report: Report, base: str) -> Table:
    """One row per tokenizer: is the ratio at least the claim, by group and over all files?"""
    title = f"Does {base} need at least {report.claim:g}x the tokens? (95%)"
    table = new_table(title, ["tokenizer", *report.groups, "mean of all files"], [])
    for name, own in report.results.items():
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
    table = new_table(title, ["tokenizer"], [metric.head for metric in ALIGNMENT], caption)
    for name, own in rows.items():
        table.add_row(cell(name), *(figure(getattr(own, metric.key)) for metric in ALIGNMENT))
    return table


def file_table(report: Report) -> Table:
    """One row per file, by group: each tokenizer's tokens per character and ratio to the first baseline."""
    base = report.base
    caption = "tokens per character" + (f", x tokens of {base} / tokens of the tokenizer" if base else "")
    table = new_table("By file", ["file", "group"], ["characters", *report.results], caption)
    for group in report.groups:
        for file in (file for file in report.files if file.group == group):
            rows = [own.files[file.name] for own in report.results.values()]
            cells = [
                figure(row.tokens_per_character) + (f"  x {figure(row.ratio[base])}" if base else "") for row in rows
            ]
            table.add_row(cell(file.name), group, f"{file.characters:,}", *cells)
        table.add_section()
    return table


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
