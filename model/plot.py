"""Learning curves of runs as one HTML file that needs nothing else: loss and bits per byte against tokens,
floating-point operations and seconds."""

import math
from collections.abc import Sequence
from html import escape
from itertools import product
from pathlib import Path

import numpy as np

from model.checkpoint import IDENTITY
from model.config import ModelConfig
from model.log import read_log
from tokenizer.errors import InputError
from tokenizer.files import atomic_open
from tokenizer.outputs import HTML_MARK, check_file
from tokenizer.standard_streams import printable
from tokenizer.state_files import read_state

AXES = {
    "tokens": ("tokens", "토큰"),
    "flops": ("floating-point operations", "부동소수점 연산"),
    "seconds": ("seconds", "초"),
}
METRICS = {
    "bits_per_byte": ("validation, bits per byte", "검증, 바이트당 비트"),
    "loss": ("training loss, nats per token", "학습 손실, 토큰당 nat"),
}
"""In English and Korean. Losses per token of different vocabularies do not compare, and have charts of their own."""
COLOURS = ("#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#475569", "#0891b2", "#dc2626")
WIDTH, HEIGHT, MARGIN = 520, 320, 56
TICKS = 5
_UNITS = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
POINTS = 400
"""Points of a curve at most; more are averaged in groups."""

STYLE = (
    "body{font:14px system-ui,sans-serif;margin:2em;color:#1e293b}svg{margin:0 1em 1em 0;max-width:100%;height:auto}"
    "text{font-size:11px;fill:#475569}.grid{stroke:#e2e8f0}polyline{fill:none;stroke-width:1.6}"
)

Curve = tuple[np.ndarray, np.ndarray]


def plot_runs(runs: Sequence[str | Path], out: str | Path, *, force: bool = False) -> None:
    """Write the curves of ``runs``, finished or not, to the HTML file ``out``.

    Raises `InputError` for a folder that holds no run, or no step yet, and for a file that is there already; with
    ``force`` older curves are replaced.
    """
    check_file(out, HTML_MARK, force)
    names = list(dict.fromkeys(map(str, runs)))
    curves = {name: run_curves(Path(name)) for name in names}
    vocabularies = {name: str(read_state(Path(name) / IDENTITY)["tokenizer"]) for name in names}
    key = "".join(
        f'<p><b style="color:{_colour(number)}">&#9632;</b> {escape(printable(name))}</p>'
        for number, name in enumerate(names)
    )
    charts = []
    for metric, axis in product(METRICS, AXES):
        for members in [names] if metric == "bits_per_byte" else _by_vocabulary(names, vocabularies):
            own = {names.index(name): curves[name][metric, axis] for name in members}
            charts.append(chart(METRICS[metric], AXES[axis], own))
    with atomic_open(out, "w") as handle:
        handle.write(
            f'<!DOCTYPE html><html lang="en"><meta charset="utf-8">{HTML_MARK.decode()}'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Learning curves</title>'
            f"<style>{STYLE}</style><h1>Learning curves · 학습 곡선</h1>{key}{''.join(charts)}</html>\n"
        )


def _by_vocabulary(names: Sequence[str], vocabularies: dict[str, str]) -> list[list[str]]:
    """The runs of each vocabulary together."""
    return [[name for name in names if vocabularies[name] == own] for own in dict.fromkeys(vocabularies.values())]


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


def chart(metric: tuple[str, str], axis: tuple[str, str], curves: dict[int, Curve]) -> str:
    """One chart as SVG, its curves by the number of their colour; ``metric`` and ``axis`` in English and Korean."""
    right = max(float(x.max()) for x, _ in curves.values()) or 1.0
    low, high = (float(edge([edge(y) for _, y in curves.values()])) for edge in (np.min, np.max))
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            MARGIN + x / right * (WIDTH - 2 * MARGIN),
            HEIGHT - MARGIN - (y - low) / (high - low) * (HEIGHT - 2 * MARGIN),
        )

    parts = [f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">']
    parts.append(f'<text x="{MARGIN}" y="24">{escape(" · ".join(filter(None, metric)))}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(" · ".join(axis))}</text>')
    for value in ticks(low, high):
        y = place(0, value)[1]
        parts.append(f'<line class="grid" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{readable(value)}</text>')
    for value in ticks(0, right):
        x = place(value, low)[0]
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{readable(value)}</text>')
    for number, (xs, ys) in curves.items():
        points = " ".join("{:.1f},{:.1f}".format(*place(*pair)) for pair in zip(xs.tolist(), ys.tolist(), strict=True))
        parts.append(f'<polyline stroke="{_colour(number)}" points="{points}"/>')
    return "".join([*parts, "</svg>"])


def ticks(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between ``low`` and ``high``, `TICKS` or fewer."""
    power = 10.0 ** math.floor(math.log10((high - low) / TICKS))
    step = next(size * power for size in (1, 2, 5, 10, 20) if (high - low) / (size * power) <= TICKS)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def readable(value: float) -> str:
    """A number as people write it: 1.5, 800, 20 k, 3 G."""
    size, unit = next(
        (pair for pair in _UNITS if abs(value) >= 10 * pair[0] or abs(value) >= pair[0] >= 1e6), (1.0, "")
    )
    return f"{value / size:.4g}{' ' + unit if unit else ''}"


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
