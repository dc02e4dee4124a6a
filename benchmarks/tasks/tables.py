"""Evaluations as tables for a terminal."""

from collections.abc import Sequence

import click
from rich.console import Console

from benchmarks.report.terminal import new_table, print_whole
from benchmarks.tasks.contamination import RUN, Contamination
from benchmarks.tasks.evaluating import MAIN, EvaluationReport, TaskFigures
from tokenizer.standard_streams import printable


def print_evaluation(report: EvaluationReport, console: Console | None = None) -> None:
    """Print a row for each task and a column for each model; groups are marked."""
    console = console or Console()
    names = list(dict.fromkeys(task.name for model in report.models for task in model.tasks))
    of = {(model.model, task.name): task for model in report.models for task in model.tasks}
    models = [model.model for model in report.models]
    table = new_table("lm-evaluation-harness", ["task", "metric"], ("items", *map(printable, models)))
    for name in names:
        known = [task for model in models if (task := of.get((model, name)))]
        for metric in [metric for metric in MAIN if any(metric in task.metrics for task in known)]:
            items = f"{known[0].items:,}" if known[0].items is not None else ""
            label = f"{name} (mean)" if known[0].group else name
            table.add_row(
                printable(label), metric, items, *(_figure(of.get((model, name)), metric) for model in models)
            )
    print_whole(table, console)
    for model in report.models:
        click.echo(
            printable(
                f"{model.model}: {model.seconds:.0f} s; a token lies across the beginning of {model.crossing:.1%} of "
                f"the continuations ({report.settings['scoring']} scoring)"
            )
        )


def _figure(task: TaskFigures | None, metric: str) -> str:
    if task is None or metric not in task.metrics:
        return "–"
    error = task.errors.get(metric)
    return f"{task.metrics[metric]:.4f}" + (f" ± {error:.4f}" if error is not None else "")


def print_contamination(found: Sequence[Contamination], console: Console | None = None) -> None:
    """Print how many items of each task stand in the corpus."""
    table = new_table(
        f"Test items with {RUN} eojeols in the corpus", ["task"], ("items", "looked for", "found", "share")
    )
    for each in found:
        share = f"{each.found / each.looked_for:.1%}" if each.looked_for else "–"
        table.add_row(each.task, f"{each.items:,}", f"{each.looked_for:,}", f"{each.found:,}", share)
    print_whole(table, console or Console())
    for each in found:
        if each.example:
            click.echo(printable(f"{each.task}: such as {each.example!r}"))
