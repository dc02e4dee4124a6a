"""Ablation of the recipe: vocabularies trained on one corpus, measured on another, or on sources held out in turn.

    python -m benchmarks.ablation CORPUS... --folds sources --vocab-size 102400 --json ablation.json
    python -m benchmarks.ablation CORPUS... --dev TEXTS --vocab-size 102400 --json ablation.json

With ``--folds sources`` every variant is trained five times, each time without a fifth of the sources, which it is
then measured on (see `benchmarks.folds`); its figures are means over the folds. Every vocabulary is trained in a
process of its own (see `benchmarks.speed.child`) and measured with `benchmarks.fertility.measure`; alignment is on the
Korean files, against Kiwi. The file is written again after each, and those that it already has are not trained again.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks.command import input_errors, timeout
from benchmarks.fertility.boundaries import Boundaries
from benchmarks.fertility.measuring import measure
from benchmarks.fertility.results import as_json
from benchmarks.folds import deal, mean_over_registers, write_excerpt
from benchmarks.peers.load import load_peer
from benchmarks.provenance import provenance
from benchmarks.report.terminal import new_table, print_whole
from benchmarks.speed.child import Unmeasured, measure_in_child
from benchmarks.speed.rounds import check_known
from benchmarks.speed.trainers import TrainJob
from tokenizer.corpus import documents, find_files
from tokenizer.errors import InputError
from tokenizer.files import read_json, write_json
from tokenizer.progress import progress_bar
from tokenizer.threads import cores

WEIGHTS = {
    **{"en_docs_*": 0.1, "en_msdocs_*": 0.1, "en_*": 1.6, "code_*": 0.3},
    **{"docs_*": 0.4, "msdocs_*": 0.25, "law_*": 0.4, "movie_*": 0.6, "dict_*": 2.0},
}
"""Those of gyeol-100k."""
FIGURES = "bytes_per_token", "precision", "recall", "kept_whole", "seconds", "cpu_seconds", "peak_bytes"
"""Figures of a variant beside its ratios; with folds their means."""


def _curriculum(*stages: tuple[str, float], **options: Any) -> tuple[str, dict[str, Any]]:
    shared = {"stages": [list(stage) for stage in stages], "weights": WEIGHTS, "min_sources": 2}
    return "gyeol-curriculum", {**shared, **options}


MORPHEMES, SUPERWORDS = ("morphemes", 0.65), ("superwords", 1.0)
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "curriculum": _curriculum(MORPHEMES, SUPERWORDS),
    "no token left out": _curriculum(MORPHEMES, SUPERWORDS, surplus=0.0),
    "uses not damped": _curriculum(MORPHEMES, SUPERWORDS, damping=1.0),
    "no bonus for morphemes": _curriculum(MORPHEMES, SUPERWORDS, morpheme_bonus=0.0),
    "tokens of single sources too": _curriculum(MORPHEMES, SUPERWORDS, min_sources=1),
    "without superwords": _curriculum(MORPHEMES, ("eojeols", 1.0)),
    "with an eojeol stage, to 0.85": _curriculum(MORPHEMES, ("eojeols", 0.85), SUPERWORDS),
    "without the morpheme stage": _curriculum(SUPERWORDS),
    "morphemes to 0.50": _curriculum(("morphemes", 0.50), SUPERWORDS),
    "morphemes to 0.80": _curriculum(("morphemes", 0.80), SUPERWORDS),
    "no weights": _curriculum(MORPHEMES, SUPERWORDS, weights={}),
    "temperature 1 (sources as large as they are)": _curriculum(MORPHEMES, SUPERWORDS, temperature=1.0),
    "temperature 0.3": _curriculum(MORPHEMES, SUPERWORDS, temperature=0.3),
    "superwords of at most 2 eojeols": _curriculum(MORPHEMES, SUPERWORDS, max_eojeols=2),
    "superwords of single sections too": _curriculum(MORPHEMES, SUPERWORDS, min_sections=1),
    "plain": ("gyeol-plain", {}),
    "strict": ("gyeol-strict", {}),
    "Hugging Face BpeTrainer": ("huggingface", {}),
    "kiwipiepy.bpe_trainer, walls at j e vcp xsv": ("kiwipiepy", {}),
    "SentencePiece BPE": ("sentencepiece-bpe", {}),
    "SentencePiece unigram": ("sentencepiece-unigram", {}),
}


def measured(folder: Path, texts: Sequence[str], boundaries: Boundaries) -> dict[str, Any]:
    """The figures of the vocabulary in ``folder``: ratios to o200k_base per file and group, and its alignment."""
    peer = load_peer(folder)
    found = measure([peer], texts, alignment=boundaries)
    own = found.results[peer.name]
    alignment = own.groups.get("Korean", own.macro).alignment
    files = {name: figures.ratio["o200k_base"] or 0 for name, figures in own.files.items()}
    return {
        "ratio": {group: figures.ratio["o200k_base"] for group, figures in own.groups.items()},
        "by_register": mean_over_registers(files, {file.name: file.group for file in found.files}),
        "files": files,
        "bytes_per_token": own.macro.bytes_per_token,
        "round_trip": as_json(own.round_trip),
        **{key: getattr(alignment, key, None) for key in ("precision", "recall", "kept_whole")},
    }


def run(
    corpus: Sequence[str],
    dev: Sequence[str],
    vocab_size: int,
    names: Sequence[str],
    path: Path,
    timeout: float,
    folds: bool = False,
) -> dict[str, Any]:
    """Train and measure the variants ``names``; the content of ``path``, which is kept up to date. With ``folds``
    texts are the sources of ``corpus`` held out in turn, and not ``dev``."""
    check_known(names, VARIANTS, "variant")
    held_out = deal(corpus) if folds else []
    settings = {"corpus": list(corpus), "dev": list(dev), "vocab_size": vocab_size, "folds": len(held_out)}
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
                    rows[name] = _variant(name, corpus, dev, held_out, vocab_size, boundaries, timeout)
                    skipped.pop(name, None)
                except Unmeasured as error:
                    skipped[name] = str(error)
                write_json(path, result)
            progress.advance()
    return dict(result)


def _variant(
    name: str,
    corpus: Sequence[str],
    dev: Sequence[str],
    held_out: list[list[Path]],
    vocab_size: int,
    boundaries: Boundaries,
    timeout: float,
) -> dict[str, Any]:
    trainer, options = VARIANTS[name]
    shared: dict[str, Any] = {"trainer": trainer, "vocab_size": vocab_size, "threads": cores()}
    with tempfile.TemporaryDirectory() as scratch:
        if not held_out:
            job = TrainJob(corpus=list(corpus), curriculum=_fitting(options, corpus), **shared)
            return {"options": options, **_trained(job, dev, Path(scratch), boundaries, timeout)}
        folds = []
        for number, fold in enumerate(held_out):
            rest = [str(path) for other in held_out if other is not fold for path in other]
            texts = Path(scratch) / f"texts-{number}"
            texts.mkdir()
            for path in fold:
                text = "\n".join(document.text for document in documents([path]))
                write_excerpt(text, texts / f"{path.name.split('.')[0]}.txt")
            job = TrainJob(corpus=rest, curriculum=_fitting(options, rest), **shared)
            folds.append(_trained(job, [str(texts)], Path(scratch), boundaries, timeout))
        return {"options": options, **_mean(folds), "folds": folds}


def _trained(
    job: TrainJob, texts: Sequence[str], scratch: Path, boundaries: Boundaries, timeout: float
) -> dict[str, Any]:
    """The figures of the training of ``job`` and of its vocabulary on ``texts``."""
    folder = scratch / "variant"
    shutil.rmtree(folder, ignore_errors=True)
    figures = measure_in_child(replace(job, save=str(folder)), scratch, timeout)
    return {"trainer": job.trainer, **figures, **measured(folder, texts, boundaries)}


def _fitting(options: dict[str, Any], corpus: Sequence[str]) -> dict[str, Any]:
    """The options with the weights of patterns that fit a file of the corpus, as the trainer takes them."""
    if "weights" not in options:
        return options
    names = [path.name for path in find_files(corpus)]
    fitting = {key: weight for key, weight in options["weights"].items() if any(fnmatch(name, key) for name in names)}
    return options | {"weights": [list(item) for item in fitting.items()]}


def _mean(folds: list[dict[str, Any]]) -> dict[str, Any]:
    """The means of all figures over the folds; of the ratio that of the registers."""
    groups = sorted({group for fold in folds for group in fold["by_register"]})
    ratio = {group: _mean_of([fold["by_register"].get(group) for fold in folds]) for group in groups}
    means = {key: _mean_of([fold[key] for fold in folds]) for key in FIGURES}
    return {"trainer": folds[0]["trainer"], "ratio": ratio, **means}


def _mean_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def print_ablation(result: dict[str, Any], console: Console | None = None) -> None:
    """Print the result of `run`, as ratios to o200k_base."""
    folds = result["settings"]["folds"]
    held_out = f", sources held out in {folds} folds, means over registers" if folds else ""
    title = f"Ablation at {result['settings']['vocab_size']:,} ids, ratios to o200k_base{held_out}"
    heads = ("Korean", "English", "code", "P", "R", "whole", "B/token", "s", "CPU s", "MB")
    table = new_table(title, ["vocabulary"], heads)
    for name, row in result["variants"].items():
        ratios = [f"{row['ratio'].get(group, float('nan')):.3f}" for group in ("Korean", "English", "code")]
        cut = [f"{row[key] or 0:.3f}" for key in ("precision", "recall", "kept_whole")]
        cost = [f"{row[key]:.0f}" for key in ("seconds", "cpu_seconds")]
        table.add_row(name, *ratios, *cut, f"{row['bytes_per_token']:.2f}", *cost, f"{row['peak_bytes'] / 1e6:.0f}")
    print_whole(table, console or Console())
    for name, reason in result["skipped"].items():
        click.echo(f"skipped: {name}: {reason}")


@click.command()
@click.argument("corpus", nargs=-1, required=True)
@click.option("--dev", multiple=True, help="Texts to measure on; may be repeated.")
@click.option("--folds", type=click.Choice(["sources"]), help="Measure on the sources, each held out of training once.")
@click.option("--vocab-size", default=102_400, show_default=True)
@click.option("--variant", "variants", multiple=True, help="May be repeated; all by default.")
@timeout(3600, "training")
@click.option("--json", "path", type=click.Path(path_type=Path), required=True, help="File to write or to complete.")
def main(corpus: tuple[str, ...], variants: tuple[str, ...], folds: str | None, **options: Any) -> None:
    """Train a vocabulary on CORPUS by each variant of the recipe, and measure it on the --dev texts, or on the sources
    of CORPUS that it was trained without."""
    with input_errors():
        if bool(folds) == bool(options["dev"]):
            raise InputError("name texts with --dev, or hold sources out with --folds sources: one of both")
        print_ablation(run(corpus, names=variants or list(VARIANTS), folds=bool(folds), **options))


if __name__ == "__main__":
    main()
