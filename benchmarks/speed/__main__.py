"""Speed and memory of training, encoding, sharding and pretraining, beside other libraries.

    python -m benchmarks.speed train CORPUS... --vocab-size 102400 --rounds 3 --json train.json
    python -m benchmarks.speed encode -t gyeol-100k TEXT... --threads 2 --rounds 5 --worst
    python -m benchmarks.speed shard -t gyeol-100k CORPUS... --rounds 5 --json shard.json
    python -m benchmarks.speed pretrain SHARDS --preset nano --steps 8 --rounds 3 --json pretrain.json

Every measurement is one process (see `benchmarks.speed.child`), the rounds go round all of them in turn, and a
library that is missing or cannot do the work is listed with the reason. CPU seconds show a library that uses
more threads than it was given, and a machine that was busy with something else.
"""

from __future__ import annotations

import base64
import json
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from benchmarks.peers.openai import RANK_FILES, ensure_ranks, load_encoding
from benchmarks.speed.child import spread
from benchmarks.speed.encoders import ENGINES, Form
from benchmarks.speed.pretraining import measure_pretraining
from benchmarks.speed.rounds import describe, missing, run_rounds, speed_provenance
from benchmarks.speed.sharding import measure_sharding
from benchmarks.speed.tables import print_encoding, print_pretraining, print_sharding, print_training
from benchmarks.speed.trainers import TRAINERS, TrainJob
from tokenizer.corpus import documents
from tokenizer.errors import InputError
from tokenizer.files import write_json
from tokenizer.threads import cores

PIECE = 1 << 14
"""Texts to encode are cut into documents of about so many characters, behind a line end where there is one."""
BASE_TRAINER, BASE_VOCABULARY = "huggingface", "o200k_base"


def measure_training(
    corpus: Sequence[str | Path],
    vocab_size: int,
    *,
    trainers: Sequence[str] = (),
    weights: Sequence[tuple[str, float]] = (),
    rounds: int = 1,
    threads: int | None = None,
    timeout: float = 7200,
    text_key: str = "text",
) -> dict[str, Any]:
    """Train with each of ``trainers`` (the default ones if empty) and return the figures of every round.

    ``results[trainer]`` has ``rounds``, ``seconds`` and ``peak_bytes`` (median, min, max), and ``time_ratio`` and
    ``memory_ratio``: the figure of the trainer / that of Hugging Face's. `InputError` for an unknown trainer, a
    corpus that cannot be read twice, and when no trainer could be run.
    """
    names = list(dict.fromkeys(trainers)) or [name for name, trainer in TRAINERS.items() if trainer.default]
    for name in names:
        if name not in TRAINERS:
            raise InputError(f"unknown trainer {name!r}; known: {', '.join(TRAINERS)}")
    skipped = {name: reason for name in names if (reason := missing(TRAINERS[name].modules))}
    described = describe(corpus, text_key)
    workers = threads or cores()
    curriculum = {"weights": [list(weight) for weight in weights]} if weights else {}
    job = asdict(TrainJob([str(path) for path in corpus], vocab_size, workers, curriculum, text_key))
    jobs = {name: {"trainer": name, "train": job} for name in names}
    results: dict[str, Any] = {
        key: {"rounds": runs} for key, runs in run_rounds(jobs, rounds, workers, timeout, skipped).items()
    }
    for result in results.values():
        for figure in ("seconds", "cpu_seconds", "peak_bytes"):
            result[figure] = spread([run[figure] for run in result["rounds"]])
    if base := results.get(BASE_TRAINER):
        for result in results.values():
            result["time_ratio"] = result["seconds"]["median"] / base["seconds"]["median"]
            result["memory_ratio"] = result["peak_bytes"]["median"] / base["peak_bytes"]["median"]
    return {
        "format": 1,
        "measure": "training speed",
        "provenance": speed_provenance(),
        "settings": {"vocab_size": vocab_size, "rounds": rounds, "threads": workers, "weights": list(weights)},
        "corpus": described,
        "results": results,
        "skipped": [{"name": name, "reason": reason} for name, reason in skipped.items()],
    }


