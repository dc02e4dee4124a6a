"""A comparison at equal compute as tables for a terminal, and in sentences."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.compute.curves import Estimate
from benchmarks.compute.results import Comparison, GroupFigures, TokenizerFigures
from benchmarks.metrics import GROUPS
from benchmarks.report.terminal import Terminal, cell, new_table, print_whole
from tokenizer.standard_streams import printable

BEYOND = "*"
"""Behind a figure that was read beyond the ends of a curve."""


def print_comparison(result: Comparison, out: Path | None = None, console: Console | None = None) -> None:
    """Print the result: sentences, tables by group, minimal pairs, costs, and what each tokenizer got."""
    console = console or Terminal()
    for line in headlines(result):
        console.print(Text(printable(line)), soft_wrap=True)
    tables = [group_table(result, group) for group in result.groups]
    for table in (*tables, pairs_table(result), cost_table(result), arms_table(result)):
        if table is not None:
            print_whole(table, console)
    if out:
        console.print(Text(printable(f"{out}: comparison.html has the plots, comparison.json all figures")))


def main_group(result: Comparison) -> str:
    """The group of the headline: Korean, or all texts where there is none."""
    return "Korean" if "Korean" in result.groups else "all"


def headlines(result: Comparison) -> Iterator[str]:
    """For each tokenizer but the first a sentence: the operations to reach the first one's bits per byte."""
    group = main_group(result)
    what = GROUPS[group].in_words if group in GROUPS else "all texts"
    first, *others = result.tokenizers
    reached = first.groups[group].at_flops[f"{result.budgets[-1]:g}"].mean
    for other in others:
        name, match = other.arm.name, other.groups[group].flops_to_match
        goal = f"{first.arm.name}'s {reached:.3f} bits per byte of {what} at {result.budgets[-1]:.3g} operations"
        if match is None:
            yield f"{name}: its curve does not lead to {goal}"
        elif match.low is None or match.high is None:
            yield f"{name}: needs {factor(match)} of the operations to reach {goal} (one seed, so no interval)"
        elif match.low <= 1 <= match.high:
            yield f"{name}: no difference shown; needs {factor(match)} of the operations to reach {goal}"
        else:
            yield f"{name}: needs {factor(match)} of the operations to reach {goal}"


def factor(estimate: Estimate) -> str:
    """A multiple with its interval."""
    span = "" if estimate.low is None else f" ({estimate.low:.2f} to {estimate.high:.2f})"
    return f"{estimate.mean:.2f}{BEYOND if estimate.extrapolated else ''}{span}"


def figure(estimate: Estimate | None, digits: int = 3) -> str:
    """A mean and half of its interval."""
    if estimate is None:
        return "–"
    half = "" if estimate.high is None else f" ±{estimate.high - estimate.mean:.{digits}f}"
    return f"{estimate.mean:.{digits}f}{BEYOND if estimate.extrapolated else ''}{half}"


def group_table(result: Comparison, group: str) -> Table:
    """Bits per byte of one group of texts."""
    label = GROUPS[group].head[0] if group in GROUPS else "All texts"
    budgets = [f"{budget:g}" for budget in result.budgets]
    heads = (*(f"{budget} FLOP" for budget in budgets), "equal bytes", "equal seconds", "FLOP to match")
    seeds = f", with 95% intervals over {result.seeds} seeds" if result.seeds > 1 else ""
    title = f"{label}: bits per byte{seeds}"
    table = new_table(title, ["tokenizer"], heads, f"{BEYOND} read beyond the ends of a curve")
    for each in result.tokenizers:
        own: GroupFigures = each.groups[group]
        match = factor(own.flops_to_match) if own.flops_to_match else "–"
        figures = [figure(own.at_flops[budget]) for budget in budgets]
        table.add_row(cell(each.arm.name), *figures, figure(own.at_bytes), figure(own.at_seconds), match)
    return table


def pairs_table(result: Comparison) -> Table | None:
    """Minimal pairs told apart, by phenomenon; None where there are none."""
    if not result.pairs or not result.tokenizers[0].pairs:
        return None
    names = [each.arm.name for each in result.tokenizers]
    table = new_table("Minimal pairs told apart, % (chance 50)", ["phenomenon"], ("pairs", *names))
    for phenomenon in (*result.pairs, "all"):
        count = result.pairs.get(phenomenon, sum(result.pairs.values()))
        shares = [each.pairs.get(phenomenon) for each in result.tokenizers]
        table.add_row(phenomenon, f"{count:,}", *(percent(share) for share in shares))
    return table


def percent(estimate: Estimate | None) -> str:
    """A share as a percentage with half of its interval."""
    if estimate is None:
        return "–"
    half = "" if estimate.high is None else f" ±{100 * (estimate.high - estimate.mean):.1f}"
    return f"{100 * estimate.mean:.1f}{half}"


def cost_table(result: Comparison) -> Table | None:
    """Continuations by both ways of scoring, and the cost of generation; None without Korean text."""
    if not any(each.continuations or each.generation for each in result.tokenizers):
        return None
    heads = ("crossing", "no token", "exact", "plain", "tokens", "seconds", "cache KB")
    title = "Continuations (nats per byte), and generation of the same 1,000 characters"
    table = new_table(title, ["tokenizer"], heads, "models of the largest budget, first seed")
    for each in result.tokenizers:
        table.add_row(cell(each.arm.name), *_costs(each))
    return table


def _costs(each: TokenizerFigures) -> Sequence[str]:
    found, cost = each.continuations, each.generation
    scored = ("–",) * 4
    if found:
        nats = (found["exact_nats_per_byte"], found["plain_nats_per_byte"])
        shares = (found["crossing"] / found["cuts"], found["without_token"] / found["cuts"])
        scored = (
            *(f"{share:.0%}" for share in shares),
            *("–" if value is None else f"{value:.3f}" for value in nats),
        )  # type: ignore[assignment]
    if not cost:
        return (*scored, "–", "–", "–")
    return (*scored, f"{cost['tokens']:,}", f"{cost['seconds']:.2f}", f"{cost['cache_bytes'] / 1e3:,.0f}")


def arms_table(result: Comparison) -> Table:
    """What each tokenizer got."""
    heads = ("ids", "bytes/token", "context", "parameters", "MFLOP/token", "head", "learning rate")
    table = new_table("Models", ["tokenizer"], heads)
    for arm in (each.arm for each in result.tokenizers):
        table.add_row(
            cell(arm.name),
            f"{arm.vocab_size:,}",
            f"{arm.bytes_per_token:.2f}",
            str(arm.context),
            f"{arm.parameters / 1e6:,.1f} M",
            f"{arm.flops_per_token / 1e6:,.1f}",
            f"{arm.head_share:.0%}",
            f"{arm.rate:g}",
        )
    return table
