"""Parity of exports: every format in the engine that it is for, beside Gyeol.

    python -m benchmarks.exports gyeol-100k gyeol-100k-gguf RUN --json exports.json

A source is a tokenizer or the folder of a model. Each is exported by `model.exporting.export` and loaded by the engine;
some 500 texts (`benchmarks.parity_texts`) are encoded by both, and the logits after beginnings of the longest are
compared. A format that refuses a source is a row too, with the reason.
"""

import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from rich.console import Console

from benchmarks.command import JSON, finish, input_errors
from benchmarks.llama_cpp import COMPARED, llama_cpp_parity
from benchmarks.parity_texts import parity_texts
from benchmarks.provenance import provenance, shown_path
from benchmarks.report.terminal import new_table, print_whole
from model import load_model
from model.exporting import export
from tokenizer import Tokenizer
from tokenizer.errors import InputError


@dataclass(frozen=True)
class Row:
    """One source in one engine."""

    source: str
    format: str
    engine: str
    """Package and version."""
    texts: int
    differing: int | None
    """Texts to which the engine gives other ids; None where the export was refused."""
    largest_logit_difference: float | None
    """Between log-probabilities; None for a tokenizer alone."""
    refused: str | None = None
    """Why there is no such export."""


def tokenizers_row(source: str, texts: Sequence[str], place: Path) -> Row:
    """The Hugging Face folder in the package tokenizers."""
    import tokenizers  # engines are loaded where they are measured

    export(source, "hf", place / "hf")
    theirs = tokenizers.Tokenizer.from_file(str(place / "hf" / "tokenizer.json"))
    theirs.encode_special_tokens = True
    found = [encoding.ids for encoding in theirs.encode_batch(list(texts), add_special_tokens=False)]
    return _row(source, "hf", "tokenizers", texts, found)


def transformers_row(source: str, texts: Sequence[str], place: Path) -> Row:
    """The Hugging Face folder in transformers, tokenizer and model."""
    import transformers

    export(source, "hf", place / "transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(place / "transformers")
    found = [theirs.encode(text, add_special_tokens=False, split_special_tokens=True) for text in texts]
    largest = None
    if (place / "transformers" / "config.json").exists():
        ids = _beginning(source, texts)
        model = transformers.AutoModelForCausalLM.from_pretrained(place / "transformers", dtype=torch.float32)
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
            ours = load_model(source)(torch.tensor([ids]))[0].double().log_softmax(-1)[:, : logits.shape[1]]
        ends = np.unique(np.linspace(0, len(ids) - 1, COMPARED, dtype=int))
        largest = float((logits - ours)[ends].abs().max())
    return _row(source, "hf", "transformers", texts, found, largest)


def tiktoken_row(source: str, texts: Sequence[str], place: Path) -> Row:
    """The plugin in tiktoken."""
    import tiktoken

    export(source, "tiktoken", place / "tiktoken")
    path = next((place / "tiktoken" / "tiktoken_ext").glob("*.py"))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    theirs = tiktoken.Encoding(**module.ENCODING_CONSTRUCTORS[path.stem]())
    return _row(source, "tiktoken", "tiktoken", texts, [theirs.encode_ordinary(text) for text in texts])


def llama_cpp_row(source: str, texts: Sequence[str], place: Path) -> Row:
    """The GGUF file in stock llama.cpp."""
    found = llama_cpp_parity(source, texts)
    differing, largest = len(found.differing), found.largest_logit_difference
    return Row(source, "gguf", f"llama.cpp ({found.version})", found.texts, differing, largest)


ENGINES: dict[str, tuple[str, Callable[[str, Sequence[str], Path], Row]]] = {
    "tokenizers": ("hf", tokenizers_row),
    "transformers": ("hf", transformers_row),
    "tiktoken": ("tiktoken", tiktoken_row),
    "llama.cpp": ("gguf", llama_cpp_row),
}
"""The engines, and the format that each reads."""


def parity(source: str, engine: str, texts: Sequence[str]) -> Row:
    """How one source fares in one engine."""
    form, measure = ENGINES[engine]
    with tempfile.TemporaryDirectory() as place:
        try:
            return replace(measure(source, texts, Path(place)), source=shown_path(source))
        except InputError as error:
            reason = str(error).replace(source, shown_path(source))
            return Row(shown_path(source), form, engine, 0, None, None, reason)


def _row(
    source: str,
    form: str,
    package: str,
    texts: Sequence[str],
    found: Sequence[Sequence[int]],
    largest: float | None = None,
) -> Row:
    ours = Tokenizer.load(source).encode_batch(list(texts))
    differing = sum(list(theirs) != own for theirs, own in zip(found, ours, strict=True))
    return Row(source, form, f"{package} {version(package)}", len(texts), differing, largest)


def _beginning(source: str, texts: Sequence[str]) -> list[int]:
    """Ids of the longest text, as many as the model takes."""
    tokenizer, context = Tokenizer.load(source), load_model(source).config.max_context
    begin = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
    return [*begin, *tokenizer.encode(max(texts, key=len))][: context - 1]


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    table = new_table("Exports", ["source", "format", "engine"], ["texts", "differing", "largest logit difference"])
    for row in result["rows"]:
        largest, differing = row["largest_logit_difference"], row["differing"]
        values = (
            ("refused", "") if differing is None else (f"{differing:,}", "" if largest is None else f"{largest:.1e}")
        )
        table.add_row(row["source"], row["format"], row["engine"], f"{row['texts']:,}", *values)
    print_whole(table, Console())
    for row in result["rows"]:
        if row["refused"]:
            click.echo(f"{row['source']}, {row['format']}: {row['refused']}")


@click.command()
@click.argument("sources", nargs=-1, required=True)
@JSON
def main(sources: tuple[str, ...], json_path: Path | None) -> None:
    """Export SOURCES in every format and compare each engine with Gyeol."""
    with input_errors():
        texts = parity_texts()
        one = partial(parity, texts=texts)
        rows = [asdict(one(source, engine)) for source in sources for engine in ENGINES]
        origin = asdict(provenance("python", "-m", "benchmarks.exports"))
        finish({"measure": "parity of exports", "provenance": origin, "rows": rows}, json_path, show)


if __name__ == "__main__":
    main()