def measure_encoding(
    tokenizers: Sequence[str],
    paths: Sequence[str | Path],
    *,
    engines: Sequence[str] = (),
    threads: int = 1,
    rounds: int = 1,
    worst: bool = False,
    worst_bytes: int = 10_000_000,
    timeout: float = 600,
    text_key: str = "text",
) -> dict[str, Any]:
    """Encode the texts once per round with every engine and vocabulary, on one thread and on ``threads``.

    ``results`` is a list: vocabulary, engine, method, threads, case ("text", or one of `worst_texts`), rounds,
    ``mb_per_second`` (10**6 bytes of UTF-8; median, min, max), ``equal_documents`` (of ``documents``: those whose
    ids are those of the vocabulary's first engine here), ``of_normal`` (median speed / that of "text", one thread)
    and ``of_one_thread`` (speed / that of one thread in the same round: median, min, max).
    """
    chosen = list(dict.fromkeys(engines)) or list(ENGINES)
    for name in chosen:
        if name not in ENGINES:
            raise InputError(f"unknown engine {name!r}; known: {', '.join(ENGINES)}")
    described = describe(paths, text_key)
    texts = [piece for document in documents(paths, text_key=text_key) for piece in pieces(document.text)]
    cases = {"text": texts} | (worst_texts(worst_bytes, texts) if worst else {})
    skipped: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        forms = _forms(tokenizers, Path(scratch))
        jobs: dict[str, dict[str, Any]] = {}
        for number, (case, documents_of_case) in enumerate(cases.items()):
            file = Path(scratch) / f"case{number}.json"
            file.write_text(json.dumps(documents_of_case), encoding="utf-8")
            for form in forms:
                for name in chosen:
                    if form.folder is None and ENGINES[name].needs_folder:
                        continue
                    for count in sorted({1, threads}) if case == "text" else [1]:
                        key = f"{form.name} | {name} | {case} | {count}"
                        jobs[key] = {"engine": name, "form": asdict(form), "texts": str(file), "threads": count}
                        if reason := missing((ENGINES[name].module,)):
                            skipped[key] = reason
        found = run_rounds(jobs, rounds, None, timeout, skipped)
    return {
        "format": 1,
        "measure": "encoding speed",
        "provenance": speed_provenance(),
        "settings": {"rounds": rounds, "threads": threads, "worst_bytes": worst_bytes if worst else None},
        "texts": described | {"pieces": len(texts)},
        "results": _encoding_rows(found, cases),
        "skipped": [{"name": name, "reason": reason} for name, reason in skipped.items()],
    }


def pieces(text: str) -> Iterator[str]:
    """Cut a text into pieces of about `PIECE` characters; joined they are the text."""
    start = 0
    while start < len(text):
        stop = text.rfind("\n", start, start + PIECE) + 1 if len(text) - start > PIECE else len(text)
        stop = stop or start + PIECE
        yield text[start:stop]
        start = stop


