"""The tables of `benchmarks.speed.__main__`."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from benchmarks.report.terminal import print_whole


def print_training(result: dict[str, Any], console: Console | None = None) -> None:
    """Print what `measure_training` returned."""
    table = _table(f"Training {result['settings']['vocab_size']:,} ids on {result['corpus']['bytes'] / 1e6:.1f} MB")
    for column in ("trainer", "seconds", "min - max", "CPU s", "peak MB", "time x", "memory x", "warm-up s"):
        table.add_column(column, justify="left" if column == "trainer" else "right", no_wrap=True)
    for name, own in result["results"].items():
        time, memory = own["seconds"], own["peak_bytes"]
        ratios = [f"{own[key]:.2f}" if key in own else "-" for key in ("time_ratio", "memory_ratio")]
        span, warm_up = f"{time['min']:.2f} - {time['max']:.2f}", f"{own['rounds'][0]['warm_up_seconds']:.1f}"
        figures = (
            f"{time['median']:.2f}",
            span,
            f"{own['cpu_seconds']['median']:.2f}",
            f"{memory['median'] / 1e6:,.0f}",
        )
        table.add_row(name, *figures, *ratios, warm_up)
    _print(table, result, console)


def print_encoding(result: dict[str, Any], console: Console | None = None) -> None:
    """Print what `measure_encoding` returned."""
    table = _table(f"Encoding {result['texts']['bytes'] / 1e6:.1f} MB, cold caches")
    for column in (
        "vocabulary",
        "engine",
        "case",
        "threads",
        "MB/s",
        "min - max",
        "of normal",
        "of 1 thread",
        "same ids",
    ):
        left = column in ("vocabulary", "engine", "case")
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for row in result["results"]:
        speed = row["mb_per_second"]
        table.add_row(
            escape(row["vocabulary"]),
            row["engine"],
            row["case"],
            str(row["threads"]),
            f"{speed['median']:.2f}",
            f"{speed['min']:.2f} - {speed['max']:.2f}",
            "-" if row["of_normal"] is None else f"{row['of_normal']:.2f}",
            "-" if row["of_one_thread"] is None else f"{row['of_one_thread']['median']:.2f}",
            f"{row['equal_documents']}/{row['documents']}",
        )
    _print(table, result, console)


def print_sharding(result: dict[str, Any], console: Console | None = None) -> None:
    """Print what `measure_sharding` returned."""
    own = result["results"]
    table = _table(f"gyeol shard, {result['corpus']['bytes'] / 1e6:.1f} MB to {own['tokens']:,} tokens")
    for column in ("tokenizer", "seconds", "min - max", "MB/s", "CPU s", "peak MB"):
        table.add_column(column, justify="left" if column == "tokenizer" else "right", no_wrap=True)
    table.add_row(
        escape(result["settings"]["tokenizer"]),
        f"{own['seconds']['median']:.2f}",
        f"{own['seconds']['min']:.2f} - {own['seconds']['max']:.2f}",
        f"{own['mb_per_second']['median']:.1f}",
        f"{own['cpu_seconds']['median']:.2f}",
        f"{own['peak_bytes']['median'] / 1e6:,.0f}",
    )
    _print(table, result, console)


def print_pretraining(result: dict[str, Any], console: Console | None = None) -> None:
    """Print what `measure_pretraining` returned."""
    settings = result["settings"]
    table = _table(f"{settings['preset']}, {settings['steps']} steps of {settings['batch_tokens']:,} tokens")
    for column in ("", "tokens/s", "min - max", "CPU s", "peak MB", "speed x", "CPU x", "memory x", "loss differs by"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for name, own in result["results"].items():
        speed = own["tokens_per_second"]
        ratios = [f"{own[key]:.2f}" if key in own else "-" for key in ("speed_ratio", "cpu_ratio", "memory_ratio")]
        table.add_row(
            name,
            f"{speed['median']:,.0f}",
            f"{speed['min']:,.0f} - {speed['max']:,.0f}",
            f"{own['cpu_seconds']['median']:.1f}",
            f"{own['peak_bytes']['median'] / 1e6:,.0f}",
            *ratios,
            f"{own['loss_difference']:.1e}" if "loss_difference" in own else "-",
        )
    _print(table, result, console)


def _table(title: str) -> Table:
    return Table(title=escape(title))


def _print(table: Table, result: dict[str, Any], console: Console | None) -> None:
    console = console or Console()
    print_whole(table, console)
    for skipped in result["skipped"]:
        console.print(Text(f"skipped {skipped['name']}: {skipped['reason']}", style="yellow"), soft_wrap=True)
