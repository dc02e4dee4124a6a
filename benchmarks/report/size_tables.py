"""Vocabularies of several sizes as tables for a terminal, and in sentences."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.metrics import GROUPS
from benchmarks.report.terminal import Terminal, figure, new_table, print_whole
from benchmarks.size_figures import PRESETS, Comparison, Cost, least_work
from tokenizer.standard_streams import printable

MOST_NAMES = 5
"""Measured files that are named; of more, the number is said."""


def print_sizes(result: Comparison, out: Path, console: Console | None = None) -> None:
    """Print a comparison that was written to ``out``: what was measured, two tables, and its advice."""
    console = console or Terminal()
    console.print(Text(printable(measured_in_words(result))), soft_wrap=True)
    for table in (size_table(result), cost_table(result)):
        print_whole(table, console)
    for skipped in result.skipped:
        console.print(Text(printable(f"skipped {skipped.path}: {skipped.reason}"), style="yellow"), soft_wrap=True)
    for sentence in result.advice:
        console.print(Text(sentence), soft_wrap=True)
    folders = ", ".join(str(size.vocab_size) for size in result.sizes)
    console.print(Text(printable(f"{out}: figures in sizes.json, tokenizers in {folders}")), soft_wrap=True)


def measured_in_words(result: Comparison) -> str:
    """The measured files, by name where they are few, and whether they were left out of the corpus."""
    names = [source.path for source in result.measured]
    where = "left out of training" if result.left_out else "outside the corpus"
    shown = f": {', '.join(names)}" if len(names) <= MOST_NAMES else ", named in sizes.json"
    characters = sum(source.characters for source in result.measured)
    return f"Measured on {len(names)} file{'s' * (len(names) != 1)} {where} ({characters:,} characters){shown}"


def size_table(result: Comparison) -> Table:
    """One row per size: the ratio of each group, characters per token, and the tokens that the corpus does not use."""
    groups = [group for group in GROUPS if group in result.sizes[0].ratio]
    heads = [*groups, "chars/\ntoken", "tokens\nunused"]
    table = new_table("Ratio to o200k_base, by size", ["ids"], heads)
    for size in result.sizes:
        unused = "-" if size.unused_share is None else f"{size.unused_share:.1%}"
        ratios = [figure(size.ratio[group]) for group in groups]
        table.add_row(f"{size.vocab_size:,}", *ratios, f"{size.characters_per_token:.3f}", unused)
    return table


def cost_table(result: Comparison) -> Table:
    """One row per size, one column per preset, the least work of each preset bold."""
    title = "Million operations of training per character"
    table = new_table(title, ["ids"], PRESETS, "*: least of the preset; %: the embedding's share of the parameters")
    least = least_work(result.sizes)
    for size in result.sizes:
        cells = [_cost(size.costs[shape], least[shape] == size.vocab_size) for shape in PRESETS]
        table.add_row(f"{size.vocab_size:,}", *cells)
    return table


def _cost(cost: Cost, least: bool) -> str:
    millions = cost.operations_per_character / 1e6
    shown = f"{millions:,.0f}" if millions >= 100 else f"{millions:.1f}"
    return f"{'*' * least}{shown} {cost.embedding_share:4.0%}"
