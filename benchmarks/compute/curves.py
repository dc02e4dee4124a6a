"""From rows to what they say: bits per byte at equal operations, bytes and seconds, with intervals over seeds.

A tokenizer's finished runs of one seed are its curve. Equal operations are the budgets themselves. At an equal number
of bytes, or of seconds, and for the operations that one tokenizer needs to reach another's bits per byte, the curve is
read between its points, straight against the logarithm of the operations, bytes or seconds; beyond its ends the last
piece goes on, and the figure is marked as extrapolated.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.compute.rows import Row

# Two-sided 95% quantiles of Student's t for 1 to 30 degrees of freedom; beyond, the normal one is near enough.
_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its 95% interval by Student's t; no interval for a single seed."""

    mean: float
    low: float | None
    high: float | None
    extrapolated: bool = False
    """Whether a curve was read beyond its ends."""


@dataclass(frozen=True)
class Point:
    """One finished run on one group of texts."""

    flops: float
    bytes: float
    seconds: float
    bits_per_byte: float


Curve = list[Point]


def curve(rows: Sequence[Row], group: str) -> Curve:
    """The points of one tokenizer and seed, by operations."""
    return sorted(
        (
            Point(row.flops, row.bytes, row.seconds, row.groups[group][0] / math.log(2) / row.groups[group][1])
            for row in rows
        ),
        key=lambda point: point.flops,
    )


def read_at(points: Curve, axis: str, value: float) -> tuple[float, bool]:
    """Bits per byte where ``axis`` (flops, bytes or seconds) is ``value``, and whether that is beyond the ends."""
    x = np.log([getattr(point, axis) for point in points])
    y = [point.bits_per_byte for point in points]
    at = math.log(value)
    beyond = bool(at < x[0] - 0.02 or at > x[-1] + 0.02)  # budgets are met but for half a step
    if len(points) == 1:
        return y[0], beyond
    piece = int(np.clip(np.searchsorted(x, at) - 1, 0, len(points) - 2))
    slope = (y[piece + 1] - y[piece]) / (x[piece + 1] - x[piece])
    return float(y[piece] + slope * (at - x[piece])), beyond


def flops_to_reach(points: Curve, bits_per_byte: float) -> tuple[float, bool] | None:
    """Operations at which a curve is at ``bits_per_byte``, and whether that is beyond its ends. None where the piece
    that would have to go on does not fall."""
    x, y = np.log([point.flops for point in points]), [point.bits_per_byte for point in points]
    if len(points) == 1:
        return None
    pieces = range(len(points) - 1)
    inside = [piece for piece in pieces if min(y[piece : piece + 2]) <= bits_per_byte <= max(y[piece : piece + 2])]
    piece = inside[0] if inside else 0 if bits_per_byte > max(y) else len(points) - 2
    fall = y[piece] - y[piece + 1]
    if fall <= 0:
        return None
    at = x[piece] + (y[piece] - bits_per_byte) / fall * (x[piece + 1] - x[piece])
    return float(math.exp(min(at, 700.0))), not inside


def estimate(values: Sequence[float], extrapolated: bool = False) -> Estimate:
    """The mean of one value a seed, and its interval."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Estimate(mean, None, None, extrapolated)
    freedom = len(values) - 1
    half = (_T[freedom - 1] if freedom <= len(_T) else 1.96) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half, extrapolated)


def ratio_estimate(ratios: Sequence[float], extrapolated: bool) -> Estimate:
    """The geometric mean of ratios, and its interval by their logarithms."""
    logs = estimate([math.log(ratio) for ratio in ratios], extrapolated)
    low, high = (None if end is None else math.exp(min(end, 700.0)) for end in (logs.low, logs.high))
    return Estimate(math.exp(logs.mean), low, high, extrapolated)


@dataclass(frozen=True)
class PowerLaw:
    """bits per byte = floor + scale * (operations / 1e12) ** -power, fitted by least squares."""

    floor: float
    scale: float
    power: float

    def at(self, flops: float) -> float:
        """Bits per byte at so many operations."""
        return float(self.floor + self.scale * (flops / 1e12) ** -self.power)


def fit(points: Sequence[Point]) -> PowerLaw | None:
    """The power law nearest to the points of all seeds; None where they are at fewer than three budgets.

    The power is searched on a grid, floor and scale follow from it; a floor below zero is none.
    """
    if len({round(math.log(point.flops), 1) for point in points}) < 3:
        return None
    x, y = (np.array([getattr(point, name) for point in points]) for name in ("flops", "bits_per_byte"))
    best: tuple[float, PowerLaw] | None = None
    for power in np.linspace(0.02, 1.0, 99):
        basis = (x / 1e12) ** -power
        columns = np.stack([np.ones_like(basis), basis], axis=1)
        floor, scale = np.linalg.lstsq(columns, y, rcond=None)[0]
        if floor < 0:
            floor, scale = 0.0, float(basis @ y / (basis @ basis))
        error = float(((floor + scale * basis - y) ** 2).sum())
        if scale > 0 and (best is None or error < best[0]):
            best = error, PowerLaw(float(floor), float(scale), float(power))
    return best[1] if best else None
