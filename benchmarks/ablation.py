"""Ablation of the recipe: vocabularies trained on one corpus, measured on another.

    python -m benchmarks.ablation CORPUS --dev TEXTS --vocab-size 102400 --json ablation.json

Every vocabulary is trained in a process of its own (see `benchmarks.speed.child`) and measured with
`benchmarks.fertility.measure`; alignment is on the Korean files, against Kiwi. The file is written again after each,
and those that it already has are not trained again.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks.command import input_errors, timeout
from benchmarks.fertility.boundaries import Boundaries
from benchmarks.fertility.measuring import measure
from benchmarks.fertility.results import as_json
from benchmarks.peers.load import load_peer
from benchmarks.provenance import provenance
from benchmarks.report.terminal import new_table, print_whole
from benchmarks.speed.child import Unmeasured, measure_in_child
from benchmarks.speed.rounds import check_known
from benchmarks.speed.trainers import TrainJob
from tokenizer.errors import InputError
from tokenizer.files import read_json, write_json
from tokenizer.progress import progress_bar
from tokenizer.threads import cores

WEIGHTS = [["en_*", 0.045], ["code_*", 0.175]]


def _curriculum(*stages: tuple[str, float], **options: Any) -> tuple[str, dict[str, Any]]:
    return "gyeol-curriculum", {"stages": [list(stage) for stage in stages], "weights": WEIGHTS, **options}


MORPHEMES, SUPERWORDS = ("morphemes", 0.72), ("superwords", 1.0)
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "curriculum": _curriculum(MORPHEMES, SUPERWORDS),
    "without superwords": _curriculum(MORPHEMES, ("eojeols", 1.0)),
    "with an eojeol stage, to 0.85": _curriculum(MORPHEMES, ("eojeols", 0.85), SUPERWORDS),
    "without the morpheme stage": _curriculum(SUPERWORDS),
    "morphemes to 0.50": _curriculum(("morphemes", 0.50), SUPERWORDS),
    "morphemes to 0.60": _curriculum(("morphemes", 0.60), SUPERWORDS),
    "morphemes to 0.85": _curriculum(("morphemes", 0.85), SUPERWORDS),
    "no weights": ("gyeol-curriculum", {"stages": [list(MORPHEMES), list(SUPERWORDS)]}),
    "temperature 1 (files as large as they are)": _curriculum(MORPHEMES, SUPERWORDS, temperature=1.0),
    "temperature 0 (files all alike)": _curriculum(MORPHEMES, SUPERWORDS, temperature=0.0),
    "superwords of at most 2 eojeols": _curriculum(MORPHEMES, SUPERWORDS, max_eojeols=2),
    "superwords of single sections too": _curriculum(MORPHEMES, SUPERWORDS, min_sections=1),
    "plain": ("gyeol-plain", {}),
    "strict": ("gyeol-strict", {}),
    "Hugging Face BpeTrainer": ("huggingface", {}),
    "kiwipiepy.bpe_trainer, walls at j e vcp xsv": ("kiwipiepy", {}),
    "SentencePiece BPE": ("sentencepiece-bpe", {}),
    "SentencePiece unigram": ("sentencepiece-unigram", {}),
}


def measured(folder: Path, dev: Sequence[str], boundaries: Boundaries) -> dict[str, Any]:
    """The figures of the vocabulary in ``folder``: ratios to o200k_base per file and group, and its alignment."""
    peer = load_peer(folder)
    own = measure([peer], dev, alignment=boundaries).results[peer.name]
    return {
        "ratio": {group: figures.ratio["o200k_base"] for group, figures in own.groups.items()},
        "files": {name: figures.ratio["o200k_base"] for name, figures in own.files.items()},
        "bytes_per_token": own.macro.bytes_per_token,
        "round_trip": as_json(own.round_trip),
        "alignment": as_json(own.groups.get("Korean", own.macro).alignment),
    }


def run(
    corpus: Sequence[str], dev: Sequence[str], vocab_size: int, names: Sequence[str], path: Path, timeout: float
) -> dict[str, Any]:
    """Train and measure the variants ``names``; the content of ``path``, which is kept up to date."""
    check_known(names, VARIANTS, "variant")
    settings = {"corpus": list(corpus), "dev": list(dev), "vocab_size": vocab_size}
    empty: dict[str, Any] = {"format": 1, "measure": "ablation", "settings": settings}
    result = read_json(path) if path.exists() else empty
    if result.get("settings") != settings:
        raise InputError(f"{path}: holds an ablation with other settings; name another file")
    result["provenance"] = as_json(provenance("python", "-m", "benchmarks.ablation"))
    rows, skipped = result.setdefault("variants", {}), result.setdefault("skipped", {})
    boundaries = Boundaries.from_kiwi()
    with progress_bar("Ablation", total=len(names)) as progress:
        for name in names:
            progress.note(name)
            if name not in rows:
                try:
                    rows[name] = _variant(name, corpus, dev, vocab_size, boundaries, timeout)
                    skipped.pop(name, None)
                except Unmeasured as error:
                    skipped[name] = str(error)
                write_json(path, result)
            progress.advance()
    return dict(result)


def _variant(
    name: str, corpus: Sequence[str], dev: Sequence[str], vocab_size: int, boundaries: Boundaries, timeout: float
) -> dict[str, Any]:
    trainer, options = VARIANTS[name]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "variant"
        asked: dict[str, Any] = {"corpus": list(corpus), "vocab_size": vocab_size, "threads": cores()}
        job = TrainJob(trainer=trainer, curriculum=options, save=str(folder), **asked)
        figures = measure_in_child(job, Path(scratch), timeout)
        return {"trainer": trainer, "options": options, **figures, **measured(folder, dev, boundaries)}


def print_ablation(result: dict[str, Any], console: Console | None = None) -> None:
    """Print the result of `run`, as ratios to o200k_base."""
    title = f"Ablation at {result['settings']['vocab_size']:,} ids, ratios to o200k_base"
    heads = ("Korean", "English", "code", "P", "R", "whole", "B/token", "s", "CPU s", "MB")
    table = new_table(title, ["vocabulary"], heads)
    for name, row in result["variants"].items():
        ratios = [f"{row['ratio'].get(group, float('nan')):.3f}" for group in ("Korean", "English", "code")]
        cut = [f"{row['alignment'][key] or 0:.3f}" for key in ("precision", "recall", "kept_whole")]
        cost = [f"{row[key]:.0f}" for key in ("seconds", "cpu_seconds")]
        table.add_row(name, *ratios, *cut, f"{row['bytes_per_token']:.2f}", *cost, f"{row['peak_bytes'] / 1e6:.0f}")
    print_whole(table, console or Console())
    for name, reason in result["skipped"].items():
        click.echo(f"skipped: {name}: {reason}")


@click.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option("--dev", multiple=True, required=True, help="Texts to measure on; may be repeated.")
@click.option("--vocab-size", default=102_400, show_default=True)
@click.option("--variant", "variants", multiple=True, help="May be repeated; all by default.")
@timeout(3600, "training")
@click.option("--json", "path", type=click.Path(path_type=Path), required=True, help="File to write or to complete.")
def main(corpus: tuple[str, ...], variants: tuple[str, ...], **options: Any) -> None:
    """Train a vocabulary on CORPUS by each variant of the recipe and measure it on the --dev texts."""
    with input_errors():
        print_ablation(run(corpus, names=variants or list(VARIANTS), **options))


if __name__ == "__main__":
    main()
