"""Speed and memory of training, encoding, sharding and pretraining, beside other libraries.

    python -m benchmarks.speed train CORPUS... --vocab-size 102400 --rounds 3 --json train.json
    python -m benchmarks.speed encode -t gyeol-100k TEXT... --threads 2 --rounds 5 --worst
    python -m benchmarks.speed calls -t gyeol-100k TEXT... --rounds 5 --json calls.json
    python -m benchmarks.speed shard -t gyeol-100k CORPUS... --rounds 5 --json shard.json
    python -m benchmarks.speed pretrain SHARDS --preset nano --steps 8 --rounds 3 --json pretrain.json

Every measurement is one process (see `benchmarks.speed.child`), the rounds go round all of them in turn, and a
library that is missing or cannot do the work is listed with the reason. CPU seconds show a library that uses
more threads than it was given, and a machine that was busy with something else.
"""

from pathlib import Path
from typing import Any

import click

from benchmarks.command import JSON, ROUNDS, TEXT_KEY, THREADS, finish, input_errors, timeout
from benchmarks.speed.calls import CALLERS, measure_calls, print_calls
from benchmarks.speed.encoders import ENGINES
from benchmarks.speed.encoding import measure_encoding, print_encoding
from benchmarks.speed.pretraining import measure_pretraining, print_pretraining
from benchmarks.speed.sharding import measure_sharding, print_sharding
from benchmarks.speed.trainers import TRAINERS
from benchmarks.speed.training import measure_training, print_training
from tokenizer.options import name_and_number


@click.group()
def main() -> None:
    """Measure the speed of training, encoding, sharding and pretraining beside other libraries."""


@main.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option("--vocab-size", type=int, default=32_768, show_default=True, help="Ids, special tokens included.")
@click.option("--trainer", "trainers", multiple=True, help=f"May be repeated: {', '.join(TRAINERS)}.")
@click.option("--weight", "weights", multiple=True, metavar="FILES=FACTOR", help="For gyeol-curriculum.")
@THREADS
@timeout(7200, "training")
@ROUNDS
@JSON
@TEXT_KEY
def train(corpus: tuple[str, ...], weights: tuple[str, ...], json_path: Path | None, **options: Any) -> None:
    """Train a vocabulary on CORPUS with several trainers."""
    with input_errors():
        result = measure_training(
            corpus, weights=[name_and_number(text, "FILES=FACTOR") for text in weights], **options
        )
        finish(result, json_path, print_training)


@main.command()
@click.argument("texts", nargs=-1, required=True)
@click.option("-t", "--tokenizer", "tokenizers", multiple=True, required=True, help="May be repeated.")
@click.option("--engine", "engines", multiple=True, help=f"May be repeated: {', '.join(ENGINES)}.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Measured besides one thread.")
@click.option("--worst", is_flag=True, help="Measure texts that engines are slow on, too.")
@click.option("--worst-bytes", type=click.IntRange(1000), default=10_000_000, show_default=True)
@timeout(600)
@ROUNDS
@JSON
@TEXT_KEY
def encode(tokenizers: tuple[str, ...], texts: tuple[str, ...], json_path: Path | None, **options: Any) -> None:
    """Encode TEXTS with the vocabularies of TOKENIZERs, and with o200k_base, in several engines."""
    with input_errors():
        finish(measure_encoding(tokenizers, texts, **options), json_path, print_encoding)


@main.command()
@click.argument("texts", nargs=-1, required=True)
@click.option("-t", "--tokenizer", "tokenizers", multiple=True, required=True, help="May be repeated.")
@click.option("--engine", "engines", multiple=True, help=f"May be repeated: {', '.join(CALLERS)}.")
@timeout(600)
@ROUNDS
@JSON
@TEXT_KEY
def calls(tokenizers: tuple[str, ...], texts: tuple[str, ...], json_path: Path | None, **options: Any) -> None:
    """Encode slices of TEXTS, 20, 200 and 2,000 characters a call, as `encode` does whole texts."""
    with input_errors():
        finish(measure_calls(tokenizers, texts, **options), json_path, print_calls)


@main.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option("-t", "--tokenizer", required=True)
@timeout(3600)
@ROUNDS
@JSON
@TEXT_KEY
def shard(tokenizer: str, corpus: tuple[str, ...], json_path: Path | None, **options: Any) -> None:
    """Run `gyeol shard` on CORPUS with TOKENIZER, all of the command."""
    with input_errors():
        finish(measure_sharding(tokenizer, corpus, **options), json_path, print_sharding)


@main.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--preset", default="nano", show_default=True)
@click.option("--context", type=int, help="Tokens per sequence; the preset's by default.")
@click.option("--batch-tokens", type=click.IntRange(1), default=4096, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=8, show_default=True, help="Steps inside the clock.")
@click.option("--lr", type=float, default=3e-3, show_default=True)
@click.option("--precision", "precisions", multiple=True, default=["fp32", "bf16"], show_default=True)
@THREADS
@timeout(3600)
@ROUNDS
@JSON
def pretrain(data: Path, json_path: Path | None, **options: Any) -> None:
    """Pretrain on the shards in the folder DATA, with Gyeol and with transformers."""
    with input_errors():
        finish(measure_pretraining(data, **options), json_path, print_pretraining)


if __name__ == "__main__":
    main()
