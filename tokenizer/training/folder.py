"""Training into a folder, with options as a command line has them."""

import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tokenizer.outputs import check_free, locked
from tokenizer.tokenizer import Tokenizer
from tokenizer.training.curriculum import CurriculumOptions
from tokenizer.training.recipes import train
from tokenizer.vocabulary import TOKENIZER_FOLDER


def options_from_text(**given: Any) -> dict[str, Any]:
    """Options of `train` from those of a command line, where None stands for an option that was not given.

    Stages and weights are texts (see `CurriculumOptions.from_text`), ``continue_from`` is the name of a tokenizer.
    `InputError` for texts that are none, and a tokenizer that cannot be loaded.
    """
    names = [field.name for field in fields(CurriculumOptions) if field.name in given]
    curriculum = CurriculumOptions.from_text(**{name: given.pop(name) for name in names})
    options = {key: value for key, value in given.items() if value is not None}
    if curriculum != CurriculumOptions():
        options["curriculum"] = curriculum
    if "continue_from" in options:
        options["continue_from"] = Tokenizer.load(options["continue_from"])
    return options


def train_folder(
    corpus: Sequence[str | Path], out: Path, *, force: bool = False, name: str | None = None, **options: Any
) -> Tokenizer:
    """Train a tokenizer with ``options`` of `train` and save it as the folder ``out``, after which it is named unless
    a ``name`` is given.

    What `train` keeps in files is beside ``out``. `InputError` as `train` raises it, and before any work where
    ``out`` holds something; with ``force`` an older tokenizer is replaced, and nothing else.
    """
    name = os.fsencode(name or out.resolve().name).decode("utf-8", errors="replace")
    with locked(out):
        check_free(out, TOKENIZER_FOLDER, force)
        trained = train(list(corpus), name=name, spool_folder=out.resolve().parent, **options)
        trained.save(out, force=force)
    return trained
