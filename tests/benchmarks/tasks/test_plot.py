"""Scores against tokens."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.tasks.plot import plot_evaluations
from tokenizer.errors import InputError


def result(folder: Path, name: str, tokens: int | None, acc: float) -> Path:
    tasks = [{"name": "kobest<b>", "metrics": {"acc": acc, "f1": 0.1}, "errors": {}, "items": 2, "group": False}]
    models = [{"model": name, "tokens": tokens, "tasks": tasks, "crossing": 0.1, "seconds": 1.0}]
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"format": "gyeol-evaluation", "measure": "evaluation", "models": models}), "utf-8")
    return path


def test_a_chart_for_each_task(tmp_path: Path) -> None:
    files = [result(tmp_path, name, tokens, acc) for name, tokens, acc in (("b", 4000, 0.75), ("a", 1000, 0.25))]
    plot_evaluations(files, tmp_path / "scores.html")
    page = (tmp_path / "scores.html").read_text("utf-8")
    assert "kobest&lt;b&gt;, acc" in page
    (points,) = re.findall(r'points="([^"]+)"', page)
    (x0, y0), (x1, y1) = (map(float, point.split(",")) for point in points.split())
    assert x0 < x1
    assert y0 > y1  # higher on the page
    with pytest.raises(InputError, match="already exists"):
        plot_evaluations(files, tmp_path / "scores.html")


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    one = result(tmp_path, "a", 1000, 0.5)
    with pytest.raises(InputError, match="two or more runs of different numbers of tokens"):
        plot_evaluations([one, result(tmp_path, "c", None, 0.5)], tmp_path / "scores.html")
    (tmp_path / "other.json").write_text("{}", "utf-8")
    with pytest.raises(InputError, match="is no result of `gyeol evaluate`"):
        plot_evaluations([one, tmp_path / "other.json"], tmp_path / "scores.html")
