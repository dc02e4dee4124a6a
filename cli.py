"""The ``gyeol`` command. Every command is thin: it turns options into one call of the packages."""

from __future__ import annotations

import io
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tokenizer import Tokenizer

ERRORS = click.Choice(["replace", "strict"])
MINUTES = click.FloatRange(min=0, min_open=True)
TOKENIZER = click.option(
    "-t", "--tokenizer", required=True, metavar="TOKENIZER", help="gyeol-100k, gyeol-200k or a folder by `gyeol train`."
)
TEXT_KEY = click.option("--text-key", default="text", show_default=True, help="Field or column of JSONL and Parquet.")
BAD_TEXT = click.option(
    "--errors", type=ERRORS, default="replace", show_default=True, help="Invalid UTF-8: replace it, or refuse the file."
)
STAGE_HELP = (
    "Curriculum: morphemes, eojeols or superwords, and the share of the vocabulary that is filled when the stage "
    "ends; may be repeated.  [default: morphemes=0.72 superwords=1]"
)
WEIGHT_HELP = "Curriculum: count files whose name fits FILES by FACTOR, as in 'en_*=0.1'; may be repeated."
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


class Gyeol(click.Group):
    """The group of all commands; a reader of their output that goes away early is no error."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and write out what it printed."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:  # gyeol ... | head; Python would complain when it closes stdout
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        return result


@click.group(cls=Gyeol, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="gyeol", prog_name="gyeol")
def cli() -> None:
    """Gyeol (결): train a Korean tokenizer, measure it against GPT-4o's, pretrain a model on it."""


@cli.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option("--vocab-size", default=32_768, show_default=True, help="Number of ids, special tokens included.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--recipe",
    default="curriculum",
    show_default=True,
    help="curriculum: inside morphemes first, then across words. plain: byte-level BPE. strict: never across "
    "Kiwi's morpheme boundaries, in training and encoding.",
)
@click.option("--stage", "stages", multiple=True, metavar="LEVEL=SHARE", help=STAGE_HELP)
@click.option("--temperature", type=float, help="Curriculum: 1 counts files by size, 0 all alike.  [default: 0.5]")
@click.option("--weight", "weights", multiple=True, metavar="FILES=FACTOR", help=WEIGHT_HELP)
@click.option("--continue-from", metavar="TOKENIZER", help="Keep the tokens of this tokenizer and add to them.")
@click.option("--name", help="Name to record; the folder's by default.")
@click.option("--min-count", default=2, show_default=True, help="Merge no pair that occurs fewer times.")
@TEXT_KEY
@BAD_TEXT
@AS_JSON
def train(
    corpus: tuple[str, ...],
    vocab_size: int,
    out: Path,
    name: str | None,
    as_json: bool,
    stages: tuple[str, ...],
    temperature: float | None,
    weights: tuple[str, ...],
    continue_from: str | None,
    **options: Any,
) -> None:
    """Train a vocabulary on CORPUS: .txt, .jsonl or .parquet files (.gz .xz .zst too), folders, or - for stdin."""
    from tokenizer import train as train_tokenizer
    from tokenizer.curriculum import CurriculumOptions, Stage
    from tokenizer.inspection import vocabulary_record

    _check_free(out, "gyeol.json", "no tokenizer")
    given: dict[str, Any] = {}
    if stages:
        given["stages"] = tuple(Stage(level, share) for level, share in map(_number_after, stages))
    if weights:
        given["weights"] = tuple(map(_number_after, weights))
    if temperature is not None:
        given["temperature"] = temperature
    tokenizer = train_tokenizer(
        list(corpus),
        vocab_size,
        name=name or os.fsencode(out.resolve().name).decode("utf-8", errors="replace"),
        curriculum=CurriculumOptions(**given) if given else None,
        continue_from=_load(continue_from) if continue_from else None,
        **options,
    )
    tokenizer.save(out)
    record = vocabulary_record(tokenizer)
    if as_json:
        _print_json(record | {"folder": str(out)})
    else:
        click.echo(
            f"{out}: {tokenizer.vocab_size:,} ids, {record['korean_tokens']:,} with Hangul, "
            f"{record['mean_bytes']:.1f} bytes a token on average; from {record['corpus']['bytes']:,} bytes of text"
        )


@cli.command()
@TOKENIZER
@click.argument("file", type=click.File("rb"), default="-")
@BAD_TEXT
def encode(tokenizer: str, file: Any, errors: str) -> None:
    """Print the ids of FILE (or stdin), separated by spaces."""
    loaded = _load(tokenizer)
    raw = file.read()
    try:
        text = raw.decode("utf-8", errors=errors)
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file.name}: invalid UTF-8 at byte {error.start}; see --errors") from None
    click.echo(" ".join(map(str, loaded.encode(text))))


