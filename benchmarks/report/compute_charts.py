"""Charts of a comparison at equal compute: bits per byte against operations, bytes and seconds, drawn by matplotlib."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from benchmarks.compute.curves import Point, estimate
from benchmarks.compute.results import Comparison, TokenizerFigures
from benchmarks.report.charts import MUTED, RULE, SETTINGS, as_svg, stand_alone

WIDTH, HEIGHT = 720, 400
"""Units of a chart."""
LEFT, RIGHT, BOTTOM, TOP = 52, 170, 44, 26
"""Margins; the names of the lines are at the right."""
LINE = 15
"""Least distance of two names."""
AXES = {"flops": "floating-point operations", "bytes": "bytes of text", "seconds": "seconds of training"}
COLOURS = (
    *("#0b5fa5", "#b4540a", "#2f7d4f", "#8a3ea8", "#c0392b", "#6b7280", "#0e7c86", "#a16207"),
    *("#be185d", "#4d7c0f", "#5b6ee1", "#7c5c3b"),
)
MARKERS = "osD^vP*XhpdH<>"


def comparison_charts(result: Comparison, axis: str) -> dict[str, str]:
    """A chart for each group of texts, bits per byte against ``axis`` (flops, bytes or seconds)."""
    return {group: _chart(result.tokenizers, group, axis) for group in result.groups}


def comparison_picture(result: Comparison, group: str) -> str:
    """Bits per byte against operations as an SVG file of its own."""
    return stand_alone(_chart(result.tokenizers, group, "flops"), zoom=1.5)


def _chart(tokenizers: Sequence[TokenizerFigures], group: str, axis: str) -> str:
    with matplotlib.rc_context(SETTINGS | {"svg.hashsalt": f"compute {group} {axis}"}):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        inner = (1 - (LEFT + RIGHT) / WIDTH, 1 - (BOTTOM + TOP) / HEIGHT)
        axes = figure.add_axes((LEFT / WIDTH, BOTTOM / HEIGHT, *inner))
        axes.patch.set_visible(False)
        axes.set(xscale="log", xlabel=AXES[axis], ylabel="bits per byte")
        axes.grid(color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        ends: list[tuple[str, str, float, float]] = []
        low, high = math.inf, 0.0
        for number, each in enumerate(tokenizers):
            colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
            own = each.groups[group]
            line = _means(own.points, axis)
            x, y = ([point[place] for point in line] for place in (0, 1))
            halves = [point[2] for point in line]
            style = {"color": colour, "markersize": 5, "elinewidth": 1.2, "capsize": 2}
            axes.errorbar(x, y, yerr=halves, fmt=marker, zorder=4, **style)  # type: ignore[arg-type]
            if own.fit and axis == "flops":
                fine = [x[0] * (x[-1] / x[0]) ** (step / 40) for step in range(41)]
                axes.plot(fine, [own.fit.at(value) for value in fine], color=colour, linewidth=1.2, zorder=3)
            else:
                axes.plot(x, y, color=colour, linewidth=1.2, zorder=3)
            low, high = min(low, *x), max(high, *x)
            ends.append((each.arm.name, colour, x[-1], y[-1]))
        if low == high:
            axes.set_xlim(low / 2, high * 2)  # a single point has no width
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0), numticks=12))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}".replace("e+", "e")))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=7))
        axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())  # fixed, so that places on the picture are known
        _name_lines(axes, ends)
        return as_svg(figure)


def _name_lines(axes: Axes, ends: Sequence[tuple[str, str, float, float]]) -> None:
    """Write names in their colours at the right, at the heights of the ends of their lines, apart from each other."""
    places = {name: axes.transData.transform((x, y)) for name, _, x, y in ends}
    right, bottom = axes.get_window_extent().x1 + 10, -math.inf
    for name, colour, x, y in sorted(ends, key=lambda end: float(places[end[0]][1])):
        across, up = (float(value) for value in places[name])
        bottom = max(up, bottom + LINE)
        arrow = {"arrowstyle": "-", "relpos": (0, 0.5), "color": MUTED, "linewidth": 0.6, "shrinkB": 4}
        offset = (right - across, bottom - up - 4)
        axes.annotate(name, (x, y), offset, textcoords="offset points", color=colour, arrowprops=arrow)


def _means(points: Sequence[Point], axis: str) -> list[tuple[float, float, float]]:
    """Of the points of all seeds at each budget: the mean on the axis, the mean and half the interval of bits per
    byte."""

    def budget(point: Point) -> float:
        return round(math.log(point.flops), 1)

    found = []
    for _, group in groupby(sorted(points, key=budget), key=budget):
        own = list(group)
        bits = estimate([point.bits_per_byte for point in own])
        half = 0.0 if bits.high is None else bits.high - bits.mean
        found.append((_mean(getattr(point, axis) for point in own), bits.mean, half))
    return found


def _mean(values: Iterable[float]) -> float:
    own = list(values)
    return sum(own) / len(own)
