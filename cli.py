"""The ``gyeol`` command. Every command is thin: it turns options into one call of the packages."""

import os
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import click

from benchmarks.commands import compare, fertility, inspect
from benchmarks.tasks.commands import evaluate
from tokenizer.console import (
    AS_JSON,
    FILL,
    FOLDER,
    FORCE,
    MINUTES,
    OUT,
    TOKENIZER,
    Group,
    print_json,
    run,
    show,
)
from tokenizer.options import Words, fields_of, name_and_json, option, options, whole_numbers
from tokenizer.standard_streams import printable

RECIPE_HELP = (
    "curriculum: first inside morphemes, then across words; plain: byte-level BPE; strict: cut by Kiwi, always."
)
EVAL_HELP = "With --sizes: text to measure (file or folder; may be repeated), else a fifth of the corpus's files."
INIT_HELP = "Rows of new ids, of those that spell them: mean, weighted (first or last ones more), or random."
SPECIAL_HELP = "A special token of your own, behind those that every tokenizer has; may be repeated."

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
CURRICULUM = fields_of("tokenizer.training.curriculum", "CurriculumOptions")
PRETRAIN = fields_of("model.pretrain_config", "PretrainConfig")
GENERATION = fields_of("model.sampling", "GenerationConfig")
READING = fields_of("tokenizer.corpus.reading", "Reading")


@click.group(cls=Group, context_settings=SETTINGS)
@click.version_option(package_name="gyeol", prog_name="gyeol")
def cli() -> None:
    """Gyeol (결): train a Korean tokenizer, measure it against GPT-4o's, pretrain a model on it."""


@cli.command(epilog="Example: gyeol train corpus --vocab-size 32768 --out my-tokenizer")
@click.argument("corpus", nargs=-1, required=True)
@click.option("--vocab-size", type=int, show_default="32768", help="Number of ids, special tokens included.")
@click.option("--sizes", metavar="N,N...", help="Several numbers of ids, compared by one training.")
@click.option("--eval", "eval_texts", multiple=True, metavar="TEXTS", help=EVAL_HELP)
@OUT
@FORCE
@click.option("--recipe", default="curriculum", help=RECIPE_HELP)
@click.option("--stage", "stages", multiple=True, metavar="LEVEL=SHARE", help=CURRICULUM["stages"].help)
@option(CURRICULUM["temperature"])
@click.option("--weight", "weights", multiple=True, metavar="FILES=FACTOR", help=CURRICULUM["weights"].help)
@options(CURRICULUM, "digits", "min_documents", "min_sources")
@click.option("--leave-out", multiple=True, metavar="REGEX", help=CURRICULUM["leave_out"].help)
@click.option("--continue-from", metavar="TOKENIZER", help="Keep the tokens of this tokenizer and add to them.")
@click.option("--name", help="Name to record; the folder's by default.")
@click.option("--min-count", default=2, help="Merge no pair that occurs fewer times.")
@click.option("--normalizer", type=click.Choice(["none", "nfc"]), default="none", help="nfc: compose texts.")
@click.option("--special-token", "special_tokens", multiple=True, metavar="TEXT", help=SPECIAL_HELP)
@FILL
@click.option("--memory", metavar="SIZE", help="Keep what would take more than SIZE (4GB) in files beside --out.")
@options(READING, *READING)
@AS_JSON
def train(corpus: tuple[str, ...], out: Path, as_json: bool, **rest: Any) -> None:
    """Train a vocabulary on CORPUS: files of text, JSONL or Parquet, folders, or - for standard input.

    With --sizes several, with a table that says what each is worth on text left out of training.
    """
    from tokenizer.inspection import describe_training, vocabulary_record
    from tokenizer.training import options_from_text, train_folder

    sizes, eval_texts = rest.pop("sizes"), rest.pop("eval_texts")
    given = options_from_text(**rest)
    if sizes is None and not eval_texts:
        record = vocabulary_record(train_folder(corpus, out, **given)) | {"folder": str(out)}
        return show(record, as_json, describe_training)
    from benchmarks.report.size_tables import print_sizes
    from benchmarks.sizes import compare_sizes

    compared = compare_sizes(corpus, whole_numbers(sizes), out, eval_texts=eval_texts, **given)
    print_json(compared) if as_json else print_sizes(compared, out)


