"""What extending a tokenizer is worth: `gyeol extend`, measured.

    cd folder-that-holds-corpora
    python -m benchmarks.extension corpora/train --texts corpora/unseen --work work --json extension.json

Published vocabularies are extended by several numbers of tokens and compared with o200k_base before and after
(`extend_vocabularies`); small models are extended with rows of each kind, and trained further (`benchmarks.new_rows`).
What is in ``--work`` already is not made again.
"""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from rich.console import Console

from benchmarks.command import JSON, finish, input_errors
from benchmarks.fertility.measuring import measure
from benchmarks.fertility.results import Report
from benchmarks.new_rows import compare_rows
from benchmarks.peers.bases import load_base
from benchmarks.peers.load import load_peer
from benchmarks.provenance import provenance, shown_path
from benchmarks.report.terminal import new_table, print_whole
from tokenizer.training import extend_folder

BASELINE = "o200k_base"
BASES = ("llama3", "qwen3")
SIZES = (8_192, 16_384, 32_768)
GROUPS = ("Korean", "English", "code")


def extend_vocabularies(
    bases: Sequence[str], sizes: Sequence[int], corpus: Sequence[str], texts: Sequence[str], work: Path
) -> list[dict[str, Any]]:
    """Each of ``bases`` as it is and extended by each of ``sizes`` tokens learnt from ``corpus``: its ids, the seconds
    that took (None where it was there), and of each group of ``texts`` the mean ratio to o200k_base over files."""
    rows: list[dict[str, Any]] = []
    for base in bases:
        rows.append({"base": base, "added": 0, "seconds": None, "peer": load_peer(base)})
        for size in sizes:
            folder = work / f"{base}+{size}"
            start = perf_counter()
            there = folder.exists()
            if not there:
                extend_folder(load_base(base), corpus, folder, add=size)
            seconds = None if there else round(perf_counter() - start, 1)
            rows.append({"base": base, "added": size, "seconds": seconds, "peer": load_peer(folder)})
    report = measure([row["peer"] for row in rows], texts, against=[BASELINE])
    return [_row(row, report) for row in rows]


def _row(row: dict[str, Any], report: Report) -> dict[str, Any]:
    peer = row.pop("peer")
    groups = report.results[peer.name].groups
    ratios = {group: groups[group].ratio[BASELINE] for group in GROUPS if group in groups}
    return row | {"ids": peer.vocab_size, "ratio": ratios, "tokens_of_files": _tokens(peer.name, report)}


def _tokens(name: str, report: Report) -> dict[str, int]:
    """Tokens of every file: what a base and its extensions need for English is the same number."""
    return {file: sums.tokens for file, sums in report.results[name].files.items()}


def show(result: dict[str, Any]) -> None:
    """Print both tables."""
    console = Console()
    table = new_table(f"Ratio to {BASELINE}", ["base"], ("added", "ids", *GROUPS, "s"))
    for row in result["vocabularies"]:
        ratios = [f"{row['ratio'].get(group, float('nan')):.3f}" for group in GROUPS]
        table.add_row(row["base"], f"{row['added']:,}", f"{row['ids']:,}", *ratios, str(row["seconds"] or ""))
    print_whole(table, console)
    heads = ("before further training", "after it", "tokens", "s")
    table = new_table("Bits per byte of Korean, nano", ["rows"], heads)
    for row in result["models"]:
        figures = (f"{row[key]:.3f}" for key in ("bits_per_byte_before", "bits_per_byte_after"))
        table.add_row(row["rows"], *figures, f"{row['tokens']:,}", f"{row['seconds']:.0f}")
    print_whole(table, console)


@click.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option("--texts", multiple=True, required=True, help="Texts to measure on; may be repeated.")
@click.option(
    "--work", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for what is made."
)
@click.option("--base", "bases", multiple=True, default=BASES, show_default=True)
@click.option("--add", "sizes", type=int, multiple=True, default=SIZES, show_default=True)
@click.option("--tokens", default=1_000_000, show_default=True, help="Tokens to train the base model on.")
@click.option("--more", default=500_000, show_default=True, help="Tokens to train each extended model on.")
@JSON
def main(corpus: tuple[str, ...], texts: tuple[str, ...], work: Path, json_path: Path | None, **settings: Any) -> None:
    """Extend vocabularies and models by tokens learnt from CORPUS."""
    with input_errors():
        work.mkdir(parents=True, exist_ok=True)
        result = {
            "format": 1,
            "measure": "extension",
            "provenance": provenance("python", "-m", "benchmarks.extension"),
            "corpus": [shown_path(path) for path in corpus],
            "texts": [shown_path(path) for path in texts],
            "vocabularies": extend_vocabularies(settings["bases"], settings["sizes"], corpus, texts, work),
            "models": compare_rows(corpus, texts, work, settings["tokens"], settings["more"]),
        }
    finish(result, json_path, show)


if __name__ == "__main__":
    main()