@cli.command()
@TOKENIZER
@click.argument("file", type=click.File("rb"), default="-")
def decode(tokenizer: str, file: Any) -> None:
    """Print the text of the ids in FILE (or stdin)."""
    loaded = _load(tokenizer)
    words = file.read().decode("utf-8", errors="replace").split()
    for word in words:
        if not word.isdecimal() or len(word) > 18:
            raise click.UsageError(f"{word[:80]!r} is no token id; give whole numbers separated by white space")
    sys.stdout.buffer.write(loaded.decode_bytes(map(int, words)))


@cli.command()
@TOKENIZER
@click.argument("text", required=False)
@click.option("--html", "html", type=click.Path(path_type=Path, dir_okay=False), help="Write TEXT side by side there.")
@click.option("--against", multiple=True, default=["o200k_base"], show_default=True, help="With --html: beside it.")
@AS_JSON
def inspect(tokenizer: str, text: str | None, html: Path | None, against: tuple[str, ...], as_json: bool) -> None:
    """Show TEXT with its tokens coloured, or the vocabulary in figures when there is no TEXT."""
    if html:
        from benchmarks.report import write_side_by_side

        write_side_by_side(html, [tokenizer, *against], text)
        return
    from rich.console import Console

    from tokenizer.inspection import coloured, text_record, vocabulary_record

    loaded = _load(tokenizer)
    record = vocabulary_record(loaded) if text is None else text_record(loaded, text)
    if as_json:
        _print_json(record)
    elif text is None:
        for key, value in record.items():
            shown = "  ".join(map(repr, value)) if key in ("longest", "sample") else value
            click.echo(f"{key:20}{json.dumps(shown, ensure_ascii=False) if isinstance(shown, (dict, list)) else shown}")
    else:
        Console().print(coloured(loaded, text), soft_wrap=True)
        click.echo(f"{len(record['tokens'])} tokens, {record['characters']} characters")
        click.echo(" ".join(f"{token['id']}:{token['text']!r}" for token in record["tokens"]))


