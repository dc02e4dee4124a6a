"""Byte-pair merges of many short sequences at a time, one merge in each of them per round.

Merged one by one, sequences of five ids cost several branch mispredictions each: their length, the place of the best
pair and the number of merges are all unpredictable. Here each sequence is a row of eight lanes, a merge is the same few
vector instructions wherever it happens, and the table look-ups of one row do not wait for those of another. Together
with blocks of 128 words this took encoding from 33 to 78 MB/s on one core.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.tables import NO_ID, NO_PAIR, Tables, rank_of
from tokenizer.native.compile import inlined, native
from tokenizer.native.vectors import LANE_BITS, LANES, close_lane, least_lane, pad_lanes

ROW = 32
"""Numbers per row: a sentinel, eight lanes, and room for the bytes of a short word before they are counted."""


class MergeRows(NamedTuple):
    """Rows that wait for their merges."""

    ids: NDArray[np.int32]
    """Shape (rows * `ROW`,): the ids of each row from its second number on, the sentinel `NO_ID` around them."""
    ranks: NDArray[np.int32]
    """As ``ids``: the rank of each id with the id behind it."""
    counts: NDArray[np.int64]
    """Number of ids of each row."""
    unfinished: NDArray[np.bool_]
    """Whether a row, merged up to the limit that was asked for, has a pair with a merge of a higher rank."""
    owners: NDArray[np.int64]
    """The word or span that each row belongs to."""
    active: NDArray[np.int64]
    """The rows that have merges left."""


def new_rows(rows: int) -> MergeRows:
    """Memory for so many rows."""
    return MergeRows(
        ids=np.full(rows * ROW, NO_ID, dtype=np.int32),
        ranks=np.full(rows * ROW, NO_PAIR, dtype=np.int32),
        counts=np.empty(rows, dtype=np.int64),
        unfinished=np.empty(rows, dtype=np.bool_),
        owners=np.empty(rows, dtype=np.int64),
        active=np.empty(rows, dtype=np.int64),
    )


@inlined
def first_lane(row: int) -> int:
    """Index of the first id of a row."""
    return row * ROW + 1


@inlined
def clear_row(rows: MergeRows, row: int) -> None:
    """Restore the sentinels of a row that was filled beyond its lanes."""
    for k in range(row * ROW, (row + 1) * ROW):
        rows.ids[k] = NO_ID


@inlined
def add_row(rows: MergeRows, row: int, count: int, owner: int) -> None:
    """Make a row of the first ``count`` lanes, which hold its ids already."""
    pad_lanes(rows.ids, first_lane(row), count, NO_ID)
    rows.counts[row] = count
    rows.owners[row] = owner


@native
def merge_rows(tables: Tables, rows: MergeRows, count: int, limit: int) -> None:
    """Apply the merges of ranks below ``limit`` to the first ``count`` rows."""
    ids, ranks = rows.ids, rows.ranks
    for row in range(count):
        at = first_lane(row)
        pad_lanes(ranks, at, np.int64(0), NO_PAIR)
        for k in range(at, at + rows.counts[row] - 1):
            ranks[k] = rank_of(tables, ids[k], ids[k + 1])
        rows.active[row] = row
    while count > 0:
        kept = 0
        for k in range(count):
            row = rows.active[k]
            at = first_lane(row)
            best = least_lane(ranks, at)
            rank = best >> LANE_BITS
            rows.unfinished[row] = rank != NO_PAIR
            if rank < limit:
                _merge_lane(tables, ids, ranks, at, best & (LANES - 1), rank)
                rows.counts[row] -= 1
                rows.active[kept] = row
                kept += 1
        count = kept


@inlined
def _merge_lane(
    tables: Tables, ids: NDArray[np.int32], ranks: NDArray[np.int32], at: int, lane: int, rank: int
) -> None:
    """Merge the id of a lane with the id behind it, and look up the ranks with its new neighbours."""
    k = at + lane
    result = tables.results[rank]
    before, behind = ids[k - 1], ids[k + 2]
    close_lane(ids, at, lane)
    close_lane(ranks, at, lane)
    ids[k] = result
    ranks[k - 1] = rank_of(tables, before, result)
    ranks[k] = rank_of(tables, result, behind)
