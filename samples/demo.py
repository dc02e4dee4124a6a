"""The steps of `gyeol demo`: the whole chain on the embedded sample, in one folder."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

import samples
from model.checkpoint import RUN_FOLDER
from tokenizer.errors import InputError
from tokenizer.files import write_json
from tokenizer.outputs import Kind, check_free, is_empty, locked, remove_folder
from tokenizer.shards import SHARD_FOLDER
from tokenizer.vocabulary import TOKENIZER_FOLDER

FOLDERS = {"vocabulary": TOKENIZER_FOLDER, "shards": SHARD_FOLDER, "run": RUN_FOLDER}
"""What a demo writes."""
MARKER = "demo.json"
DEMO_FOLDER = Kind("demo", (MARKER,), "gyeol-demo", tuple(f"{name}/*" for name in FOLDERS))
END = """
The new vocabulary was trained on the very sample that it is measured on here; gyeol-100k never saw it.
Everything is left in {folder}: vocabulary/ (load it with transformers), shards/, run/ (a Llama model folder with \
log.jsonl)."""


def run_demo(out: Path, minutes: float, force: bool) -> Iterator[list[str]]:
    """Open the folder of a demo and yield its commands, each printed before; the caller runs them one after another."""
    with locked(out):
        open_demo(out, force)
        for arguments in demo_commands(out, minutes):
            click.secho("\n$ gyeol " + shlex.join(arguments), bold=True)
            yield arguments
    click.echo(END.format(folder=out.resolve()))


def open_demo(out: Path, force: bool) -> None:
    """Make the folder of a demo, or take the one that is there; with ``force`` what it holds is removed.

    `InputError` for a folder that holds anything else; nothing is removed then.
    """
    there = os.path.lexists(out) and not is_empty(out)
    if there and (not DEMO_FOLDER.is_at(out) or DEMO_FOLDER.foreign(out)):
        raise InputError(f"{out}: holds something other than a demo; name a new folder")
    if force:
        for name, kind in FOLDERS.items():
            check_free(out / name, kind, force)
        for name, kind in FOLDERS.items():
            remove_folder(out / name, kind)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / MARKER, {"format": DEMO_FOLDER.format, "version": 1})


def demo_commands(out: Path, minutes: float) -> list[list[str]]:
    """The commands of a demo, which write below ``out``; pretraining takes so many minutes.

    A vocabulary that is there already is not trained again, and shards and runs go on where they were.
    """
    corpus, vocabulary, data, run = str(samples.folder() / "*.txt"), *(str(out / name) for name in FOLDERS)
    small = ["--preset", "nano", "--context", "128", "--batch-tokens", "1024", "--tokens", "300000"]
    train = ["train", corpus, "--vocab-size", "4096", "--out", vocabulary]
    return [
        *([] if TOKENIZER_FOLDER.is_at(Path(vocabulary)) else [train]),
        ["shard", "-t", vocabulary, corpus, "--out", data],
        ["pretrain", "--data", data, *small, "--minutes", str(minutes), "--out", run],
        ["fertility", "-t", vocabulary, "-t", "gyeol-100k", corpus],
        *(["generate", run, "--max-tokens", "60", "--seed", "1", "--prompt", p] for p in ("오늘은", "데이터베이스는")),
    ]
