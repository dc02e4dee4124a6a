"""The published fertility and alignment of the shipped vocabularies: raw JSON, tables and a picture.

    cd folder-that-holds-corpora && python -m benchmarks.publish corpora/dev --out benchmarks/results

Give the texts by a relative path: the JSON names the files as they were given.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks.fertility.measuring import measure
from benchmarks.provenance import command
from benchmarks.report.charts import ratio_picture
from benchmarks.report.html import check_report
from benchmarks.report.terminal import figure, groups_of, print_fertility
from benchmarks.speed.__main__ import input_errors
from tokenizer.errors import InputError
from tokenizer.files import atomic_open, write_json

BASELINE = "o200k_base"
TOKENIZERS = (
    *("gyeol-100k", "gyeol-200k", "cl100k_base", "llama3", "qwen3", "deepseek_v3"),
    *("gemma3", "gemma4", "glm4", "kimi_k2", "mistral_v3", "phi4"),
)
CLAIM = 1.5
MEASURES = (
    *("tokens_per_character", "bytes_per_token", "tokens_per_eojeol", "eojeols_whole", "eojeols_single_token"),
    *("tokens_inside_character", "renyi_efficiency", "vocabulary_used"),
)
CUTS = ("precision", "recall", "f1", "morphscore", "morphscore_left_out")


def tables(result: dict[str, Any]) -> str:
    """The result as Markdown: ratios with intervals and verdicts, then the other measures on Korean."""
    groups = groups_of(result)
    lines = [
        "| vocabulary | ids | " + " | ".join(groups) + " | 1.5x in Korean |",
        f"|---|---:|{'---:|' * len(groups)}---|",
    ]
    for row in result["tokenizers"]:
        parts = [result["results"][row["name"]]["groups"][group] for group in groups]
        cells = [_with_interval(part) for part in parts]
        verdict = parts[0]["claim"][BASELINE]
        lines.append(f"| {row['name']} | {row['vocab_size']:,} | {' | '.join(cells)} | {verdict} |")
    heads = "tokens/char | bytes/token | tokens/eojeol | whole | one token | end inside a char | Rényi | used"
    lines += ["", f"| {groups[0]} | {heads} | P | R | F1 | MorphScore | left out |", "|---|" + "---:|" * 13]
    for name, own in result["results"].items():
        part = own["groups"][groups[0]]
        cells = [figure(part[key]) for key in MEASURES] + [figure(part["alignment"][key]) for key in CUTS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _with_interval(part: dict[str, Any]) -> str:
    span = part["intervals"]["ratio"][BASELINE]
    return figure(part["ratio"][BASELINE]) + (f" ({span[0]:.3f}-{span[1]:.3f})" if span else "")


@click.command()
@click.argument("texts", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False, exists=True), required=True, help="Folder.")
@click.option("--name", default="fertility-dev", show_default=True, help="Name of the files that are written.")
def main(texts: tuple[str, ...], out: Path, name: str) -> None:
    """Measure the shipped vocabularies and their peers on TEXTS; write NAME.json, NAME.md and NAME.svg to --out."""
    with input_errors():
        check_report(out / f"{name}.svg")
        if any(Path(text).is_absolute() for text in texts):
            raise InputError("give the texts by a relative path: it is published as it stands")
        result = measure(
            TOKENIZERS,
            texts,
            against=[BASELINE],
            claim=CLAIM,
            alignment="kiwi",
        )
        result["provenance"]["command"] = command("python", "-m", "benchmarks.publish")
        write_json(out / f"{name}.json", json.loads(json.dumps(result), parse_float=_rounded))
        for suffix, text in (("md", tables(result)), ("svg", ratio_picture(result, BASELINE, "Korean"))):
            with atomic_open(out / f"{name}.{suffix}", "w") as handle:
                handle.write(text)
    print_fertility(result, Console(file=sys.stdout))


def _rounded(digits: str) -> float:
    return float(f"{float(digits):.6g}")


if __name__ == "__main__":
    main()
