"""The result of a comparison, computed from the rows: what the terminal, the page and ``--json`` show."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.compute.curves import (
    Curve,
    Estimate,
    Point,
    PowerLaw,
    curve,
    estimate,
    fit,
    flops_to_reach,
    ratio_estimate,
    read_at,
)
from benchmarks.compute.rows import Probes, Row
from benchmarks.metrics import GROUPS
from benchmarks.provenance import Provenance

FORMAT, VERSION = "gyeol-comparison", 1


@dataclass(frozen=True)
class ArmFigures:
    """What a tokenizer brought to the comparison."""

    name: str
    kind: str
    vocab_size: int
    bytes_per_token: float
    """Of the training text."""
    context: int
    """Tokens of a window, which hold the same bytes for all."""
    parameters: int
    flops_per_token: int
    head_share: float
    """Share of the operations that the output head takes."""
    rate: float
    """The learning rate that was chosen."""
    tuning: dict[str, float]
    """Bits per byte of the tuning passages for each rate tried."""


@dataclass(frozen=True)
class GroupFigures:
    """A tokenizer on the texts of one group, or on all."""

    at_flops: dict[str, Estimate]
    """Bits per byte for each budget."""
    at_bytes: Estimate
    """At the bytes that the first tokenizer read for the largest budget."""
    at_seconds: Estimate
    """At the seconds that the first tokenizer trained for the largest budget."""
    flops_to_match: Estimate | None
    """Operations to reach the first tokenizer's bits per byte at the largest budget, as a multiple of its own; None
    where a curve does not fall to there."""
    points: list[Point]
    """Of all seeds."""
    fit: PowerLaw | None


@dataclass(frozen=True)
class TokenizerFigures:
    """Everything about one tokenizer; the figures behind ``groups`` are of models of the largest budget."""

    arm: ArmFigures
    groups: dict[str, GroupFigures]
    pairs: dict[str, Estimate]
    """Share of the minimal pairs told apart, by phenomenon, and "all", their mean."""
    continuations: dict[str, Any] | None
    """Of the first seed, see `benchmarks.compute.measures.score_continuations`."""
    generation: dict[str, Any] | None
    """Of the first seed, see `benchmarks.compute.measures.generation_cost`."""


@dataclass(frozen=True)
class Comparison:
    """The result of `benchmarks.compute.comparing.compare`."""

    format: str
    version: int
    measure: str
    provenance: Provenance
    settings: dict[str, Any]
    corpus: list[str]
    held_out: dict[str, Any]
    """Files and bytes of the held-out text by group."""
    budgets: list[float]
    seeds: int
    pairs: dict[str, int]
    """Minimal pairs by phenomenon."""
    seconds: float
    """Of training steps, all runs together."""
    tokenizers: list[TokenizerFigures]
    """The first is what the others are compared with."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    probes: list[dict[str, Any]] = field(default_factory=list)
    """Of the models of the largest budget, by tokenizer and seed."""

    @property
    def groups(self) -> list[str]:
        """The groups that occur, Korean first, and all of them together."""
        return [*(group for group in GROUPS if group in self.tokenizers[0].groups), "all"]


def tokenizer_figures(
    arm: ArmFigures, rows: Sequence[Row], first: Sequence[Row], probes: Sequence[Probes]
) -> TokenizerFigures:
    """The figures of the tokenizer of ``rows``, all at the learning rate that was chosen, beside ``first``, those of
    the first one; ``probes`` are of its models of the largest budget, by seed."""
    return TokenizerFigures(
        arm=arm,
        groups={group: _group(group, rows, first) for group in rows[0].groups},
        pairs=_pairs([each.pairs for each in probes]),
        continuations=probes[0].continuations,
        generation=probes[0].generation,
    )


def _group(group: str, rows: Sequence[Row], first: Sequence[Row]) -> GroupFigures:
    own, theirs = _curves(rows, group), _curves(first, group)
    budgets = sorted({row.budget for row in rows})
    at_flops = {
        f"{budget:g}": estimate([points[place].bits_per_byte for points in own.values()])
        for place, budget in enumerate(budgets)
    }
    ends = [(own[seed], theirs[seed][-1]) for seed in own]
    matched = [(flops_to_reach(points, end.bits_per_byte), end) for points, end in ends]
    match = None
    if rows is first:
        match = Estimate(1.0, 1.0, 1.0)
    elif all(found for found, _ in matched):
        ratios = [(found[0] / end.flops, found[1]) for found, end in matched if found]
        match = ratio_estimate([ratio for ratio, _ in ratios], any(beyond for _, beyond in ratios))
    points = [point for each in own.values() for point in each]
    return GroupFigures(at_flops, _at(ends, "bytes"), _at(ends, "seconds"), match, points, fit(points))


def _at(ends: Sequence[tuple[Curve, Point]], axis: str) -> Estimate:
    found = [read_at(points, axis, getattr(end, axis)) for points, end in ends]
    return estimate([value for value, _ in found], any(beyond for _, beyond in found))


def _curves(rows: Sequence[Row], group: str) -> dict[int, Curve]:
    """The curve of each seed."""
    return {
        seed: curve([row for row in rows if row.seed == seed], group) for seed in sorted({row.seed for row in rows})
    }


def _pairs(found: Sequence[dict[str, list[int]]]) -> dict[str, Estimate]:
    if not found:
        return {}
    shares = [{name: right / count for name, (right, count) in each.items()} for each in found]
    by_name = {name: estimate([each[name] for each in shares]) for name in shares[0]}
    return {**by_name, "all": estimate([sum(each.values()) / len(each) for each in shares])}
