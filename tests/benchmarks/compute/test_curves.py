"""Curves: what is read off them is what was put in."""

import math

import numpy as np
import pytest

from benchmarks.compute.curves import Point, curve, estimate, fit, flops_to_reach, ratio_estimate, read_at
from benchmarks.compute.rows import Row


def points(*pairs: tuple[float, float]) -> list[Point]:
    return [Point(flops, 10 * flops, flops / 1e9, bits) for flops, bits in pairs]


def test_a_curve_is_straight_against_the_logarithm() -> None:
    own = points((1e12, 2.0), (4e12, 1.8), (16e12, 1.7))
    assert read_at(own, "flops", 2e12) == (pytest.approx(1.9), False)
    assert read_at(own, "bytes", 8e13) == (pytest.approx(1.75), False)
    assert read_at(own, "seconds", 16e3) == (pytest.approx(1.7), False)
    assert read_at(own, "flops", 64e12) == (pytest.approx(1.6), True)
    assert read_at(own, "flops", 0.25e12) == (pytest.approx(2.2), True)


def test_operations_to_reach_are_the_inverse() -> None:
    own = points((1e12, 2.0), (4e12, 1.8), (16e12, 1.7))
    for flops in (0.5e12, 1e12, 3e12, 10e12, 40e12):
        found = flops_to_reach(own, read_at(own, "flops", flops)[0])
        assert found is not None
        assert found[0] == pytest.approx(flops)
        assert found[1] == (not 1e12 <= flops <= 16e12)


def test_a_curve_that_does_not_fall_reaches_nothing() -> None:
    assert flops_to_reach(points((1e12, 2.0), (4e12, 2.1)), 1.9) is None
    assert flops_to_reach(points((1e12, 2.0)), 1.9) is None
    assert flops_to_reach(points((1e12, 2.0), (4e12, 1.8), (16e12, 1.81)), 1.7) is None


def test_intervals_are_students() -> None:
    found = estimate([1.0, 2.0, 4.0])
    half = 4.303 * math.sqrt(7 / 3) / math.sqrt(3)
    assert found.low is not None
    assert found.mean - found.low == pytest.approx(half, rel=1e-3)
    assert (estimate([3.0]).low, estimate([3.0]).mean) == (None, 3.0)
    ratios = ratio_estimate([0.5, 2.0], extrapolated=True)
    assert ratios.mean == pytest.approx(1.0)
    assert ratios.low is not None
    assert ratios.high is not None
    assert ratios.low * ratios.high == pytest.approx(1.0)
    assert ratios.extrapolated


@pytest.mark.parametrize("power", [0.1, 0.3])
def test_a_power_law_is_found_again(power: float) -> None:
    flops = np.geomspace(1e11, 1e14, 7)
    law = fit(points(*((x, 1.2 + 0.9 * (x / 1e12) ** -power) for x in flops.tolist())))
    assert law is not None
    assert law.power == pytest.approx(power, abs=0.006)
    assert law.at(3e12) == pytest.approx(1.2 + 0.9 * 3**-power, abs=0.005)
    assert fit(points((1e12, 2.0), (4e12, 1.8))) is None


def test_rows_become_bits_per_byte_of_all_bytes_of_a_group() -> None:
    documents = [
        {"file": "a", "group": "Korean", "nats": 100 * math.log(2), "bytes": 50},
        {"file": "b", "group": "Korean", "nats": 20 * math.log(2), "bytes": 150},
        {"file": "c", "group": "English", "nats": 30 * math.log(2), "bytes": 10},
    ]
    row = Row(
        tokenizer="x",
        budget=1.0,
        seed=0,
        rate=0.1,
        steps=1,
        flops=5,
        tokens=7,
        bytes=9,
        seconds=2.0,
        tuning_nats=1.0,
        tuning_bytes=1,
        documents=documents,
    )
    (point,) = curve([row], "Korean")
    assert (point.flops, point.bytes, point.seconds) == (5, 9, 2.0)
    assert point.bits_per_byte == pytest.approx(120 / 200)
    assert curve([row], "all")[0].bits_per_byte == pytest.approx(150 / 210)