def worst_texts(size: int, texts: Iterable[str]) -> dict[str, list[str]]:
    """Texts that engines are known to be slow on, one document of about ``size`` bytes each."""
    solid = "".join("".join(text.split()) for text in texts) or "가"
    soup = random.Random(0).randbytes(size // 2).decode("utf-8", errors="replace")
    units = {
        "one syllable": "가",
        "one letter": "a",
        "spaces": " ",
        "laughter": "ㅋㅋㅋ",
        "no space": solid,
        "alternating scripts": "가a漢1я.",
        "byte soup": soup,
    }
    return {name: [_repeated(unit, size)] for name, unit in units.items()}


def _repeated(unit: str, size: int) -> str:
    raw = unit.encode()
    return (raw * (size // len(raw) + 1))[:size].decode("utf-8", errors="ignore")


def _encoding_rows(found: dict[str, list[dict[str, Any]]], cases: dict[str, list[str]]) -> list[dict[str, Any]]:
    """A row per key of ``found``, the ids compared with those of the first engine of the vocabulary."""
    sizes = {case: sum(len(text.encode()) for text in texts) for case, texts in cases.items()}
    reference: dict[tuple[str, str], list[str]] = {}
    normal: dict[tuple[str, str], float] = {}
    rows = []
    for key, runs in found.items():
        vocabulary, engine, case, threads = key.split(" | ")
        ids, *_ = [run.pop("ids") for run in runs]
        first = reference.setdefault((vocabulary, case), ids)
        speed = spread([sizes[case] / 1e6 / run["seconds"] for run in runs])
        if case == "text" and threads == "1":
            normal[vocabulary, engine] = speed["median"]
        usual = normal.get((vocabulary, engine)) if threads == "1" else None
        row: dict[str, Any] = {
            "vocabulary": vocabulary,
            "engine": engine,
            "method": ENGINES[engine].method,
            "case": case,
        }
        row |= {"threads": int(threads), "bytes": sizes[case], "mb_per_second": speed, "rounds": runs}
        row |= {"documents": len(ids), "equal_documents": sum(a == b for a, b in zip(ids, first, strict=True))}
        row["of_normal"] = speed["median"] / usual if usual else None
        one = found.get(f"{vocabulary} | {engine} | {case} | 1")
        row["of_one_thread"] = (
            spread([a["seconds"] / b["seconds"] for a, b in zip(one, runs, strict=True)]) if one else None
        )
        rows.append(row)
    return rows


def _forms(tokenizers: Sequence[str], scratch: Path) -> list[Form]:
    """The vocabularies in every form, o200k_base last."""
    from tokenizer import Tokenizer
    from tokenizer.pretokenize import pattern

    forms: list[Form] = []
    for number, spec in enumerate(dict.fromkeys(tokenizers)):
        own = Tokenizer.load(spec)
        folder = scratch / f"tokenizer{number}"
        own.save(folder)
        lines = (b"%s %d\n" % (base64.b64encode(token), i) for i, token in enumerate(own.vocabulary.tokens))
        (folder / "ranks.tiktoken").write_bytes(b"".join(lines))
        name = Path(spec).name
        if any(form.name == name for form in forms) or name == BASE_VOCABULARY:
            raise InputError(f"two tokenizers are named {name!r}; rename a folder")
        forms.append(Form(name, pattern(own.vocabulary.grammar), str(folder / "ranks.tiktoken"), str(folder)))
    file = RANK_FILES[BASE_VOCABULARY]
    ranks = ensure_ranks(file) / file.cache_name
    return [*forms, Form(BASE_VOCABULARY, load_encoding(BASE_VOCABULARY)._pat_str, str(ranks), None)]


@contextmanager
def input_errors() -> Iterator[None]:
    """Turn what a user did wrong into click's error, exit code 2."""
    try:
        yield
    except (InputError, OSError) as error:
        raise click.UsageError(str(error)) from None


def _weight(text: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    try:
        return name, float(number)
    except ValueError:
        raise click.UsageError(f"{text!r} is not of the form FILES=FACTOR") from None


def _finish(result: dict[str, Any], path: Path | None, show: Callable[[dict[str, Any]], None]) -> None:
    show(result)
    if path:
        write_json(path, result)


ROUNDS = click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="Times to measure each.")
JSON = click.option("--json", "json_path", type=click.Path(path_type=Path), help="File for all figures.")
TEXT_KEY = click.option("--text-key", default="text", show_default=True, help="Field or column of JSONL and Parquet.")
SECONDS = click.FloatRange(min=0, min_open=True)


@click.group()
def main() -> None:
    """Measure the speed of training, encoding, sharding and pretraining beside other libraries."""


@main.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option("--vocab-size", type=int, default=32_768, show_default=True, help="Ids, special tokens included.")
@click.option("--trainer", "trainers", multiple=True, help=f"May be repeated: {', '.join(TRAINERS)}.")
@click.option("--weight", "weights", multiple=True, metavar="FILES=FACTOR", help="For gyeol-curriculum.")
@click.option("--threads", type=click.IntRange(1), help="All cores by default.")
@click.option("--timeout", type=SECONDS, default=7200.0, show_default=True, help="Seconds for one training.")
@ROUNDS
@JSON
@TEXT_KEY
def train(corpus: tuple[str, ...], weights: tuple[str, ...], json_path: Path | None, **options: Any) -> None:
    """Train a vocabulary on CORPUS with several trainers."""
    with input_errors():
        result = measure_training(corpus, weights=[_weight(text) for text in weights], **options)
        _finish(result, json_path, print_training)


@main.command()
@click.argument("texts", nargs=-1, required=True)
@click.option("-t", "--tokenizer", "tokenizers", multiple=True, required=True, help="May be repeated.")
@click.option("--engine", "engines", multiple=True, help=f"May be repeated: {', '.join(ENGINES)}.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Measured besides one thread.")
@click.option("--worst", is_flag=True, help="Measure texts that engines are slow on, too.")
@click.option("--worst-bytes", type=click.IntRange(1000), default=10_000_000, show_default=True)
@click.option("--timeout", type=SECONDS, default=600.0, show_default=True, help="Seconds for one measurement.")
@ROUNDS
@JSON
@TEXT_KEY
def encode(tokenizers: tuple[str, ...], texts: tuple[str, ...], json_path: Path | None, **options: Any) -> None:
    """Encode TEXTS with the vocabularies of TOKENIZERs, and with o200k_base, in several engines."""
    with input_errors():
        _finish(measure_encoding(tokenizers, texts, **options), json_path, print_encoding)


@main.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option("-t", "--tokenizer", required=True)
@click.option("--timeout", type=SECONDS, default=3600.0, show_default=True, help="Seconds for one measurement.")
@ROUNDS
@JSON
@TEXT_KEY
def shard(tokenizer: str, corpus: tuple[str, ...], json_path: Path | None, **options: Any) -> None:
    """Run `gyeol shard` on CORPUS with TOKENIZER, all of the command."""
    with input_errors():
        _finish(measure_sharding(tokenizer, corpus, **options), json_path, print_sharding)


@main.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--preset", default="nano", show_default=True)
@click.option("--context", type=int, help="Tokens per sequence; the preset's by default.")
@click.option("--batch-tokens", type=click.IntRange(1), default=4096, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=8, show_default=True, help="Steps inside the clock.")
@click.option("--lr", type=float, default=3e-3, show_default=True)
@click.option("--precision", "precisions", multiple=True, default=["fp32", "bf16"], show_default=True)
@click.option("--threads", type=click.IntRange(1), help="All cores by default.")
@click.option("--timeout", type=SECONDS, default=3600.0, show_default=True, help="Seconds for one measurement.")
@ROUNDS
@JSON
def pretrain(data: Path, json_path: Path | None, **options: Any) -> None:
    """Pretrain on the shards in the folder DATA, with Gyeol and with transformers."""
    with input_errors():
        _finish(measure_pretraining(data, **options), json_path, print_pretraining)


if __name__ == "__main__":
    main()
