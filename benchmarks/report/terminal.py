"""Results of the benchmark as tables for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

RATES = {
    "tokens_per_character": "tokens/\nchar",
    "characters_per_token": "chars/\ntoken",
    "bytes_per_token": "bytes/\ntoken",
    "tokens_per_eojeol": "tokens/\neojeol",
    "eojeols_whole": "eojeols\nwhole",
    "eojeols_single_token": "one\ntoken",
    "tokens_inside_character": "end inside\na char",
    "renyi_efficiency": "Rényi\neff.",
    "vocabulary_used": "vocab\nused",
}


GROUP_WORDS = {"Korean": "Korean", "English": "English", "code": "code", "other": "other text"}


def print_fertility(result: dict[str, Any], console: Console | None = None) -> None:
    """Print what `benchmarks.fertility.measure` returned: averages, ratios, files, and what was left out."""
    console = console or Console()
    tables = [macro_table(result), *(ratio_table(result, base) for base in result["against"])]
    tables += [claim_table(result, base) for base in result["against"] if result["claim"] is not None]
    tables += [table for table in (alignment_table(result), file_table(result)) if table]
    for table in tables:
        print_whole(table, console)
    for line in in_words(result):
        console.print(Text(line), soft_wrap=True)
    for line in left_out(result):
        console.print(Text(line, style="yellow"), soft_wrap=True)


def in_words(result: dict[str, Any]) -> list[str]:
    """What each ratio to the first baseline means for context and cost, a sentence per tokenizer and group."""
    if not (base := next(iter(result["against"]), None)):
        return []
    lines = []
    for name, own in result["results"].items():
        for group in groups_of(result):
            ratio = own["groups"][group]["ratio"].get(base)
            if name != base and ratio:
                less = f"{1 - 1 / ratio:.0%} less" if ratio >= 1 else f"{1 / ratio - 1:.0%} more"
                lines.append(
                    f"{name}: the same 128K window holds {ratio:.2f}x as much {GROUP_WORDS[group]} as with {base}; "
                    f"at the same price a token, it costs {less}"
                )
    return lines


def left_out(result: dict[str, Any]) -> list[str]:
    """What could not be used, and why."""
    standard = result["alignment"] or {"problems": []}
    return [
        *(f"not measured {row['name']}: {row['reason']}" for row in result["failed"]),
        *(f"skipped {row['path']}: {row['reason']}" for row in result["skipped"]),
        *(f"left out of {standard['standard']}: {problem}" for problem in standard["problems"]),
    ]


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
    for column in ("vocabulary", *RATES.values()):
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
    groups = groups_of(result)
    numbers = Counter(file["group"] for file in result["files"])
    caption = f"tokens of {base} / tokens of the tokenizer: above 1 it needs fewer; bootstrap 95% intervals"
    table = Table(title=escape(f"Ratio to {base}"), caption=escape(caption))
    table.add_column("tokenizer", no_wrap=True)
    for column in (*(f"{group}\nn = {numbers[group]}" for group in groups), "mean of\nall files", "all\ntext"):
        table.add_column(column, justify="right", no_wrap=True)
    for tokenizer in result["tokenizers"]:
        own = result["results"][tokenizer["name"]]
        parts = [*(own["groups"][group] for group in groups), own["macro"], own["total"]]
        table.add_row(escape(tokenizer["name"]), *(_ratio_cell(part, base) for part in parts))
    return table


def claim_table(result: dict[str, Any], base: str) -> Table:
    """One row per tokenizer: is the ratio at least the claim, by group and over all files?"""
    groups = groups_of(result)
    table = Table(title=escape(f"Does {base} need at least {result['claim']:g}x the tokens? (95%)"))
    table.add_column("tokenizer", no_wrap=True)
    for column in (*groups, "mean of all files"):
        table.add_column(column, no_wrap=True)
    for name, own in result["results"].items():
        parts = [*(own["groups"][group] for group in groups), own["macro"]]
        table.add_row(escape(name), *(part["claim"][base] for part in parts))
    return table


def alignment_table(result: dict[str, Any]) -> Table | None:
    """One row per tokenizer: boundaries inside eojeols against morphemes; None if that was not measured."""
    if not (standard := result["alignment"]):
        return None
    rows = standard.get("results") or {n: own["macro"].get("alignment") for n, own in result["results"].items()}
    if not all(rows.values()):
        return None
    title = f"Token boundaries inside eojeols against the morphemes of {standard['standard']}"
    table = Table(title=escape(title), caption="left out: the share of eojeols that MorphScore does not look at")
    table.add_column("tokenizer", no_wrap=True)
    for column in ("precision", "recall", "F1", "eojeols\nwhole", "MorphScore", "left out"):
        table.add_column(column, justify="right", no_wrap=True)
    keys = ("precision", "recall", "f1", "kept_whole", "morphscore", "morphscore_left_out")
    for name, own in rows.items():
        table.add_row(escape(name), *(figure(own[key]) for key in keys))
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
    for group in groups_of(result):
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


def _ratio_cell(part: dict[str, Any], base: str) -> str:
    span = part.get("intervals", {}).get("ratio", {}).get(base)
    return figure(part["ratio"][base]) + (f"\n{span[0]:.3f}-{span[1]:.3f}" if span else "")


def _file_cell(rates: dict[str, Any], base: str | None) -> str:
    own = figure(rates["tokens_per_character"])
    return f"{own}  x {figure(rates['ratio'][base])}" if base else own


def groups_of(result: dict[str, Any]) -> list[str]:
    """The groups that occur, Korean first."""
    return sorted({file["group"] for file in result["files"]}, key=list(GROUP_WORDS).index)
