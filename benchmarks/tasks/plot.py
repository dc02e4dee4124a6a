"""Scores of several checkpoints against the tokens they were trained on, as one HTML file: a chart for each task."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tasks.evaluating import FORMAT, MAIN
from model.plot import STYLE, chart
from tokenizer.errors import InputError
from tokenizer.files import atomic_open, read_json
from tokenizer.outputs import HTML_MARK, check_file
from tokenizer.standard_streams import printable


def plot_evaluations(files: Sequence[str | Path], out: str | Path, *, force: bool = False) -> None:
    """Write the charts of the results in ``files``, of `gyeol evaluate`, to the HTML file ``out``.

    `InputError` for a file of something else, and where fewer than two models say what they were trained on.
    """
    check_file(out, HTML_MARK, force)
    models = [model for path in files for model in _models(Path(path))]
    trained = sorted((model for model in models if model["tokens"]), key=lambda model: int(model["tokens"]))
    if len({model["tokens"] for model in trained}) < 2:
        raise InputError(
            f"{', '.join(map(str, files))}: name results of two or more runs of different numbers of tokens; figures "
            "are drawn against these"
        )
    scores: dict[str, list[tuple[int, float]]] = {}
    for model in trained:
        for task in model["tasks"]:
            metric = next((name for name in MAIN if name in task["metrics"]), None)
            if metric:
                scores.setdefault(f"{task['name']}, {metric}", []).append((model["tokens"], task["metrics"][metric]))
    charts = [
        chart((printable(name), ""), ("tokens", "토큰"), {0: tuple(np.array(points, dtype=float).T)})  # type: ignore[dict-item]
        for name, points in scores.items()
    ]
    names = ", ".join(escape(printable(model["model"])) for model in trained)
    with atomic_open(out, "w") as handle:
        handle.write(
            f'<!DOCTYPE html><html lang="en"><meta charset="utf-8">{HTML_MARK.decode()}'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Scores</title>'
            f"<style>{STYLE}</style><h1>Scores · 점수</h1><p>{names}</p>{''.join(charts)}</html>\n"
        )


def _models(path: Path) -> list[dict[str, Any]]:
    record = read_json(path)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"{path}: is no result of `gyeol evaluate`")
    return list(record["models"])
