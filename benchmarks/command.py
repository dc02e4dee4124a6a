"""Options and errors shared by the command lines of speed, ablation and publish."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tokenizer.errors import InputError
from tokenizer.files import write_json
from tokenizer.outputs import JSON_MARK, check_file

ROUNDS = click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="Times to measure each.")
FORCE = click.option("--force", is_flag=True, is_eager=True, help="Replace older results.")
TEXT_KEY = click.option("--text-key", default="text", show_default=True, help="Field or column of JSONL and Parquet.")
THREADS = click.option("--threads", type=click.IntRange(1), help="All cores by default.")


def timeout(seconds: float, work: str = "measurement") -> Callable[[Any], Any]:
    """The option ``--timeout`` with its default in seconds for one piece of ``work``."""
    kind = click.FloatRange(min=0, min_open=True)
    return click.option("--timeout", type=kind, default=seconds, show_default=True, help=f"Seconds for one {work}.")


def _free(context: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    force = context.params.pop("force")
    if path:
        with input_errors():
            check_file(path, JSON_MARK, force)
    return path


def JSON(command: Any) -> Any:
    """The options ``--json`` and ``--force``: a file for all figures, looked at before the work."""
    kind = click.Path(path_type=Path)
    return FORCE(click.option("--json", "json_path", type=kind, callback=_free, help="File for all figures.")(command))


@contextmanager
def input_errors() -> Iterator[None]:
    """Turn an error in the user's input into click's error, exit code 2."""
    try:
        yield
    except (InputError, OSError) as error:
        raise click.UsageError(str(error)) from None


def finish(result: dict[str, Any], path: Path | None, show: Callable[[dict[str, Any]], None]) -> None:
    """Print ``result`` with ``show``; write it to ``path`` too, if that is given."""
    show(result)
    if path:
        write_json(path, result)
