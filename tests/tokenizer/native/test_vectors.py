"""Vector steps give what a loop over the same numbers gives."""

import re

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tokenizer.native import vectors
from tokenizer.native.arrays import bare
from tokenizer.native.byte_words import padded

NUMBERS = st.lists(st.integers(0, 2**20), min_size=12, max_size=12).map(lambda n: np.array(n, dtype=np.int32))


@numba.njit
def letters(data: NDArray[np.uint8], at: int) -> tuple[int, int]:
    return vectors.plain_letters(data, at), vectors.plain_lowercase(bare(data), at)


@numba.njit
def copy_lanes(target: NDArray[np.int32], source: NDArray[np.int32]) -> None:
    vectors.copy_lanes(bare(target), 1, bare(source), 2)


@numba.njit
def pad_lanes(ids: NDArray[np.int32], count: int) -> None:
    vectors.pad_lanes(bare(ids), 2, count, -7)


@numba.njit
def close_lane(ids: NDArray[np.int32], lane: int) -> None:
    vectors.close_lane(bare(ids), 2, lane)


@numba.njit
def least_lane(ids: NDArray[np.int32]) -> int:
    return vectors.least_lane(bare(ids), 2)


@given(st.text("azAZ@[`{가힣각\ua9ff\ud7fb고ㄱé 0'", max_size=24))
def test_plain_letters(text: str) -> None:
    data = padded(np.frombuffer(text.encode(), dtype=np.uint8))
    plain = re.match("[A-Za-z가-\ud77f]*", text)
    lower = re.match("[a-z가-\ud77f]*", text)
    assert plain
    assert lower
    expected = [min(len(match[0].encode()), vectors.AT_ONCE) for match in (plain, lower)]
    assert list(letters(data, 0)) == expected


@given(NUMBERS, NUMBERS)
def test_copy_lanes(target: NDArray[np.int32], source: NDArray[np.int32]) -> None:
    expected = [target[0], *source[2:10], *target[9:]]
    copy_lanes(target, source)
    assert target.tolist() == expected


@given(NUMBERS, st.integers(0, 8))
def test_pad_lanes(ids: NDArray[np.int32], count: int) -> None:
    expected = [*ids[: 2 + count], *[-7] * (8 - count), *ids[10:]]
    pad_lanes(ids, count)
    assert ids.tolist() == expected


@given(NUMBERS, st.integers(0, 7))
def test_close_lane(ids: NDArray[np.int32], lane: int) -> None:
    expected = [*ids[: 2 + lane], *ids[3 + lane : 11], *ids[10:]]
    close_lane(ids, lane)
    assert ids.tolist() == expected


@given(NUMBERS)
def test_least_lane(ids: NDArray[np.int32]) -> None:
    lanes = ids[2:10].tolist()
    assert least_lane(ids) == min(lanes) << 3 | lanes.index(min(lanes))


@pytest.mark.parametrize("code", [0xABFF, 0xAC00, 0xAFFF, 0xB000, 0xD77F, 0xD780, 0xD7A3])
def test_the_ends_of_what_counts_as_a_syllable(code: int) -> None:
    data = padded(np.frombuffer(chr(code).encode(), dtype=np.uint8))
    assert letters(data, 0)[0] == (3 if 0xAC00 <= code <= 0xD77F else 0)
