"""The ``gyeol`` command. Every command is thin: it turns options into one call of the packages."""

from __future__ import annotations

import atexit
import gc
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
SHAPE_HELP = "Part of the shape that differs from the preset's, as qk_norm=true or num_kv_heads=1; may be repeated."
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
PAGE = click.Path(path_type=Path)


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
    from tokenizer.inspection import vocabulary_record
    from tokenizer.training import CurriculumOptions, Stage

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
    from tokenizer.streaming import encode_file

    loaded = _load(tokenizer)
    separator = ""
    for ids in encode_file(loaded, file, errors):
        click.echo(separator + " ".join(map(str, ids.tolist())), nl=False)
        separator = " "
    click.echo()


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
@click.option(
    "-t", "--tokenizer", "tokenizers", multiple=True, required=True, help="What cuts; may be repeated with --html."
)
@click.argument("text", required=False)
@click.option("--html", type=PAGE, help="Write a page that shows TEXT cut by every tokenizer, side by side.")
@AS_JSON
def inspect(tokenizers: tuple[str, ...], text: str | None, html: Path | None, as_json: bool) -> None:
    """Show TEXT with its tokens coloured, or the vocabulary in figures when there is no TEXT.

    A tokenizer is gyeol-100k, gyeol-200k or a folder made by `gyeol train`; with --html also any that
    `gyeol fertility` takes.
    """
    from rich.console import Console

    from tokenizer.inspection import coloured, text_record, vocabulary_record

    if html:
        return _inspect_in_page(html, tokenizers, text, as_json)
    if len(tokenizers) > 1:
        raise click.UsageError("several tokenizers are shown side by side in a page; add --html FILE")
    loaded = _load(tokenizers[0])
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
@click.option("--html", type=PAGE, help="Also write a page with charts, tables and passages.")
@click.argument("texts", nargs=-1, required=True)
@TEXT_KEY
@AS_JSON
@click.pass_context
def fertility(
    context: click.Context,
    tokenizers: tuple[str, ...],
    against: tuple[str, ...],
    html: Path | None,
    texts: tuple[str, ...],
    text_key: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Count the tokens that TEXTS (files or folders) take, and the ratio to GPT-4o's tokenizer or others.

    A tokenizer is gyeol-100k or gyeol-200k, a folder made by `gyeol train`, a Hugging Face tokenizer.json or its
    folder, a SentencePiece .model, a tiktoken encoding (o200k_base, cl100k_base) or a vocabulary that splintr
    carries (qwen3, llama3...), or a repository of the Hugging Face hub (owner/name). What cannot be used is
    named below the tables; the exit code is then 1 for a tokenizer, 0 for a file.
    """
    from benchmarks.fertility.measuring import measure_loaded
    from benchmarks.fertility.results import as_json as to_json
    from benchmarks.peers.load import load_what_loads
    from benchmarks.report.html import check_report, write_report
    from benchmarks.report.terminal import print_fertility

    if html:
        check_report(html)
    peers, failed = load_what_loads([*tokenizers, *against])
    result = measure_loaded(peers, failed, len(tokenizers), texts, text_key=text_key, **options)
    if html:
        write_report(html, result, [peer for peer in peers if peer], text_key=text_key)
    _print_json(to_json(result)) if as_json else print_fertility(result)
    if result.failed:
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
@click.option("--data", multiple=True, metavar="FOLDER[=WEIGHT]", help="Folder by `gyeol shard`; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder to write or to resume.")
@click.option(
    "--preset", default="nano", show_default=True, help="nano, mini, small, base, large, ax-3.1-light, ax-3.1."
)
@click.option("--shape", "shapes", multiple=True, metavar="NAME=VALUE", help=SHAPE_HELP)
@click.option("--tokens", type=int, help="Tokens to train on; a sensible number for model and data by default.")
@click.option("--minutes", type=MINUTES, help="Stop after this long, the learning rate brought down in time.")
@click.option("--validation", type=click.Path(path_type=Path), help="Shards to validate on, else 1% of --data.")
@click.option("--batch-tokens", type=int, help="Tokens per optimizer step; what suits the preset by default.")
@click.option(
    "--micro-batch-tokens", type=int, help="Tokens per forward pass; less takes less memory.  [default: 4096]"
)
@click.option("--context", type=int, help="Tokens per sequence; the preset's by default.")
@click.option("--documents", is_flag=True, help="Keep attention inside documents.")
@click.option("--lr", type=float, help="Peak learning rate; what suits the preset by default.")
@click.option("--optimizer", type=click.Choice(["adamw", "muon"]), help="What suits the preset by default.")
@click.option("--schedule", type=click.Choice(["cosine", "wsd"]), default="cosine", show_default=True)
@click.option("--z-loss", type=float, help="Weight of the squared log of the softmax's denominator, as 1e-4.")
@click.option(
    "--nonfinite", type=click.Choice(["stop", "skip"]), default="stop", help="What a step without a loss does."
)
@click.option("--seed", default=0, show_default=True)
@click.option("--precision", type=click.Choice(["auto", "fp32", "bf16"]), default="auto", show_default=True)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1 ...")
@click.option("--parallel", type=click.Choice(["auto", "ddp", "fsdp"]), default="auto", help="Under torchrun.")
@click.option("--recompute", is_flag=True, help="Recompute activations: slower, far less memory.")
@click.option("--compile/--no-compile", default=None, help="torch.compile the layers.  [default: on CUDA]")
@click.option("--keep", default=2, show_default=True, help="Checkpoints kept.")
@click.option("--tensorboard", is_flag=True, help="Log to RUN/tensorboard too.")
@click.option("--dry-run", is_flag=True, help="Print parameters, operations and memory, and do nothing.")
@click.option("--gpus", type=int, help="With --dry-run: share among this many GPUs instead of this machine.")
@AS_JSON
def pretrain(
    data: tuple[str, ...],
    out: Path | None,
    shapes: tuple[str, ...],
    minutes: float | None,
    dry_run: bool,
    gpus: int | None,
    validation: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Pretrain a model on shards. Run it again to resume; the run folder is then a Hugging Face Llama folder.

    On several GPUs: torchrun --nproc-per-node 8 -m cli pretrain ...
    """
    from dataclasses import asdict

    from model import describe_plan
    from model import dry_run as plan
    from model import pretrain as run_pretrain

    options |= {"max_seconds": minutes * 60 if minutes else None, "shape": dict(map(_value_after, shapes))}
    given = {key: value for key, value in options.items() if value is not None}
    if dry_run:
        needs = plan(data, gpus=gpus, **given)
        _print_json(asdict(needs)) if as_json else click.echo("\n".join(describe_plan(needs)))
        return
    if out is None or not data:
        raise click.UsageError("give --data and --out, or --dry-run")
    result = run_pretrain(data, out, validation=validation, **given)
    if os.environ.get("RANK", "0") != "0":
        return  # under torchrun the first process speaks
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
@click.option("--prompt", "prompts", multiple=True, required=True, help="Text to go on from; several are done at once.")
@click.option("--max-tokens", default=200, show_default=True)
@click.option("--temperature", default=0.8, show_default=True, help="0 takes the likeliest token each time.")
@click.option("--top-k", type=int, help="Choose among this many likeliest tokens.")
@click.option("--top-p", default=0.95, show_default=True, help="Choose among the likeliest that make up this share.")
@click.option("--min-p", type=float, help="Choose among tokens at least so likely, as a share of the likeliest.")
@click.option(
    "--repetition-penalty", default=1.0, show_default=True, help="Above 1: tokens said before are less likely."
)
@click.option("--heal/--no-heal", default=True, help="Take a prompt that ends inside a token back to where it begins.")
@click.option("--seed", type=int, help="Makes the text repeatable.")
@AS_JSON
def generate(run: Path, prompts: tuple[str, ...], max_tokens: int, as_json: bool, **options: Any) -> None:
    """Continue a text with the model in the folder RUN."""
    from model import generate as run_generate
    from model import generate_batch

    if len(prompts) == 1 and not as_json:
        pieces = run_generate(run, prompts[0], max_new_tokens=max_tokens, **options)
        click.echo(prompts[0], nl=False)
        for piece in pieces:
            click.echo(piece, nl=False)
        click.echo()
        return
    texts = generate_batch(run, prompts, max_new_tokens=max_tokens, **options)
    if as_json:
        _print_json([{"prompt": prompt, "continuation": text} for prompt, text in zip(prompts, texts, strict=True)])
    else:
        click.echo("\n\n".join(prompt + text for prompt, text in zip(prompts, texts, strict=True)))


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("curves.html"), show_default=True)
def plot(runs: tuple[Path, ...], out: Path) -> None:
    """Draw the learning curves of RUNS against tokens, operations and seconds, as one HTML file."""
    from model.plot import plot_runs

    plot_runs(runs, out)
    click.echo(out)


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

    atexit.register(gc.freeze)  # the process ends: a last search of all that was loaded takes 0.1 s and frees nothing
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

    loaded = Tokenizer.load(name)
    gc.freeze()  # it stays, and what was imported: no collection need search them
    return loaded


def _value_after(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value as JSON has it; a word alone is a string."""
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"{text!r} is not of the form NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _inspect_in_page(html: Path, tokenizers: tuple[str, ...], text: str | None, as_json: bool) -> None:
    from benchmarks.peers.load import load_peers
    from benchmarks.report.html import check_report, write_inspection

    if text is None or as_json:
        raise click.UsageError("--html shows a TEXT, and goes without --json")
    check_report(html)
    counts = write_inspection(html, text, load_peers(tokenizers))
    click.echo(f"{html}: {len(text)} characters, tokens: " + ", ".join(f"{n} {c}" for n, c in counts.items()))


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
