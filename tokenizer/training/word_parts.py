"""The parts of words that the stage morphemes learns from, and how much each counts.

A word of the grammars ``gyeol`` and ``right3`` may hold symbols before its letters, capitals between them and digits;
its parts are its pre-tokens of the grammar ``o200k``, which Kiwi is asked about one by one.

Counts may be *damped*: of each source the weighted count of a part is raised to a power below 1 before the sources are
summed, so that a name that one source has a thousand times counts less than a word that ten sources have a hundred
times each.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.byte_words import padded
from tokenizer.native.compile import native
from tokenizer.pretokenize.o200k import next_pretoken
from tokenizer.text.unicode import class_table
from tokenizer.training.collect import Collection
from tokenizer.training.counts import Counts, CountTable
from tokenizer.training.sections import add_rows, with_rows

SCALE = 100
"""Counts are multiplied by this, so that weights in hundredths are integers."""


class Parts(NamedTuple):
    """The distinct parts of a corpus's words."""

    strings: Counts
    """The parts and their occurrences."""
    weighted: Counts
    """The same with weighted and damped counts."""
    rows: NDArray[np.int32]
    """Sections of each part (`tokenizer.training.sections`)."""


def word_parts(collection: Collection, weights: NDArray[np.int64], damping: float) -> Parts:
    """The parts of the words of ``collection``, whose sources count ``weights`` / `SCALE`."""
    words, spread = collection.words, collection.spread
    starts, ends, of_word, firsts = _part_bounds(padded(words.data), words.offsets, class_table())
    table = CountTable()
    numbers = table.add(words.data, starts, ends, words.counts[of_word])
    strings = table.result()
    rows = with_rows(np.empty(0, dtype=np.int32), spread, len(strings))
    add_rows(rows, spread, numbers, collection.word_sections, of_word)
    totals = np.zeros(len(strings), dtype=np.int64)
    held, seen = np.zeros(len(strings), dtype=np.int64), np.empty(len(strings), dtype=np.int32)
    for source, weight in zip(collection.sources, weights.tolist(), strict=True):
        _add_damped(source.words, source.counts, firsts, numbers, weight / SCALE, damping, held, seen, totals)
    return Parts(strings, Counts(strings.data, strings.offsets, totals), rows)


@native
def _part_bounds(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], classes: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Start and end of every part in bytes of ``data``, its word, and the first part of each word, and behind the last
    the number of parts."""
    starts = np.empty(data.size, dtype=np.int64)
    ends = np.empty(data.size, dtype=np.int64)
    of_word = np.empty(data.size, dtype=np.int32)
    firsts = np.zeros(offsets.size, dtype=np.int64)
    count = np.int64(0)
    for word in range(offsets.size - 1):
        position = offsets[word]
        while position < offsets[word + 1]:
            starts[count] = position
            position = next_pretoken(data, position, offsets[word + 1], classes)
            ends[count] = position
            of_word[count] = word
            count += 1
        firsts[word + 1] = count
    return starts[:count].copy(), ends[:count].copy(), of_word[:count].copy(), firsts


@native
def _add_damped(
    words: NDArray[np.int32],
    counts: NDArray[np.int64],
    firsts: NDArray[np.int64],
    numbers: NDArray[np.int32],
    weight: float,
    damping: float,
    held: NDArray[np.int64],
    seen: NDArray[np.int32],
    totals: NDArray[np.int64],
) -> None:
    """Add to ``totals`` what the words of one source count for their parts. ``held`` is zero before and after."""
    distinct = 0
    for i in range(words.size):
        for k in range(firsts[words[i]], firsts[words[i] + 1]):
            part = numbers[k]
            if held[part] == 0:
                seen[distinct] = part
                distinct += 1
            held[part] += counts[i]
    for i in range(distinct):
        totals[seen[i]] += np.int64(round(SCALE * (weight * held[seen[i]]) ** damping))
        held[seen[i]] = 0
