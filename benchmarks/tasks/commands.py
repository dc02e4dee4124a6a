"""The command ``gyeol evaluate``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tokenizer.console import AS_JSON, FOLDER, FORCE, print_json

TASKS_HELP = "Tasks or groups of lm-evaluation-harness, parted by commas."
DATA_HELP = "Folder with data sets as DATA/NAME/CONFIGURATION/SPLIT.jsonl, for tasks that are not to be downloaded."
CHECK_HELP = "Only report how many test items stand in this corpus (file or folder; may be repeated)."


@click.command(epilog="Example: gyeol evaluate run --tasks kobest,click --limit 100 --out results.json")
@click.argument("models", nargs=-1, type=FOLDER)
@click.option("--tasks", help=TASKS_HELP)
@click.option("--list", "listed", is_flag=True, help="Print the Korean tasks by what they measure.")
@click.option("--limit", type=int, help="Items of each task at most.")
@click.option("--shots", type=int, help="Examples before each item; what the task has by default.")
@click.option("--scoring", type=click.Choice(["exact", "plain"]), default="exact", help="plain: as others score.")
@click.option("--data", type=FOLDER, help=DATA_HELP)
@click.option("--chat", is_flag=True, help="Put items into the chat template.")
@click.option("--check", "corpus", multiple=True, metavar="CORPUS", help=CHECK_HELP)
@click.option("--device", default="auto", help="Device: cpu, cuda, cuda:1 ...")
@click.option("--out", type=FOLDER, help="JSON file for all figures, which `gyeol plot` draws.")
@FORCE
@AS_JSON
def evaluate(
    models: tuple[Path, ...], tasks: str | None, listed: bool, corpus: tuple[str, ...], as_json: bool, **rest: Any
) -> None:
    """Measure MODELS, run folders or Hugging Face folders, on Korean tasks of lm-evaluation-harness.

    Continuations are scored exactly, also where a token lies across their beginning. Needs the extra eval.
    """
    from benchmarks.tasks.evaluating import check_corpus, evaluate_and_write
    from benchmarks.tasks.korean import KOREAN_TASKS
    from benchmarks.tasks.tables import print_contamination, print_evaluation

    out, force, names = rest.pop("out"), rest.pop("force"), [name for name in (tasks or "").split(",") if name]
    if listed:
        print_json([task._asdict() for task in KOREAN_TASKS]) if as_json else click.echo("\n".join(_list()))
    elif corpus:
        found = check_corpus(names, corpus, data=rest["data"], limit=rest["limit"])
        print_json([vars(each) for each in found]) if as_json else print_contamination(found)
    elif not models or not names:
        raise click.UsageError("give MODELS and --tasks, or --list")
    else:
        report = evaluate_and_write(models, names, out, force=force, **rest)
        print_json(report) if as_json else print_evaluation(report)


def _list() -> Iterator[str]:
    from benchmarks.tasks.korean import KOREAN_TASKS

    width = max(len(task.name) for task in KOREAN_TASKS)
    yield from (f"{task.name:{width}}  {task.measures} · {task.korean}" for task in KOREAN_TASKS)