@cli.command(epilog="Example: gyeol extend llama-3 corpus --add 16384 --model llama-3 --out llama-3-korean")
@click.argument("base")
@click.argument("corpus", nargs=-1, required=True)
@click.option("--add", default=16_384, help="Number of ids to add.")
@OUT
@FORCE
@click.option("--model", type=FOLDER, help="Hugging Face folder of a model with BASE: write it with rows for new ids.")
@click.option("--init", type=click.Choice(["mean", "weighted", "random"]), show_default="mean", help=INIT_HELP)
@FILL
@options(READING, *READING)
@AS_JSON
def extend(
    base: str, corpus: tuple[str, ...], out: Path, model: Path | None, init: Any, as_json: bool, **rest: Any
) -> None:
    """Add Korean to the tokenizer BASE, learnt from CORPUS; its ids stay, and so do those of text without Hangul.

    BASE is a folder or tokenizer.json of Hugging Face (byte-level BPE, such as Llama 3 or Qwen 3), a .tiktoken file,
    a folder of Gyeol, or one of o200k_base, cl100k_base, llama3 and qwen3.
    """
    from benchmarks.peers.bases import load_base
    from tokenizer.inspection import describe_training, vocabulary_record
    from tokenizer.training import extend_folder

    if model:
        from model.extend import extend_with_model

        made = extend_with_model(load_base(base), corpus, model, out, init=init or "mean", **rest)
    elif init:
        raise click.UsageError("--init needs --model")
    else:
        made = extend_folder(load_base(base), corpus, out, **rest)
    show(vocabulary_record(made) | {"folder": str(out)}, as_json, describe_training)


@cli.command(epilog="Example: gyeol encode -t gyeol-100k novel.txt > novel.ids")
@TOKENIZER
@click.argument("file", type=click.File("rb"), default="-")
@options(READING, "encoding", "errors", "nfc")
def encode(tokenizer: str, file: Any, **reading: Any) -> None:
    """Print the ids of FILE (or stdin), separated by spaces."""
    from tokenizer import Tokenizer
    from tokenizer.streaming import encode_file, ids_as_text

    for part in ids_as_text(encode_file(Tokenizer.load(tokenizer), file, **reading)):
        click.echo(part, nl=False)


@cli.command(epilog="Example: gyeol decode -t gyeol-100k novel.ids")
@TOKENIZER
@click.argument("file", type=click.File("rb"), default="-")
def decode(tokenizer: str, file: Any) -> None:
    """Print the text of the ids in FILE (or stdin)."""
    from tokenizer import Tokenizer
    from tokenizer.streaming import read_ids

    sys.stdout.buffer.write(Tokenizer.load(tokenizer).decode_bytes(read_ids(file)))


for measuring in (inspect, fertility, compare, evaluate):
    cli.add_command(measuring)


@cli.command(epilog="Example: gyeol shard -t gyeol-100k corpus --out shards")
@TOKENIZER
@click.argument("corpus", nargs=-1, required=True)
@OUT
@options(READING, *READING)
@AS_JSON
def shard(tokenizer: str, corpus: tuple[str, ...], out: Path, as_json: bool, **rest: Any) -> None:
    """Write CORPUS as token files for pretraining. Run it again to go on after an interruption."""
    from tokenizer import Tokenizer
    from tokenizer.shards import describe_shards, write_shards

    manifest = write_shards(Tokenizer.load(tokenizer), list(corpus), out, **rest)
    show(manifest, as_json, lambda manifest: [f"{out}: {describe_shards(manifest)}"])


@cli.command(epilog="Example: gyeol pretrain --data shards --out run --preset nano --minutes 30")
@click.option("--data", multiple=True, metavar="FOLDER[=WEIGHT]", help="Folder by `gyeol shard`; may be repeated.")
@click.option("--out", type=FOLDER, help="Run folder to write or to resume.")
@options(PRETRAIN, "preset")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=VALUE", help=PRETRAIN["shape"].help)
@options(PRETRAIN, "tokens")
@click.option("--minutes", type=MINUTES, help="Stop after training so long, the learning rate brought down in time.")
@click.option("--validation", type=FOLDER, help="Shards to validate on, else 1% of --data.")
@options(PRETRAIN, "batch_tokens", "micro_batch_tokens", "context", "documents", "lr", "optimizer", "schedule")
@options(PRETRAIN, "z_loss", "nonfinite", "seed", "precision", "device", "parallel", "recompute", "compile", "keep")
@options(PRETRAIN, "validate_every", "checkpoint_steps", "checkpoint_minutes", "tensorboard", "extend", "init_from")
@click.option("--dry-run", is_flag=True, help="Print parameters, operations, memory and time, and do nothing.")
@click.option("--gpus", type=int, help="With --dry-run: share among this many GPUs instead of this machine.")
@AS_JSON
def pretrain(
    data: tuple[str, ...], out: Path | None, dry_run: bool, gpus: int | None, as_json: bool, **rest: Any
) -> None:
    """Pretrain a model on shards. Run it again to resume; the run folder is then a Hugging Face Llama folder.

    On several GPUs: torchrun --nproc-per-node 8 --no-python gyeol pretrain ...
    """
    from model import describe_plan, describe_result
    from model import dry_run as plan
    from model import pretrain as run_pretrain

    rest["shape"] = dict(name_and_json(each, "NAME=VALUE") for each in rest.pop("shapes"))
    minutes, validation = rest.pop("minutes"), rest.pop("validation")
    rest["max_seconds"] = minutes and minutes * 60
    if dry_run:
        show(plan(data, gpus=gpus, **rest), as_json, describe_plan)
    elif out is None or not data:
        raise click.UsageError("give --data and --out, or --dry-run")
    else:
        result = run_pretrain(data, out, validation=validation, **rest)
        if os.environ.get("RANK", "0") == "0":  # under torchrun the first process speaks
            show(result, as_json, lambda result: [f"{out}: {describe_result(result)}"])
        if result.failure:
            raise click.ClickException(f"{out}: {result.failure}")  # exit code 1


