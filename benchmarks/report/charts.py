"""Charts of a fertility result as inline SVG, drawn by matplotlib: ratios as bars, fertility against vocabulary.

A chart is as wide as a phone (`WIDTH` units), so that a page sets one beside the other on a wide screen and one
under the other on a narrow one, and no text shrinks. It takes its colours from the page's CSS variables
(``--ink``, ``--muted``, ``--rule``, ``--paper``, ``--ours``, ``--others``), and so follows a dark scheme; its text
stays text, for the page to set in its own font. The same figures give the same bytes: no date, no random ids.
"""

import io
import math
import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from benchmarks.fertility.results import Figures, MeasuredTokenizer, Report
from benchmarks.peers.adapters import GyeolPeer

WIDTH = 340
ROW = 36
"""Height of a bar with the text above it."""
SCATTER_HEIGHT = 300

INK, MUTED, RULE, PAPER, OURS, OTHERS = (f"#0000{i:02x}" for i in range(1, 7))
_VARIABLES = {INK: "ink", MUTED: "muted", RULE: "rule", PAPER: "paper", OURS: "ours", OTHERS: "others"}

_FIXED = {
    "ink": "#1b1b1b",
    "muted": "#595959",
    "rule": "#c8c8c8",
    "paper": "#ffffff",
    "ours": "#0b5fa5",
    "others": "#8a8f98",
}
"""Colours of a picture that stands alone; dark enough on white for WCAG AA where they are text."""

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign in the name of a tokenizer is a dollar sign
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "text.color": INK,
    **{"xtick.color": RULE, "xtick.labelcolor": MUTED, "xtick.labelsize": 11},
    **{"ytick.color": RULE, "ytick.labelcolor": MUTED, "ytick.labelsize": 11},
    "axes.spines.top": False,
    "axes.spines.right": False,
}
"""Settings of matplotlib for all charts."""


@dataclass(frozen=True)
class Entry:
    """A tokenizer in the chart of one group."""

    tokenizer: MeasuredTokenizer
    figures: Figures
    baseline: bool

    @property
    def ours(self) -> bool:
        """True for a tokenizer of this project."""
        return self.tokenizer.kind == GyeolPeer.kind

    @property
    def colours(self) -> tuple[str, str]:
        """Its face and its edge."""
        face = PAPER if self.baseline else OURS if self.ours else OTHERS
        return face, INK if self.baseline else face

    @property
    def weight(self) -> str:
        """Weight of its text."""
        return "bold" if self.ours else "normal"


def ratio_charts(report: Report, base: str) -> dict[str, str]:
    """For each group of files a chart of the ratios to ``base``: bars on one scale, whiskers, a line at 1."""
    entries = {group: _entries(report, group, [base]) for group in report.groups}
    figures = [entry.figures for rows in entries.values() for entry in rows]
    ends = [end for own in figures for end in (own.ratio[base] or 0, *(own.intervals.ratio[base] or ()))]
    limit = 1.05 * max(1, *ends)
    return {group: _ratio_chart(rows, base, limit, f"ratio {base} {group}") for group, rows in entries.items()}


def vocabulary_charts(report: Report) -> dict[str, str]:
    """For each group of files a chart of tokens per character by size of vocabulary, every point with its name."""
    groups = report.groups
    return {g: _vocabulary_chart(_entries(report, g, report.against), f"size {g}") for g in groups}


def ratio_picture(report: Report, base: str, group: str) -> str:
    """The chart of one group's ratios as an SVG file of its own, in fixed colours on white."""
    return stand_alone(ratio_charts(report, base)[group], zoom=2)


def stand_alone(svg: str, zoom: float) -> str:
    """A chart as an SVG file of its own, in fixed colours on white, ``zoom`` pixels to a unit."""
    for variable, colour in _FIXED.items():
        svg = svg.replace(f"var(--{variable})", colour)
    view = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    size = (
        f' width="{zoom * float(view[1]):g}" height="{zoom * float(view[2]):g}" style="background:#fff"' if view else ""
    )
    return svg.replace("<svg ", f"<svg{size} ", 1)


def _entries(report: Report, group: str, bases: Sequence[str]) -> list[Entry]:
    return [Entry(t, report.results[t.name].groups[group], t.name in bases) for t in report.tokenizers]


def _ratio_chart(entries: Sequence[Entry], base: str, limit: float, salt: str) -> str:
    """One chart; ``salt`` tells its ids from those of the other charts of a page."""
    with matplotlib.rc_context(SETTINGS | {"svg.hashsalt": salt}):
        figure, axes = _axes(ROW * len(entries) + 34, left=4, right=8, bottom=26, top=8)
        axes.set(xlim=(0, limit), ylim=(len(entries) - 0.02, 0))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
        axes.yaxis.set_major_locator(NullLocator())
        axes.spines["left"].set_visible(False)
        for row, entry in enumerate(entries):
            _bar(axes, row, entry, base)
        axes.axvline(1, color=MUTED, linewidth=1, linestyle=(0, (3, 3)), zorder=3)
        return as_svg(figure)


