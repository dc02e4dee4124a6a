"""The report of a comparison: its figures stand in the tables and on the page, whatever is missing or oddly named."""

import io
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from benchmarks.compute.curves import Estimate
from benchmarks.compute.results import ArmFigures, Comparison, tokenizer_figures
from benchmarks.compute.rows import Probes, Row
from benchmarks.provenance import provenance
from benchmarks.report.compute_charts import comparison_picture
from benchmarks.report.compute_page import write_comparison
from benchmarks.report.compute_tables import factor, headlines, print_comparison

NAMES = ["plain", "[red]결</b>", "worse"]


def rows(name: str, cost: float, budgets: list[float], seeds: int, group: str) -> list[Row]:
    """Runs on a power law: ``cost`` times the operations for the same bits per byte."""
    found = []
    for budget in budgets:
        for seed in range(seeds):
            bits = 1.2 + 0.8 * (budget / cost / 1e12) ** -0.2 + 0.002 * seed
            document = {"file": "a", "group": group, "nats": bits * math.log(2) * 1000, "bytes": 1000}
            numbers = {"steps": 10, "flops": int(budget), "tokens": 100, "bytes": int(budget / 1e6)}
            timed = {"seconds": budget / 1e10, "tuning_nats": 1.0, "tuning_bytes": 1}
            run = {"tokenizer": name, "budget": budget, "seed": seed, "rate": 0.01}
            found.append(Row(**run, **numbers, **timed, documents=[document]))  # type: ignore[arg-type]
    return found


def comparison(
    budgets: list[float], seeds: int, *, count: int = 3, group: str = "Korean", korean: bool = True
) -> Comparison:
    costs = [1.0, 0.5, 2.0][:count]
    own = [rows(name, cost, budgets, seeds, group) for name, cost in zip(NAMES, costs, strict=False)]
    found = {"cuts": 60, "crossing": 12, "without_token": 1, "exact_nats_per_byte": 1.25, "plain_nats_per_byte": None}
    cost = {"characters": 1000, "tokens": 321, "seconds": 0.5, "cache_bytes": 4096}
    probe = Probes(
        pairs_digest="",
        pairs={"particles": [3, 4]},
        continuations=found if korean else None,
        generation=cost if korean else None,
    )
    arms = [
        ArmFigures(name, "gyeol", 16384, 4.5, 228, 3_000_000, 17_000_000, 0.7, 0.01, {"0.01": 2.0}) for name in NAMES
    ]
    return Comparison(
        format="gyeol-comparison",
        version=1,
        measure="compute",
        provenance=provenance("gyeol", "compare"),
        settings={"preset": "nano"},
        corpus=["corpus"],
        held_out={group: {"bytes": 1000, "files": ["a"]}},
        budgets=budgets,
        seeds=seeds,
        pairs={"particles": 4},
        seconds=10.0,
        tokenizers=[
            tokenizer_figures(arm, each, own[0], [probe] * seeds) for arm, each in zip(arms, own, strict=False)
        ],
    )


LADDER = [6e11, 1.8e12, 5.4e12]


def printed(result: Comparison) -> str:
    buffer = io.StringIO()
    print_comparison(result, console=Console(file=buffer, width=200))
    return buffer.getvalue()


def test_the_operations_to_match_are_what_was_put_in() -> None:
    text = printed(comparison(LADDER, 3))
    first, second = headlines(comparison(LADDER, 3))
    assert re.match(r"\[red\]결</b>: needs 0\.5\d* \(0\.\d\d to 0\.\d\d\) of the operations to reach plain's", first)
    assert re.match(r"worse: needs [12]\.\d\d\*", second)  # beyond the largest budget
    assert "[red]결</b>" in text
    assert "75.0" in text
    assert "321" in text


@pytest.mark.parametrize(("budgets", "seeds", "count"), [([1e12], 1, 1), ([1e12], 3, 2), ([1e12, 4e12], 1, 3)])
def test_little_to_show_is_shown(tmp_path: Path, budgets: list[float], seeds: int, count: int) -> None:
    result = comparison(budgets, seeds, count=count, group="English", korean=False)
    assert f"{result.tokenizers[0].groups['English'].at_flops['1e+12'].mean:.3f}" in printed(result)
    write_comparison(tmp_path / "page.html", result)
    assert len(list(headlines(result))) == count - 1


def test_the_page_runs_nothing_and_has_every_figure(tmp_path: Path) -> None:
    result = comparison(LADDER, 3)
    write_comparison(tmp_path / "page.html", result)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in page
    assert "[red]결&lt;/b&gt;" in page
    assert page.count("<svg ") == 3 * len(result.groups)
    for each in result.tokenizers:
        for budget in LADDER:
            assert f"{each.groups['Korean'].at_flops[f'{budget:g}'].mean:.3f}" in page


def test_the_picture_is_whole() -> None:
    root = ElementTree.fromstring(comparison_picture(comparison(LADDER, 3), "Korean"))
    assert not [each for each in root.iter() if each.tag.endswith("script")]


def test_factors_say_what_is_extrapolated() -> None:
    assert factor(Estimate(0.5, 0.4, 0.6)) == "0.50 (0.40 to 0.60)"
    assert factor(Estimate(2.0, None, None, extrapolated=True)) == "2.00*"