@cli.command(epilog="Example: gyeol generate run --prompt '결을 따라'")
@click.argument("run", type=FOLDER)
@click.option(
    "--prompt",
    "prompts",
    multiple=True,
    required=True,
    type=Words(),
    help="Text to go on from; several are done at once.",
)
@option(GENERATION["max_new_tokens"], "--max-tokens")
@options(GENERATION, "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "heal", "seed")
@AS_JSON
def generate(run: Path, prompts: tuple[str, ...], as_json: bool, **rest: Any) -> None:
    """Continue a text with the model in the folder RUN."""
    from model import generate as run_generate
    from model import generate_batch

    if len(prompts) == 1 and not as_json:
        for piece in chain(prompts, run_generate(run, prompts[0], **rest), "\n"):
            click.echo(printable(piece) if sys.stdout.isatty() else piece, nl=False)
        return
    texts = zip(prompts, generate_batch(run, prompts, **rest), strict=True)
    rows = [{"prompt": prompt, "continuation": text} for prompt, text in texts]
    show(rows, as_json, lambda rows: ["\n\n".join(row["prompt"] + row["continuation"] for row in rows)])


@cli.command(epilog="Example: gyeol export -t gyeol-100k --format tiktoken --out gyeol-tiktoken")
@click.option("-t", "--tokenizer", "source", required=True, help="A tokenizer, or the folder of a model.")
@click.option("--format", type=click.Choice(["hf", "tiktoken", "gguf", "sentencepiece"]), required=True)
@click.option("--out", type=FOLDER, required=True, help="Folder to write; with gguf the file.")
@FORCE
def export(source: str, out: Path, **rest: Any) -> None:
    """Write a tokenizer, or a model with its tokenizer, for other programs.

    hf: a folder for transformers, vLLM and SGLang; tiktoken: a plugin that pip installs, the tokenizer alone; gguf: a
    file for llama.cpp and Ollama. What would give other ids there is refused, as SentencePiece always would.
    """
    from model.exporting import export as run_export

    click.echo(printable(run_export(source, out=out, **rest)))


@cli.command(epilog="Example: gyeol plot run other-run --out curves.html")
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@click.option("--out", type=FOLDER, default=Path("curves.html"))
@FORCE
def plot(runs: tuple[Path, ...], out: Path, force: bool) -> None:
    """Draw the learning curves of RUNS against tokens, operations and seconds, as one HTML file.

    Of files that `gyeol evaluate --out` wrote, the scores are drawn, against the tokens of the runs.
    """
    from model.plot import plot_runs

    if all(run.suffix == ".json" for run in runs):
        from benchmarks.tasks.plot import plot_evaluations

        plot_evaluations(runs, out, force=force)
    else:
        plot_runs(runs, out, force=force)
    click.echo(printable(str(out)))


@cli.command(epilog="Example: gyeol warm")
@AS_JSON
def warm(as_json: bool) -> None:
    """Compile all native code, which else happens when it is first used. For images and continuous integration."""
    from tokenizer.warm import describe_warmed
    from tokenizer.warm import warm as run_warm

    show(run_warm(), as_json, describe_warmed)


@cli.command(epilog="Example: gyeol demo --minutes 5")
@click.option("--out", type=FOLDER, default=Path("gyeol-demo"))
@click.option("--minutes", type=MINUTES, default=1.5, help="Time for pretraining.")
@FORCE
@click.pass_context
def demo(context: click.Context, out: Path, minutes: float, force: bool) -> None:
    """Run the whole chain on the embedded sample: train, measure, shard, pretrain, generate."""
    from samples.demo import run_demo

    for arguments in run_demo(out, minutes, force):
        with cli.make_context("gyeol", arguments, parent=context.parent) as sub:
            cli.invoke(sub)


def main() -> None:
    """Run the command; what went wrong is one line on stderr and an exit code."""
    run(cli)


if __name__ == "__main__":
    main()
