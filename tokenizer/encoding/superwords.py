"""Words of a run that later merges may join, merged as groups.

Runs of several words are encoded in two steps: each word by the merges that never reach across words, and then
the ids of those that later merges may join. The result is that of merging the bytes of the whole run, as other
engines do: see `tokenizer.encoding.tables.word_ranks`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.merge_one import merge_group
from tokenizer.encoding.merge_rows import add_row, first_lane, merge_rows
from tokenizer.encoding.tables import NO_PAIR, Tables, may_join
from tokenizer.encoding.workspace import Desk
from tokenizer.native.compile import native
from tokenizer.native.vectors import LANES, copy_lanes


@native
def find_groups(tables: Tables, desk: Desk, count: int, ids: NDArray[np.int32]) -> int:
    """Part ``count`` words whose ids stand in ``ids`` into groups, the first perhaps joining group 0; how many groups
    there are then."""
    words, groups = desk.words, desk.groups
    group = 0
    start = groups.starts[0]
    for word in range(count):  # no branches: whether words join is nothing to bet on
        place = words.places[word]
        joins = words.goes_on[word] & may_join(tables, ids[place - 1], ids[place])
        group += 1 - np.int64(joins)
        start = start if joins else place
        groups.starts[group] = start
        groups.left[group] = joins | words.left[word]
        groups.of_words[word] = group
    groups.starts[group + 1] = words.places[count]
    groups.of_words[count] = group + 1
    return group + 1


@native
def merge_groups(tables: Tables, desk: Desk, count: int, ids: NDArray[np.int32], at: int) -> int:
    """Merge the ids of the first ``count`` groups and write them again from ``at`` on, more than `LANES` before where
    they begin; where they end."""
    groups, lanes = desk.groups, desk.lanes
    rows = 0
    for group in range(count):
        start = groups.starts[group]
        size = groups.starts[group + 1] - start
        copy_lanes(groups.ids, group * LANES, ids, start)
        if groups.left[group]:
            if size <= LANES:
                copy_lanes(lanes.ids, first_lane(rows), ids, start)
                add_row(lanes, rows, size, group)
                rows += 1
            else:
                size = merge_group(tables, desk.cache.room, ids, start, start + size) - start
                copy_lanes(groups.ids, group * LANES, ids, start)
        groups.sizes[group] = size
    merge_rows(tables, lanes, rows, NO_PAIR)
    for row in range(rows):
        group = lanes.owners[row]
        copy_lanes(groups.ids, group * LANES, lanes.ids, first_lane(row))
        groups.sizes[group] = lanes.sizes[row]
    for group in range(count):
        groups.stops[group] = at
        copy_lanes(ids, at, groups.ids, group * LANES)
        start = groups.starts[group]
        for k in range(LANES, groups.sizes[group]):
            ids[at + k] = ids[start + k]
        at += groups.sizes[group]
    groups.stops[count] = at
    return at
