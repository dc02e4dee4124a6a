"""Byte-pair merges of many short sequences at a time.

Merged one by one, sequences of five ids cost several wrong guesses of the processor each: how many there are, where
the best pair is, how many merges follow. Here each is a row of eight lanes, a merge is the same few instructions
wherever it happens, and every round does one merge in each row that has any left, so that the look-ups of one row do
not wait for those of another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.tables import NO_ID, NO_PAIR, Tables, rank_of
from tokenizer.native.compile import inlined, native
from tokenizer.native.vectors import LANE_BITS, LANES, close_lane, least_lane, pad_lanes

ROW = 32
"""Numbers a row: one that is no id, the lanes, and room for the bytes of a short word."""


class Lanes(NamedTuple):
    """Rows that wait for their merges."""

    ids: NDArray[np.int32]
    """The ids of each row from its second number on, `NO_ID` before and behind them."""
    ranks: NDArray[np.int32]
    """The rank of each id and the one behind it."""
    sizes: NDArray[np.int64]
    """How many ids each row has."""
    left: NDArray[np.bool_]
    """Whether a row, merged as far as was asked for, has a pair with a merge of another rank."""
    owners: NDArray[np.int64]
    """What each row is for."""
    active: NDArray[np.int64]
    """Rows that are not done."""


def new_lanes(rows: int) -> Lanes:
    """Room for so many rows."""
    return Lanes(
        np.full(rows * ROW, NO_ID, dtype=np.int32),
        np.full(rows * ROW, NO_PAIR, dtype=np.int32),
        np.empty(rows, dtype=np.int64),
        np.empty(rows, dtype=np.bool_),
        np.empty(rows, dtype=np.int64),
        np.empty(rows, dtype=np.int64),
    )


@inlined
def first_lane(row: int) -> int:
    """Where the ids of a row begin."""
    return row * ROW + 1


@inlined
def clear_row(lanes: Lanes, row: int) -> None:
    """Take back a row that was filled beyond its lanes."""
    for k in range(row * ROW, (row + 1) * ROW):
        lanes.ids[k] = NO_ID


@inlined
def add_row(lanes: Lanes, row: int, size: int, owner: int) -> None:
    """Enter a row, its first ``size`` lanes being filled."""
    pad_lanes(lanes.ids, first_lane(row), size, NO_ID)
    lanes.sizes[row] = size
    lanes.owners[row] = owner


@native
def merge_rows(tables: Tables, lanes: Lanes, rows: int, limit: int) -> None:
    """Merge the first ``rows`` rows by ranks below ``limit``."""
    ids, ranks = lanes.ids, lanes.ranks
    for row in range(rows):
        at = first_lane(row)
        pad_lanes(ranks, at, np.int64(0), NO_PAIR)
        for k in range(at, at + lanes.sizes[row] - 1):
            ranks[k] = rank_of(tables, ids[k], ids[k + 1])
        lanes.active[row] = row
    count = rows
    while count > 0:
        kept = 0
        for k in range(count):
            row = lanes.active[k]
            at = first_lane(row)
            best = least_lane(ranks, at)
            rank = best >> LANE_BITS
            lanes.left[row] = rank != NO_PAIR
            if rank < limit:
                _merge_lane(tables, ids, ranks, at, best & (LANES - 1), rank)
                lanes.sizes[row] -= 1
                lanes.active[kept] = row
                kept += 1
        count = kept


@inlined
def _merge_lane(
    tables: Tables, ids: NDArray[np.int32], ranks: NDArray[np.int32], at: int, lane: int, rank: int
) -> None:
    """Make the id of a lane and the one behind it one, which may have merges with its new neighbours."""
    k = at + lane
    result = tables.results[rank]
    before, behind = ids[k - 1], ids[k + 2]
    close_lane(ids, at, lane)
    close_lane(ranks, at, lane)
    ids[k] = result
    ranks[k - 1] = rank_of(tables, before, result)
    ranks[k] = rank_of(tables, result, behind)