@cli.command()
@click.option("-t", "--tokenizer", "tokenizers", multiple=True, required=True, help="What to measure; may be repeated.")
@click.option("--against", multiple=True, default=["o200k_base"], show_default=True, help="Baseline; may be repeated.")
@click.option("--claim", type=float, metavar="RATIO", help="Say whether each ratio is at least so much, at 95%.")
@click.option("--alignment", metavar="[kiwi|FILE]", help="Compare token boundaries with Kiwi's or a gold file's.")
@click.option("--html", "html", type=click.Path(path_type=Path, dir_okay=False), help="Write a report for a browser.")
@click.argument("texts", nargs=-1, required=True)
@TEXT_KEY
@AS_JSON
@click.pass_context
def fertility(
    context: click.Context,
    tokenizers: tuple[str, ...],
    texts: tuple[str, ...],
    html: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Count the tokens that TEXTS (files or folders) take, and the ratio to GPT-4o's tokenizer or others.

    A tokenizer is gyeol-100k or gyeol-200k, a folder made by `gyeol train`, a Hugging Face tokenizer.json or its
    folder, a SentencePiece .model, a tiktoken encoding (o200k_base, cl100k_base) or a vocabulary that splintr
    carries (qwen3, llama3...), or a repository of the Hugging Face hub (owner/name). What cannot be used is
    named below the tables; the exit code is then 1 for a tokenizer, 0 for a file.
    """
    from benchmarks.fertility import measure
    from benchmarks.report import PASSAGES, check_report, write_report
    from benchmarks.tables import print_fertility

    if html:
        check_report(html)
    result = measure(tokenizers, texts, passages=PASSAGES if html else 0, **options)
    if html:
        write_report(html, result)
    _print_json(result) if as_json else print_fertility(result)
    if result["failed"]:
        context.exit(1)


@cli.command()
@TOKENIZER
@click.argument("corpus", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@TEXT_KEY
@BAD_TEXT
@AS_JSON
def shard(tokenizer: str, corpus: tuple[str, ...], out: Path, as_json: bool, **options: Any) -> None:
    """Write CORPUS as token files for pretraining. Run it again to go on after an interruption."""
    from tokenizer.shards import write_shards

    manifest = write_shards(_load(tokenizer), list(corpus), out, **options)
    if as_json:
        _print_json(manifest)
    else:
        click.echo(
            f"{out}: {manifest['tokens']:,} tokens of {manifest['documents']:,} documents, "
            f"{manifest['bytes'] / manifest['tokens']:.2f} bytes a token, {len(manifest['shards'])} shard files"
        )


@cli.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder made by `gyeol shard`.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Run folder to write or to resume.")
@click.option("--preset", default="nano", show_default=True, help="Model shape: nano to small, ax-3.1-light, ax-3.1.")
@click.option("--tokens", type=int, help="Tokens to train on; a sensible number for model and data by default.")
@click.option("--minutes", type=MINUTES, help="Stop after this long, the learning rate brought down in time.")
@click.option("--validation", type=click.Path(path_type=Path), help="Shards to validate on, else 1% of --data.")
@click.option("--batch-tokens", type=int, help="Tokens per optimizer step.")
@click.option("--context", type=int, help="Tokens per sequence; the preset's by default.")
@click.option("--lr", type=float, help="Peak learning rate.")
@click.option("--schedule", type=click.Choice(["cosine", "wsd"]), default="cosine", show_default=True)
@click.option("--seed", default=0, show_default=True)
@AS_JSON
def pretrain(data: Path, out: Path, minutes: float | None, as_json: bool, **options: Any) -> None:
    """Pretrain a model on shards. Run it again to resume; the run folder is then a Hugging Face Llama folder."""
    from dataclasses import asdict

    from model import pretrain as run_pretrain

    options["max_seconds"] = minutes * 60 if minutes else None
    result = run_pretrain(data, out, **{key: value for key, value in options.items() if value is not None})
    if as_json:
        _print_json(asdict(result))
    else:
        click.echo(
            f"{out}: {result.parameters:,} parameters, {result.tokens:,} tokens in {result.seconds:.0f} s "
            f"({result.tokens_per_second:,.0f} a second); validation {result.initial_bits_per_byte:.3f} -> "
            f"{result.bits_per_byte:.3f} bits per byte (token frequencies alone: {result.unigram_bits_per_byte:.3f})"
        )


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--prompt", required=True, help="Text to go on from.")
@click.option("--max-tokens", default=200, show_default=True)
@click.option("--temperature", default=0.8, show_default=True, help="0 takes the likeliest token each time.")
@click.option("--top-k", type=int, help="Choose among this many likeliest tokens.")
@click.option("--top-p", default=0.95, show_default=True, help="Choose among the likeliest that make up this share.")
@click.option("--seed", type=int, help="Makes the text repeatable.")
def generate(run: Path, prompt: str, max_tokens: int, **options: Any) -> None:
    """Continue a text with the model in the folder RUN."""
    from model import generate as run_generate

    pieces = run_generate(run, prompt, max_new_tokens=max_tokens, **options)
    click.echo(prompt, nl=False)
    for piece in pieces:
        click.echo(piece, nl=False)
    click.echo()


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("gyeol-demo"), show_default=True)
@click.option("--minutes", type=MINUTES, default=1.5, show_default=True, help="Time for pretraining.")
@click.pass_context
def demo(context: click.Context, out: Path, minutes: float) -> None:
    """Run the whole chain on the embedded sample: train, measure, shard, pretrain, generate."""
    import shutil

    import samples

    _check_free(out, "tokenizer", "no demo")
    corpus, tokenizer = str(samples.folder()), str(out / "tokenizer")
    data, run = str(out / "shards"), str(out / "run")
    for old in (tokenizer, data, run):  # of a demo before; nothing else there is touched
        shutil.rmtree(old, ignore_errors=True)
    small = ["--preset", "nano", "--context", "128", "--batch-tokens", "1024", "--tokens", "300000"]
    steps: list[list[str]] = [
        ["train", corpus, "--vocab-size", "4096", "--out", tokenizer],
        ["shard", "-t", tokenizer, corpus, "--out", data],
        ["pretrain", "--data", data, *small, "--minutes", str(minutes), "--out", run],
        ["fertility", "-t", tokenizer, "-t", "gyeol-100k", corpus],
        *(["generate", run, "--max-tokens", "60", "--seed", "1", "--prompt", p] for p in ("오늘은", "데이터베이스는")),
    ]
    for arguments in steps:
        click.secho("\n$ gyeol " + shlex.join(arguments), bold=True)
        with cli.make_context("gyeol", arguments, parent=context.parent) as sub:
            cli.invoke(sub)
    click.echo(
        "\nThe new vocabulary was trained on the very sample that it is measured on here; gyeol-100k never saw it.\n"
        f"Everything is left in {out.resolve()}: tokenizer/ (load it with transformers), shards/, run/ (a Llama "
        "model folder with log.jsonl)."
    )


def main() -> None:
    """Run the command; turn what went wrong into one line on stderr and an exit code."""
    import logging

    from tokenizer.errors import InputError

    logging.basicConfig(format="gyeol: %(message)s", level=logging.WARNING)
    if isinstance(sys.stdout, io.TextIOWrapper):  # Korean in any locale; file names that are no UTF-8 as they are
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        code = cli.main(prog_name="gyeol", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("gyeol: interrupted; what was there before is whole, run the command again to go on", err=True)
        code = 130
    except (InputError, OSError, MemoryError) as error:
        click.echo(f"gyeol: {str(error) or type(error).__name__}", err=True)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def _load(name: str) -> Tokenizer:
    from tokenizer import Tokenizer

    return Tokenizer.load(name)


def _check_free(folder: Path, mark: str, what: str) -> None:
    """Refuse a folder of something else before the work rather than after it."""
    if folder.exists() and not (folder / mark).exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.UsageError(f"{folder}: exists and holds {what}; name another folder with --out")


def _number_after(text: str) -> tuple[str, float]:
    """``name=number`` as a pair."""
    name, _, number = text.rpartition("=")
    try:
        return name, float(number)
    except ValueError:
        raise click.UsageError(f"{text!r} is not of the form NAME=NUMBER") from None


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
