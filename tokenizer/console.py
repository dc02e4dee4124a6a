"""What commands share: options, their group, printed results, and errors as one line and an exit code."""

import atexit
import gc
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, NoReturn

import click

from tokenizer.errors import InputError
from tokenizer.options import spelled
from tokenizer.standard_streams import PrintableFormatter, prepare_streams, printable

FOLDER = click.Path(path_type=Path)
MINUTES = click.FloatRange(min=0, min_open=True)
TOKENIZER = click.option("-t", "--tokenizer", required=True, help="gyeol-100k, gyeol-200k or a trained folder.")
TOKENIZERS = click.option(
    "-t", "--tokenizer", "tokenizers", multiple=True, required=True, metavar="TOKENIZER", help="May be repeated."
)
OUT = click.option("--out", type=FOLDER, required=True, help="Folder to write.")
FORCE = click.option("--force", is_flag=True, help="Replace what Gyeol wrote there before.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
FILL = click.option("--fill-what-you-can", is_flag=True, help="Be content with fewer ids where the corpus has no more.")
"""Options that several commands have."""


class Group(click.Group):
    """The group of all commands; a reader of their output that goes away early is not an error."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and write out what it printed."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:  # gyeol ... | head; Python would complain when it closes stdout
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        return result


def run(group: click.Group) -> NoReturn:
    """Run the command; turn what went wrong into one line on stderr and an exit code."""
    gc.set_threshold(100_000)  # loading makes half a million objects and no garbage: 0.1 s of searching them
    atexit.register(gc.freeze)  # nor is there any at the end: another 0.1 s
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter("gyeol: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    try:
        prepare_streams()
        code = group.main(prog_name="gyeol", standalone_mode=False)
    except click.ClickException as error:
        error.show(shown := io.StringIO())
        click.echo(printable(shown.getvalue().rstrip()), err=True)
        code = error.exit_code
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except (KeyboardInterrupt, click.Abort) as stop:
        click.echo("gyeol: interrupted; what was there before is whole, run the command again to go on", err=True)
        code = getattr(stop, "code", 130)
    except (InputError, OSError, MemoryError) as error:
        message = spelled(str(error), group.commands.values()) or type(error).__name__
        click.echo(f"gyeol: {printable(message)}", err=True)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def show(value: Any, as_json: bool, lines: Callable[[Any], Iterable[str]]) -> None:
    """Print a result as JSON, or the lines that describe it."""
    print_json(value) if as_json else click.echo(printable("\n".join(lines(value))))


def print_json(value: Any) -> None:
    """Print a result, a dataclass or what JSON has, as JSON."""
    value = asdict(value) if is_dataclass(value) else value  # type: ignore[arg-type]
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
