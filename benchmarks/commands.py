"""The commands that measure: ``gyeol inspect``, ``gyeol fertility`` and ``gyeol compare``."""

from pathlib import Path
from typing import Any

import click

from tokenizer.console import AS_JSON, FOLDER, FORCE, OUT, TOKENIZERS, print_json, show
from tokenizer.options import Words, fields_of, name_and_json, option, options
from tokenizer.standard_streams import printable

READING = fields_of("tokenizer.corpus.reading", "Reading")
COMPARE = fields_of("benchmarks.compute.options", "CompareOptions")
BUDGET_HELP = "Floating-point operations of a training, as in 1e12; several are a ladder."


@click.command(epilog="Example: gyeol inspect -t gyeol-100k -t o200k_base '결을 따라 자르면'")
@TOKENIZERS
@click.argument("text", required=False, type=Words())
@click.option("--file", help="Take the text from this file; - is standard input.")
@click.option("--html", type=FOLDER, help="Write a page that shows the text cut by every tokenizer, side by side.")
@FORCE
@AS_JSON
def inspect(tokenizers: tuple[str, ...], text: str | None, file: str | None, as_json: bool, **page: Any) -> None:
    """Show TEXT with its tokens coloured, by each tokenizer; without a text a vocabulary in figures.

    With a text a tokenizer is any that `gyeol fertility` takes.
    """
    from benchmarks.report.html import inspect_in_page
    from benchmarks.report.side_by_side import inspect_and_print
    from tokenizer.corpus import documents

    text = "".join(document.text for document in documents([file])) if file else text
    if page["html"]:
        if text is None or as_json:
            raise click.UsageError("--html needs a TEXT or --file, and does not go with --json")
        return click.echo(printable(inspect_in_page(page["html"], text, tokenizers, force=page["force"])))
    inspect_and_print(text, tokenizers, print_json if as_json else None)


@click.command(epilog="Example: gyeol fertility -t my-tokenizer --against o200k_base novel.txt")
@TOKENIZERS
@click.option("--against", multiple=True, default=["o200k_base"], help="Baseline; may be repeated.")
@click.option("--claim", type=float, metavar="RATIO", help="Say whether each ratio is at least so much, at 95%.")
@click.option("--alignment", metavar="[kiwi|FILE]", help="Compare token boundaries with Kiwi's or a gold file's.")
@click.option("--html", type=FOLDER, help="Also write a page with charts, tables and passages.")
@FORCE
@click.argument("texts", nargs=-1, required=True)
@option(READING["text_key"])
@AS_JSON
@click.pass_context
def fertility(context: click.Context, texts: tuple[str, ...], html: Path | None, as_json: bool, **rest: Any) -> None:
    """Count the tokens that TEXTS (files or folders) take, and the ratio to GPT-4o's tokenizer or others.

    A tokenizer is gyeol-100k or gyeol-200k, a folder made by `gyeol train`, a Hugging Face tokenizer.json or its
    folder, a SentencePiece .model, a tiktoken encoding (o200k_base, cl100k_base) or a vocabulary that splintr
    carries (qwen3, llama3...), or hf:OWNER/NAME on the Hugging Face hub. What cannot be used is
    named below the tables; the exit code is then 1 for a tokenizer, 0 for a file.
    """
    from benchmarks.fertility import measure_loaded
    from benchmarks.fertility.results import as_json as report_json
    from benchmarks.peers.load import load_what_loads
    from benchmarks.report.html import check_report, write_report
    from benchmarks.report.terminal import print_fertility

    tokenizers, against, force = (rest.pop(name) for name in ("tokenizers", "against", "force"))
    if html:
        check_report(html, force)
    peers, failed = load_what_loads([*tokenizers, *against])
    result = measure_loaded(peers, failed, len(tokenizers), texts, **rest)
    if html:
        write_report(html, result, [peer for peer in peers if peer], text_key=rest["text_key"], force=force)
    print_json(report_json(result)) if as_json else print_fertility(result)
    if result.failed:
        context.exit(1)


@click.command(
    epilog="Example: gyeol compare -t o200k_base -t mine corpus --eval held-out --budget 1e13 --out compared"
)
@TOKENIZERS
@click.argument("corpus", nargs=-1, required=True)
@click.option(
    "--eval", "eval_texts", multiple=True, required=True, metavar="TEXTS", help="Held-out text, scored whole."
)
@click.option("--budget", "budgets", type=float, multiple=True, required=True, metavar="FLOP", help=BUDGET_HELP)
@click.option("--seeds", default=3, help="Models of each tokenizer and budget, for intervals.")
@OUT
@options(COMPARE, "preset")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=VALUE", help=COMPARE["shape"].help)
@options(COMPARE, "context_bytes", "batch_bytes", "sample")
@click.option("--lr", "rates", type=float, multiple=True, help=COMPARE["rates"].help)
@options(COMPARE, "device")
@option(READING["text_key"])
@click.option("--dry-run", is_flag=True, help="Print the runs and how long they will take, and train nothing.")
@AS_JSON
def compare(tokenizers: tuple[str, ...], corpus: tuple[str, ...], out: Path, as_json: bool, **rest: Any) -> None:
    """Train the same model with several tokenizers on CORPUS, and compare bits per byte at equal compute.

    The first tokenizer is what the others are compared with. Tokenizers are those that `gyeol fertility` takes. Run it
    again to go on after an interruption, also with more tokenizers, budgets or seeds. OUT/comparison.html has plots.
    """
    from benchmarks.compute.comparing import compare as run_compare
    from benchmarks.compute.plan import ComparePlan, describe_compare_plan
    from benchmarks.report.compute_tables import print_comparison

    rest["shape"] = dict(name_and_json(each, "NAME=VALUE") for each in rest.pop("shapes"))
    result = run_compare(tokenizers, corpus, out, **rest)
    if isinstance(result, ComparePlan):
        show(result, as_json, describe_compare_plan)
    else:
        print_json(result) if as_json else print_comparison(result, out)