def _vocabulary_chart(entries: Sequence[Entry], salt: str) -> str:
    """One chart; ``salt`` as for `_ratio_chart`."""
    with matplotlib.rc_context(SETTINGS | {"svg.hashsalt": salt}):
        figure, axes = _axes(SCATTER_HEIGHT, left=40, right=10, bottom=26, top=10)
        sizes = [entry.tokenizer.vocab_size for entry in entries]
        rates = [entry.figures.tokens_per_character for entry in entries]
        room = 0.12 * (max(rates) - min(rates) or max(rates))
        axes.set(xscale="log", xlim=(min(sizes) / 1.35, max(sizes) * 1.35), ylim=(min(rates) - room, max(rates) + room))
        axes.xaxis.set_major_locator(FixedLocator(_round_sizes(min(sizes), max(sizes))))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size / 1000:g}K"))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.grid(color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        for entry, size, rate in zip(entries, sizes, rates, strict=True):
            marker, (face, edge) = "D" if entry.baseline else "s" if entry.ours else "o", entry.colours
            axes.plot(size, rate, marker, color=face, markeredgecolor=edge, markersize=7)
        _name_points(axes, entries)
        return as_svg(figure)


def _axes(height: float, *, left: float, right: float, bottom: float, top: float) -> tuple[Figure, Axes]:
    """A figure of `WIDTH` units and axes that leave these margins."""
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)  # a pixel is a unit
    FigureCanvasSVG(figure)
    axes = figure.add_axes((left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (bottom + top) / height))
    axes.tick_params(length=3)
    for part in (figure.patch, axes.patch):
        part.set_visible(False)
    return figure, axes


def _bar(axes: Axes, row: int, entry: Entry, base: str) -> None:
    """One row: the name at the left and the figure at the right, the bar below them."""
    across = axes.get_yaxis_transform()
    axes.text(0, row + 0.38, entry.tokenizer.name, transform=across, weight=entry.weight)
    ratio, span = entry.figures.ratio[base], entry.figures.intervals.ratio[base]
    if ratio is None:
        axes.text(1, row + 0.38, "–", transform=across, ha="right")
        return
    face, edge = entry.colours
    axes.barh(row + 0.68, ratio, height=0.3, color=face, edgecolor=edge, linewidth=1, zorder=2)
    shown = f"{ratio:.2f}"
    if span:
        shown += f"  [{span[0]:.2f}, {span[1]:.2f}]"
        axes.plot(span, [row + 0.68] * 2, color=PAPER, linewidth=3.6, zorder=4, solid_capstyle="butt")
        axes.plot(span, [row + 0.68] * 2, "|-", color=INK, linewidth=1.6, markersize=8, zorder=5)
    axes.text(1, row + 0.38, shown, transform=across, ha="right", weight=entry.weight)


def _round_sizes(low: float, high: float) -> list[float]:
    """About six sizes at most to mark on an axis from ``low`` to ``high``."""
    steps = [step * 10**power for power in range(1, 9) for step in (1, 1.5, 2, 3, 5, 7)]
    inside = [size for size in steps if low / 1.3 <= size <= high * 1.3]
    return inside[:: 1 + len(inside) // 6]


def _name_points(axes: Axes, entries: Sequence[Entry]) -> None:
    """Write each name at the nearest free place beside its point, with a line to it where that is not close by."""
    frame = axes.get_window_extent()
    points = [(entry.tokenizer.vocab_size, entry.figures.tokens_per_character) for entry in entries]
    places = [tuple(axes.transData.transform(point)) for point in points]
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    for (x, y), point, entry in zip(places, points, entries, strict=True):
        name = entry.tokenizer.name
        width = 8 * sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in name)
        for distance, angle in _around():
            dx, dy = distance * math.cos(angle), distance * math.sin(angle)
            side = "left" if dx > 4 else "right" if dx < -4 else "center"
            left = x + dx - {"left": 0, "right": width, "center": width / 2}[side]
            box = (left, y + dy - 6, left + width, y + dy + 6)
            inside = box[0] >= frame.x0 and box[2] <= WIDTH and box[1] >= frame.y0 and box[3] <= frame.y1
            if inside and not any(_overlap(box, other) for other in taken):
                break
        taken.append(box)
        line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.7, "shrinkB": 4} if distance > 14 else None
        at = (dx, dy - 4)
        axes.annotate(name, point, at, textcoords="offset points", arrowprops=line, ha=side, weight=entry.weight)


def _around() -> Iterable[tuple[float, float]]:
    """Distances and angles, the nearest first, right and left before above and below."""
    for distance in (10, 12, 20, 30, 44, 60, 80):
        for eighth in (0, 4, 2, 6, 1, 7, 3, 5):
            yield distance + (2 if eighth in (2, 6) else 0), eighth * math.pi / 4


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def as_svg(figure: Figure) -> str:
    """The figure as an ``svg`` element in the page's colours."""
    buffer = io.StringIO()
    with warnings.catch_warnings():  # a name in Hangul is set by the page's font, whatever matplotlib's lacks
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # the same in every chart, and nothing points to them
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg.replace("<svg ", '<svg class="chart" role="img" ', 1)
