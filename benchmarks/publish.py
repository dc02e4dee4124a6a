"""The published fertility and alignment of the shipped vocabularies: raw JSON, tables and a picture.

    cd folder-that-holds-corpora && python -m benchmarks.publish corpora/unseen --out benchmarks/results

Give the texts by a relative path: the JSON names the files as they were given.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from benchmarks.command import FORCE, input_errors
from benchmarks.fertility.measuring import measure
from benchmarks.fertility.results import Report, as_json
from benchmarks.metrics import ALIGNMENT, FERTILITY
from benchmarks.provenance import provenance
from benchmarks.report.charts import ratio_picture
from benchmarks.report.html import check_packages
from benchmarks.report.terminal import figure, print_fertility, with_interval
from tokenizer.errors import InputError
from tokenizer.files import atomic_open, write_json
from tokenizer.outputs import JSON_MARK, check_file

BASELINE = "o200k_base"
TOKENIZERS = (
    *("gyeol-32k", "gyeol-100k", "gyeol-200k", "cl100k_base", "llama3", "qwen3", "deepseek_v3"),
    *("gemma3", "gemma4", "glm4", "kimi_k2", "mistral_v3", "phi4"),
)
KOREAN = (
    *("hf:LGAI-EXAONE/EXAONE-4.0-32B", "hf:LGAI-EXAONE/K-EXAONE-236B-A23B", "hf:kakaocorp/kanana-1.5-8b-base"),
    *("hf:kakaocorp/kanana-2-30b-a3b-base", "hf:skt/A.X-3.1", "hf:skt/A.X-4.0", "hf:upstage/Solar-Open-100B"),
    *("hf:Motif-Technologies/Motif-2-12.7B-Base", "hf:naver-hyperclovax/HyperCLOVAX-SEED-Text-Instruct-1.5B"),
)
"""Vocabularies made for Korean, on the Hugging Face hub; some ask for a licence to be accepted there first."""
CLAIM = 1.5


def tables(report: Report) -> str:
    """The report as Markdown: ratios with intervals and verdicts, then the other metrics on Korean."""
    groups = report.groups
    lines = [
        "| vocabulary | ids | " + " | ".join(groups) + " | 1.5x in Korean |",
        f"|---|---:|{'---:|' * len(groups)}---|",
    ]
    for row in report.tokenizers:
        parts = [report.results[row.name].groups[group] for group in groups]
        cells = [with_interval(part, BASELINE, " ({:.3f}-{:.3f})") for part in parts]
        verdict = (parts[0].claim or {})[BASELINE]
        lines.append(f"| {row.name} | {row.vocab_size:,} | {' | '.join(cells)} | {verdict} |")
    fertility, alignment = ([metric for metric in metrics if metric.markdown] for metrics in (FERTILITY, ALIGNMENT))
    heads = [metric.markdown for metric in fertility + alignment]
    lines += ["", f"| {groups[0]} | {' | '.join(map(str, heads))} |", "|---|" + "---:|" * len(heads)]
    for name, own in report.results.items():
        part = own.groups[groups[0]]
        cells = [figure(getattr(part, metric.key)) for metric in fertility]
        cells += [figure(getattr(part.alignment, metric.key)) for metric in alignment]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("texts", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False, exists=True), required=True, help="Folder.")
@click.option("--name", default="fertility-unseen", show_default=True, help="Name of the files that are written.")
@click.option("--korean", is_flag=True, help="Also vocabularies made for Korean, from the Hugging Face hub.")
@FORCE
def main(texts: tuple[str, ...], out: Path, name: str, korean: bool, force: bool) -> None:
    """Measure the shipped vocabularies and their peers on TEXTS; write NAME.json, NAME.md and NAME.svg to --out."""
    with input_errors():
        check_packages(out / f"{name}.svg")
        check_file(out / f"{name}.json", JSON_MARK, force)
        if any(Path(text).is_absolute() for text in texts):
            raise InputError("give the texts by a relative path: it is published as it stands")
        tokenizers = [*TOKENIZERS, *(KOREAN if korean else ())]
        report = measure(tokenizers, texts, against=[BASELINE], claim=CLAIM, alignment="kiwi")
        report = replace(report, provenance=provenance("python", "-m", "benchmarks.publish"))
        rounded = json.loads(json.dumps(as_json(report)), parse_float=lambda digits: float(f"{float(digits):.6g}"))
        write_json(out / f"{name}.json", rounded)
        for suffix, text in (("md", tables(report)), ("svg", ratio_picture(report, BASELINE, "Korean"))):
            with atomic_open(out / f"{name}.{suffix}", "w") as handle:
                handle.write(text)
    print_fertility(report, Console(file=sys.stdout))


if __name__ == "__main__":
    main()
