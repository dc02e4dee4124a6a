"""Where in a corpus a string stands: of each string the first few distinct sections, for the rule of documents.

A section is a document, or 64 KiB of a long one. Of a string that stands in fewer sections than a row has places, the
row names all; so whether several strings together stand in as many sections can be told from their rows.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import inlined, native
from tokenizer.training.counts import grown

NONE = -1
"""Sentinel: a free place of a row."""


def with_rows(rows: NDArray[np.int32], spread: int, count: int) -> NDArray[np.int32]:
    """``rows`` (flat, ``spread`` places each), with free rows behind them for ``count`` strings in all."""
    if rows.size >= count * spread:
        return rows
    bigger = grown(rows, max(count * spread, 2 * rows.size))
    bigger[rows.size :] = NONE
    return bigger


@inlined
def _note(rows: NDArray[np.int32], start: int, spread: int, section: int) -> None:
    """Enter a section into the row that starts at ``start``, unless it is there or the row is full."""
    for place in range(start, start + spread):
        if rows[place] == section:
            break
        if rows[place] == NONE:
            rows[place] = section
            break


@native
def note_sections(rows: NDArray[np.int32], spread: int, found: NDArray[np.int32], sections: NDArray[np.int32]) -> None:
    """Enter ``sections[i]`` into row ``found[i]``."""
    for i in range(found.size):
        _note(rows, np.int64(found[i]) * spread, spread, sections[i])


@native
def add_rows(
    rows: NDArray[np.int32],
    spread: int,
    found: NDArray[np.int32],
    others: NDArray[np.int32],
    of: NDArray[np.int32],
) -> None:
    """Enter what stands in row ``of[i]`` of ``others`` into row ``found[i]``."""
    for i in range(found.size):
        first = np.int64(of[i]) * spread
        for place in range(first, first + spread):
            if others[place] == NONE:
                break
            _note(rows, np.int64(found[i]) * spread, spread, others[place])
