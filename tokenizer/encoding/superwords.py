"""The second step of encoding: merges across the words of one pre-token, on the ids of the words.

Neighbouring words that a superword merge may join form a span (`tokenizer.encoding.tables.may_join`, a look-up by the
last id of one word and the first of the next); the merges then run over the ids of each span. The package docstring
says why this gives the ids of merging the bytes of the whole pre-token.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.merge_one import merge_all
from tokenizer.encoding.merge_rows import add_row, first_lane, merge_rows
from tokenizer.encoding.tables import NO_PAIR, Tables, may_join
from tokenizer.encoding.workspace import Workspace
from tokenizer.native.compile import native
from tokenizer.native.vectors import LANES, copy_lanes


@native
def find_spans(tables: Tables, workspace: Workspace, count: int, ids: NDArray[np.int32]) -> int:
    """Part the block's ``count`` words, whose ids stand in ``ids``, into spans; the first words may continue span 0,
    the last of the block before. The number of spans. Branch-free: which words join is unpredictable."""
    words, spans = workspace.words, workspace.spans
    span = 0
    start = spans.starts[0]
    for word in range(count):
        place = words.id_starts[word]
        joins = words.continues[word] & may_join(tables, ids[place - 1], ids[place])
        span += 1 - np.int64(joins)
        start = start if joins else place
        spans.starts[span] = start
        spans.unfinished[span] = joins | words.unfinished[word]
        spans.of_word[word] = span
    spans.starts[span + 1] = words.id_starts[count]
    spans.of_word[count] = span + 1
    return span + 1


@native
def merge_spans(tables: Tables, workspace: Workspace, count: int, ids: NDArray[np.int32], at: int) -> int:
    """Apply all merges to the first ``count`` spans and write their ids again to ``ids`` from ``at`` on, which must lie
    more than `LANES` before where they begin; where the ids end."""
    spans, rows = workspace.spans, workspace.rows
    row = 0
    for span in range(count):
        start = spans.starts[span]
        size = spans.starts[span + 1] - start
        copy_lanes(spans.ids, span * LANES, ids, start)
        if spans.unfinished[span]:
            if size <= LANES:
                copy_lanes(rows.ids, first_lane(row), ids, start)
                add_row(rows, row, size, span)
                row += 1
            else:
                size = merge_all(tables, workspace.scratch, ids, start, start + size) - start
                copy_lanes(spans.ids, span * LANES, ids, start)
        spans.counts[span] = size
    merge_rows(tables, rows, row, NO_PAIR)
    for done in range(row):
        span = rows.owners[done]
        copy_lanes(spans.ids, span * LANES, rows.ids, first_lane(done))
        spans.counts[span] = rows.counts[done]
    for span in range(count):
        spans.id_starts[span] = at
        copy_lanes(ids, at, spans.ids, span * LANES)
        start = spans.starts[span]
        for k in range(LANES, spans.counts[span]):
            ids[at + k] = ids[start + k]
        at += spans.counts[span]
    spans.id_starts[count] = at
    return at
