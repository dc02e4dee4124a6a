"""The charts of a fertility result, drawn by matplotlib as inline SVG whose text stays text."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Sequence
from typing import Any

from benchmarks.tables import groups_of
from tokenizer.errors import InputError

COLOURS = {"Korean": "#0072B2", "English": "#D55E00", "code": "#009E73", "other": "#7A5195"}
HATCHES = {"Korean": "", "English": "//", "code": "..", "other": "xx"}
"""Colours told apart with any colour vision (Okabe and Ito 2008), and hatches for print."""

KOREAN = {
    "Korean": "한국어",
    "English": "영어",
    "code": "코드",
    "other": "기타",
    "tokens of {base} / tokens of the tokenizer": "{base} 토큰 수 / 토큰 수",
    "vocabulary size (thousand ids)": "어휘 크기 (천 개)",
    "tokens per character of {group}": "{group} 한 글자의 토큰 수",
}


def pyplot() -> Any:
    """matplotlib, set up for SVG; `InputError` that names the extra where it is not installed."""
    try:
        import matplotlib
        from matplotlib import pyplot as found
    except ImportError:
        raise InputError("a chart needs matplotlib; run: pip install 'gyeol[report]'") from None
    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "gyeol",
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": 11.5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "hatch.linewidth": 0.6,
        }
    )
    return found


def ratio_chart(result: dict[str, Any], base: str, language: str) -> str:
    """Bars of the ratio to ``base`` with their intervals, a group of bars per tokenizer; ``language`` is en or ko."""
    plot = pyplot()
    groups, names = groups_of(result), _by_ratio(result, base)
    figure, axes = plot.subplots(figsize=(6.4, 1.0 + 0.28 * len(names) * (len(groups) + 0.7)))
    height = 1 / (len(groups) + 0.7)
    for g, group in enumerate(groups):
        parts = [result["results"][name]["groups"][group] for name in names]
        values = [part["ratio"][base] or 0 for part in parts]
        places = [row + (g - (len(groups) - 1) / 2) * height for row in range(len(names))]
        label, style = _word(group, language), {"hatch": HATCHES[group], "edgecolor": "white", "linewidth": 0}
        axes.barh(places, values, height=height * 0.92, color=COLOURS[group], label=label, **style)
        spans = [part["intervals"]["ratio"][base] or [value, value] for part, value in zip(parts, values, strict=True)]
        for place, value, span in zip(places, values, spans, strict=True):
            axes.plot(span, [place, place], color="#111", linewidth=1.3, solid_capstyle="butt")
            axes.text(max(value, span[1]) + 0.02, place, f"{value:.2f}", va="center", fontsize=10)
    axes.axvline(1, color="#444", linewidth=1, linestyle=":")
    axes.set_yticks(range(len(names)), [_escape(name) for name in names])
    axes.invert_yaxis()
    axes.margins(x=0.08, y=0.02)
    axes.set_xlabel(_word("tokens of {base} / tokens of the tokenizer", language, base=_escape(base)))
    axes.legend(frameon=False, ncols=len(groups), loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1)
    return _svg(figure)


def size_chart(result: dict[str, Any], group: str, language: str) -> str:
    """Tokens per character of ``group`` against the size of the vocabulary, a labelled dot per tokenizer."""
    plot = pyplot()
    figure, axes = plot.subplots(figsize=(6.4, 4.4))
    rows = [(row["name"], row["vocab_size"] / 1000) for row in result["tokenizers"]]
    points = [(n, x, result["results"][n]["groups"][group]["tokens_per_character"]) for n, x in rows]
    axes.scatter([x for _, x, _ in points], [y for *_, y in points], color=COLOURS[group], zorder=3)
    span = (max(y for *_, y in points) - min(y for *_, y in points)) or 1.0
    last: list[tuple[float, float]] = []
    for name, x, y in sorted(points, key=lambda point: point[2]):
        place = y
        while any(abs(place - other) < 0.045 * span and abs(x - left) < 70 for left, other in last):
            place += 0.01 * span  # one label above another where dots lie close
        last.append((x, place))
        axes.annotate(_escape(name), (x, y), xytext=(x + 3, place), fontsize=10.5, va="center")
    axes.set_xlim(right=max(x for _, x, _ in points) * 1.18)
    axes.set_xlabel(_word("vocabulary size (thousand ids)", language))
    axes.set_ylabel(_word("tokens per character of {group}", language, group=_word(group, language)))
    axes.grid(color="#ddd", linewidth=0.6)
    return _svg(figure)


def _by_ratio(result: dict[str, Any], base: str) -> Sequence[str]:
    """The tokenizers, the one with the greatest ratio in the first group first."""
    first = groups_of(result)[0]
    return sorted(result["results"], key=lambda name: -(result["results"][name]["groups"][first]["ratio"][base] or 0))


def _word(text: str, language: str, **values: str) -> str:
    return (KOREAN.get(text, text) if language == "ko" else text).format(**values)


def _escape(text: str) -> str:
    return text.replace("$", r"\$")  # matplotlib reads $...$ as mathematics


def _svg(figure: Any) -> str:
    """The figure as an ``<svg>`` element that takes the width of its place."""
    out = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a font without Hangul only matters for outlines, and text stays text
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None}, transparent=True)
    pyplot().close(figure)
    svg = out.getvalue()
    return re.sub(r' (width|height)="[0-9.]+pt"', "", svg[svg.index("<svg") :], count=2)
