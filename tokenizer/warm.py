"""`gyeol warm`: compiles what is compiled on first use, so that later commands need not.

numba compiles a kernel for the types that it is called with, so each is called, by the work that users do: training by
every recipe and grammar, encoding of short, long and many texts by each, Korean for a tokenizer of another maker, token
shards.
"""

import base64
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tokenizer.errors import InputError
from tokenizer.native.compile import kernel_folder
from tokenizer.progress import progress_bar
from tokenizer.shards import write_shards
from tokenizer.shipped import shipped_names
from tokenizer.streaming import encode_stream
from tokenizer.tokenizer import Tokenizer
from tokenizer.training import CurriculumOptions, Stage, extend, train, train_sizes
from tokenizer.training.counts import CountTable
from tokenizer.training.runs import KeptRuns, Runs
from tokenizer.training.spool import Spool

_TEXT = "결을 따라 자르면 매끄럽다. 값은 1,234원이다!\nThe grain of the wood, don't cut across it.\n" * 40
_STAGES = (Stage("morphemes", 0.5), Stage("eojeols", 0.7), Stage("superwords", 1.0))
_SMALL: dict[str, Any] = {"vocab_size": 400, "fill_what_you_can": True}


@dataclass(frozen=True)
class Warmed:
    """What there is now."""

    folder: str
    """The folder of machine code."""
    kernels: int
    """Kernels in it, each for some types."""
    seconds: float
    """Time that it took."""


def warm() -> Warmed:
    """Compile all kernels and keep the shipped vocabularies as they are loaded. `InputError` where there is no cache
    folder to keep them in."""
    started, folder = time.monotonic(), kernel_folder()
    if folder is None:
        raise InputError("there is no cache folder to keep compiled kernels in; name a writable one in GYEOL_CACHE")
    with tempfile.TemporaryDirectory() as place, progress_bar("Compiling", total=len(WORK)) as bar:
        for work in WORK:
            work(Path(place))
            bar.advance(1)
    kernels = len(list(folder.rglob("*.nbi")))
    return Warmed(str(folder), kernels, round(time.monotonic() - started, 1))


def describe_warmed(warmed: Warmed) -> list[str]:
    """The result in a line for people."""
    return [f"{warmed.kernels} kernels in {warmed.folder}, {warmed.seconds:.0f} s"]


def _recipes(place: Path) -> None:
    corpus = _corpus(place)
    for recipe in ("plain", "strict"):
        _encode(train(corpus, recipe=recipe, **_SMALL))


def _curriculum(place: Path) -> None:
    options = CurriculumOptions(stages=_STAGES, min_sources=2, leave_out=("x@y",), weights=(("a*", 2.0),))
    made = train(_corpus(place), curriculum=options, **_SMALL)
    train(_corpus(place), curriculum=options, continue_from=made, **_SMALL | {"vocab_size": 420})
    train_sizes(_corpus(place), [390, 400], curriculum=CurriculumOptions(digits="right3"), fill_what_you_can=True)


def _spooled(place: Path) -> None:
    train(_corpus(place), memory="64GB", spool_folder=place, **_SMALL)


def _large(_: Path) -> None:
    """What training does only where there are many words and runs."""
    table, one = CountTable(), np.ones(1, dtype=np.int32)
    table.reserve(table.table.slots.size, 1)
    kept = KeptRuns(table, Spool())
    kept.level = 1
    kept.add(kept.new_part(table), table, Runs(one, one, one))


def _foreign(place: Path) -> None:
    """A grammar that is a regular expression, and Korean for its tokenizer."""
    ranks = place / "bytes.tiktoken"
    ranks.write_bytes(b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256)))
    base = Tokenizer.from_tiktoken(ranks, pattern=r"\s?\S+|\s")
    _encode(base)
    _encode(extend(base, _corpus(place), 20, fill_what_you_can=True))


def _shipped(_: Path) -> None:
    for name in shipped_names():
        _encode(Tokenizer.load(name))


def _encode(tokenizer: Tokenizer) -> None:
    """Encode in every way."""
    texts = [_TEXT, "", "가" * 5000, "a" * 100, _TEXT * 20]
    tokenizer.encode_batch(texts)
    for text in texts:
        tokenizer.encode_with_offsets(text)
    list(encode_stream(tokenizer, iter(texts)))
    tokenizer.encode_bytes([b"ab", "결".encode()])


def _shards(place: Path) -> None:
    write_shards(Tokenizer.load(shipped_names()[0]), list(map(str, _corpus(place))), place / "shards")


def _corpus(place: Path) -> list[Path]:
    """Two files of text."""
    paths = [place / "a.txt", place / "b.txt"]
    for path in paths:
        path.write_text(_TEXT, encoding="utf-8")
    return paths


WORK = (_shipped, _shards, _recipes, _curriculum, _spooled, _large, _foreign)
"""What is done, in a folder for its files."""
