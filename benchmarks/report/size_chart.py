"""The picture of a comparison of sizes: ratios at the left, operations of training per character at the right.

Operations are shown as a multiple of the least of each preset, since those of a large model are hundreds of times those
of a small one, and the question is the size at which each has its least.
"""

from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from benchmarks.metrics import GROUPS
from benchmarks.report.charts import INK, MUTED, RULE, SETTINGS, as_svg, stand_alone
from benchmarks.size_figures import PRESETS, Comparison

WIDTH, HEIGHT = 720, 320
"""Units of the picture."""
PANELS = ((44, 226), (414, 226))
"""Left edge and width of the axes of each panel; the names of its lines are at the right of them."""
BOTTOM, TOP = 44, 34
"""Margins."""
LINE = 14
"""Least distance of two names."""
MARKS = (1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50)
"""Multiples of the least that are marked where they have room."""
COLOURS = {
    "Korean": "#0b5fa5",
    **{"English": "#b4540a", "code": "#2f7d4f", "other": "#8a8f98"},
    **{"nano": "#8bb8de", "mini": "#5795c9", "small": "#2873b3", "base": "#0b4f8a", "large": "#06294a"},
}
Line = Sequence[float]


def size_picture(result: Comparison) -> str:
    """The picture as an SVG file; the same figures give the same bytes."""
    sizes = [size.vocab_size for size in result.sizes]
    ratios = {group: [size.ratio.get(group) for size in result.sizes] for group in GROUPS}
    known = {group: [value for value in line if value is not None] for group, line in ratios.items()}
    ratio = {group: line for group, line in known.items() if len(line) == len(sizes)}
    work = {shape: [size.costs[shape].operations_per_character for size in result.sizes] for shape in PRESETS}
    relative = {shape: [value / min(line) for value in line] for shape, line in work.items()}
    with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": "sizes"}):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)  # a pixel is a unit
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        left, right = (_axes(figure, place, sizes) for place in PANELS)
        _draw(left, "Ratio to o200k_base (more is shorter)", sizes, ratio)
        _draw(right, "Operations per character (least = 1)", sizes, relative, relative=True)
        for shape, line in relative.items():
            at = line.index(1)
            right.plot(sizes[at], 1, "o", color=COLOURS[shape], markeredgecolor=INK, markersize=8, zorder=4)
        return stand_alone(as_svg(figure), zoom=1.5)


def _axes(figure: Figure, place: tuple[int, int], sizes: Sequence[int]) -> Axes:
    """A panel with sizes along its lower edge, on a logarithmic scale."""
    start, width = place
    axes = figure.add_axes((start / WIDTH, BOTTOM / HEIGHT, width / WIDTH, 1 - (BOTTOM + TOP) / HEIGHT))
    axes.patch.set_visible(False)
    axes.set(xscale="log", xlim=(sizes[0] / 1.1, sizes[-1] * 1.1))
    axes.xaxis.set_major_locator(FixedLocator(_apart(sizes, sizes[-1] / sizes[0], 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
    axes.set_xlabel("ids")
    axes.tick_params(length=3)
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    return axes


def _apart(values: Sequence[float], whole: float, parts: int) -> list[float]:
    """The ``values`` to mark on a logarithmic axis that goes over the factor ``whole``, so that their figures do not
    run into each other: the largest, and those below it that are apart by one of so many parts of the axis."""
    kept = [float(values[-1])]
    for value in reversed(values[:-1]):
        if (kept[-1] / value) ** parts >= whole:
            kept.append(float(value))
    return kept


def _scale(axes: Axes, values: Sequence[float], relative: bool) -> None:
    """The vertical axis for ``values``: a logarithmic one from 1 on where they are ``relative``."""
    low, high = min(values), max(values)
    if not relative:
        room = 0.08 * (high - low or high)
        axes.set_ylim(low - room, high + room)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
        return
    high = max(high, 1.05)
    axes.set(yscale="log", ylim=(high**-0.08, high**1.08))
    inside = [mark for mark in MARKS if mark <= high <= mark**8]  # apart from 1
    axes.yaxis.set_major_locator(FixedLocator([1, *_apart(inside, high, 8)]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _draw(axes: Axes, title: str, sizes: Sequence[int], lines: Mapping[str, Line], relative: bool = False) -> None:
    """Draw the lines with their names at their right ends, moved apart where they would meet."""
    axes.set_title(title, loc="left", fontsize=12, color=INK, pad=12)
    _scale(axes, [value for line in lines.values() for value in line] or [1.0], relative)
    for name, line in lines.items():
        axes.plot(sizes, line, "o-", color=COLOURS[name], linewidth=2, markersize=4, zorder=3)
    heights = {name: float(axes.transData.transform((sizes[-1], line[-1]))[1]) for name, line in lines.items()}
    at = -float("inf")
    for name in sorted(lines, key=lambda name: (round(heights[name]), lines[name][0])):
        height = heights[name]
        at = max(height, at + LINE)
        axes.annotate(
            name,
            (sizes[-1], lines[name][-1]),
            (16, at - height - 4),
            textcoords="offset points",
            color=INK,
            arrowprops={"arrowstyle": "-", "relpos": (0, 0.5), "color": MUTED, "linewidth": 0.7, "shrinkB": 4},
        )
