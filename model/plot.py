"""Learning curves of runs as one HTML file that needs nothing else: loss and bits per byte against tokens,
floating-point operations and seconds."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from model.checkpoint import IDENTITY
from model.config import ModelConfig
from model.log import read_log
from tokenizer.errors import InputError
from tokenizer.files import atomic_open
from tokenizer.outputs import HTML_MARK, check_file
from tokenizer.state_files import read_state

AXES = {"tokens": "tokens", "flops": "floating-point operations", "seconds": "seconds"}
METRICS = {"loss": "training loss, nats per token", "bits_per_byte": "validation, bits per byte"}
COLOURS = ("#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#475569", "#0891b2", "#dc2626")
WIDTH, HEIGHT, MARGIN = 520, 320, 56
POINTS = 400
"""Points of a curve at most; more are averaged in groups."""

STYLE = (
    "body{font:14px system-ui,sans-serif;margin:2em;color:#1e293b}svg{margin:0 1em 1em 0}"
    "text{font-size:11px;fill:#475569}.grid{stroke:#e2e8f0}polyline{fill:none;stroke-width:1.6}"
)

Curve = tuple[np.ndarray, np.ndarray]


def plot_runs(runs: Sequence[str | Path], out: str | Path, *, force: bool = False) -> None:
    """Write the curves of ``runs``, finished or not, to the HTML file ``out``.

    Raises `InputError` for a folder that holds no run, or no step yet, and for a file that is there already; with
    ``force`` older curves are replaced.
    """
    check_file(out, HTML_MARK, force)
    curves = {str(run): run_curves(Path(run)) for run in dict.fromkeys(map(str, runs))}
    key = "".join(
        f'<p><b style="color:{_colour(number)}">&#9632;</b> {escape(name)}</p>' for number, name in enumerate(curves)
    )
    charts = "".join(
        _chart(f"{METRICS[metric]} against {AXES[axis]}", [own[metric, axis] for own in curves.values()])
        for metric in METRICS
        for axis in AXES
    )
    with atomic_open(out, "w") as handle:
        handle.write(
            f'<!DOCTYPE html><html lang="en"><meta charset="utf-8">{HTML_MARK.decode()}<title>Learning curves</title>'
            f"<style>{STYLE}</style><h1>Learning curves</h1>{key}{charts}</html>\n"
        )


def run_curves(run: Path) -> dict[tuple[str, str], Curve]:
    """For each metric and axis, where the points of a run lie: (x, y), each (points,)."""
    records = read_log(run)
    shape = ModelConfig(**read_state(run / IDENTITY)["model"])
    flops = shape.flops_per_token(shape.max_context)
    curves: dict[tuple[str, str], Curve] = {}
    for metric in METRICS:
        found = [record for record in records if record.get(metric) is not None]
        if not found:
            raise InputError(f"{run}: no {metric} in its log yet; let it run further")
        y = np.array([record[metric] for record in found], dtype=float)
        for axis in AXES:
            x = [record["tokens"] * flops if axis == "flops" else record[axis] for record in found]
            curves[metric, axis] = _thinned(np.array(x, dtype=float), y)
    return curves


def _thinned(x: np.ndarray, y: np.ndarray) -> Curve:
    """Average neighbours until there are at most `POINTS`."""
    size = -(-len(x) // POINTS)
    edges = np.arange(0, len(x), size)
    counts = np.diff([*edges, len(x)])
    return np.add.reduceat(x, edges) / counts, np.add.reduceat(y, edges) / counts


def _chart(title: str, curves: list[Curve]) -> str:
    """One chart as SVG."""
    right = max(float(x.max()) for x, _ in curves) or 1.0
    low, high = (float(edge([edge(y) for _, y in curves])) for edge in (np.min, np.max))
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            MARGIN + x / right * (WIDTH - 2 * MARGIN),
            HEIGHT - MARGIN - (y - low) / (high - low) * (HEIGHT - 2 * MARGIN),
        )

    parts = [f'<svg width="{WIDTH}" height="{HEIGHT}"><text x="{MARGIN}" y="24">{escape(title)}</text>']
    for part in np.linspace(0, 1, 5).tolist():
        x, y = place(part * right, low + part * (high - low))
        parts.append(f'<line class="grid" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{low + part * (high - low):.3g}</text>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{part * right:.3g}</text>')
    for number, (xs, ys) in enumerate(curves):
        points = " ".join("{:.1f},{:.1f}".format(*place(*pair)) for pair in zip(xs.tolist(), ys.tolist(), strict=True))
        parts.append(f'<polyline stroke="{_colour(number)}" points="{points}"/>')
    return "".join([*parts, "</svg>"])


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
