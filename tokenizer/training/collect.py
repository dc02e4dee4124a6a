"""One pass over a corpus: its distinct words, and the runs they form, for superwords.

Words are kept once. A run (two words or more, see `tokenizer.pretokenize.gyeol`) is kept as the indices of its words,
four bytes each, up to `RUN_WORDS` of them in all; of a corpus that has more, every second, fourth ... run is
kept and counts that many times, chosen by its hash. So memory grows with the distinct words only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from tokenizer.corpus.reader import Document
from tokenizer.native.compile import native
from tokenizer.native.hashing import combined
from tokenizer.pretokenize.gyeol import next_run, next_word
from tokenizer.text.cutting import batches
from tokenizer.text.unicode import class_table
from tokenizer.text.utf8 import texts_as_bytes
from tokenizer.training.counts import Counts, CountTable, add_string

RUN_WORDS = 100_000_000
SECTION = 1 << 16  # bytes; what the document-frequency rule takes for a document inside a longer one
_run_end, _word_end = next_run, next_word


@dataclass
class Source:
    """What one file holds."""

    name: str
    size: int = 0
    """Bytes of UTF-8."""
    words: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    """Indices of its distinct words."""
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """How often it has each of them."""
    run_words: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    """The runs, as indices of words, one run after another."""
    run_offsets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    """Where each run starts; one more than there are runs."""
    sections: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    """The section of the corpus that each run stands in."""


@dataclass
class Collection:
    """A corpus as words and runs."""

    words: Counts
    """Every distinct word, with its count in the whole corpus."""
    sources: list[Source]
    """The files in order."""
    run_weight: int
    """How many runs of the corpus each kept run stands for."""


@dataclass
class _Part:
    """What one thread found in its share of a file."""

    table: CountTable = field(default_factory=CountTable)
    ids: list[NDArray[np.int32]] = field(default_factory=list)
    sizes: list[NDArray[np.int64]] = field(default_factory=list)
    sections: list[NDArray[np.int32]] = field(default_factory=list)

    def add(self, texts: list[str], first_sections: list[int]) -> None:
        data, ends = texts_as_bytes(texts)
        firsts = np.array(first_sections, dtype=np.int64)
        ids = np.empty(data.size, dtype=np.int32)
        sizes = np.empty(data.size // 2 + 1, dtype=np.int64)
        sections = np.empty(sizes.size, dtype=np.int32)
        state = np.zeros(6, dtype=np.int64)
        t = self.table
        while state[POSITION] < data.size:
            _scan(
                data, ends, firsts, class_table(), t.slots, t.hashes, t.offsets, t.counts, t.arena, t.entries,
                ids, sizes, sections, state,
            )  # fmt: skip
            t.entries = int(state[ENTRIES])
            t.reserve(t.entries + 1, int(t.offsets[t.entries]) + data.size - int(state[POSITION]))
        self.ids.append(ids[: state[IDS]].copy())
        self.sizes.append(sizes[: state[RUNS]].copy())
        self.sections.append(sections[: state[RUNS]].copy())


POSITION, RUN_END, IDS, RUNS, BEGUN, ENTRIES = range(6)


@native
def _scan(
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    first_sections: NDArray[np.int64],
    classes: NDArray[np.uint8],
    slots: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    arena: NDArray[np.uint8],
    entries: int,
    ids: NDArray[np.int32],
    sizes: NDArray[np.int64],
    sections: NDArray[np.int32],
    state: NDArray[np.int64],
) -> None:
    """Count words and note runs from where ``state`` says, until all is done or the table wants to grow."""
    position, run_end, used, runs, begun = state[POSITION], state[RUN_END], state[IDS], state[RUNS], state[BEGUN]
    document = np.searchsorted(ends, position, side="right")
    while document < ends.size:
        end = ends[document]
        start = ends[document - 1] if document > 0 else 0
        while position < end:
            if position >= run_end:
                run_end = _run_end(data, position, end, classes)
                begun = used
            stop = _word_end(data, position, run_end, classes)
            if 2 * entries >= slots.size or offsets[entries] + (stop - position) > arena.size:
                state[:] = position, run_end, used, runs, begun, entries
                return
            word, entries = add_string(data, position, stop, 1, slots, hashes, offsets, counts, arena, entries)
            ids[used] = word
            used += 1
            position = stop
            if position == run_end:
                if used - begun > 1:
                    sizes[runs] = used - begun
                    sections[runs] = first_sections[document] + (position - start) // SECTION
                    runs += 1
                else:
                    used = begun
        document += 1
    state[:] = position, run_end, used, runs, begun, entries


def collect(
    documents: Iterable[Document], *, threads: int = 2, on_document: Callable[[Document], None] | None = None
) -> Collection:
    """Read a corpus once. ``on_document`` sees every document as it passes.

    Files are folded in one after another, so the result does not depend on the threads' timing but for the
    numbering of words, which nothing downstream depends on.
    """
    table = CountTable()
    sources: list[Source] = []
    section, level, kept = 0, 0, 0
    with ThreadPoolExecutor(threads) as pool:
        for name, group in groupby(documents, key=lambda document: document.source):
            source = Source(name)
            parts = [_Part() for _ in range(threads)]
            idle = list(parts)

            def work(texts: list[str], firsts: list[int], idle: list[_Part] = idle) -> None:
                part = idle.pop()
                try:
                    part.add(texts, firsts)
                finally:
                    idle.append(part)

            running = []
            for batch in batches(_noted(group, source, on_document)):
                firsts = []
                for text in batch:
                    firsts.append(section)
                    section += 1 + len(text) * 4 // SECTION
                running.append(pool.submit(work, batch, firsts))
                if len(running) >= 2 * threads:
                    running.pop(0).result()
            for task in running:
                task.result()
            _fold(source, parts, table)
            sources.append(source)
            kept += _thin(source, level, table.hashes) if level else source.run_words.size
            while kept > RUN_WORDS:
                level += 1
                kept = sum(_thin(each, level, table.hashes) for each in sources)
    return Collection(table.result(), sources, 1 << level)


def _noted(group: Iterator[Document], source: Source, on_document: Callable[[Document], None] | None) -> Iterator[str]:
    for document in group:
        source.size += len(document.text.encode("utf-8"))
        if on_document:
            on_document(document)
        yield document.text


def _fold(source: Source, parts: list[_Part], table: CountTable) -> None:
    """Number the words of a file's parts by the common table, and join the parts."""
    found, counts, run_words, sizes, sections = [], [], [], [], []
    for part in parts:
        words = part.table.result()
        numbers = table.merge(words)
        found.append(numbers)
        counts.append(words.counts)
        run_words += [numbers[ids] for ids in part.ids]
        sizes += part.sizes
        sections += part.sections
    numbers = np.concatenate(found)
    source.words, inverse = np.unique(numbers, return_inverse=True)
    source.counts = np.bincount(inverse, weights=np.concatenate(counts), minlength=source.words.size).astype(np.int64)
    if run_words:
        source.run_words = np.concatenate(run_words)
        source.run_offsets = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
        source.sections = np.concatenate(sections)


def _thin(source: Source, level: int, hashes: NDArray[np.uint64]) -> int:
    """Keep one run in 2**level, by the hash of its words; how many words are in what is kept."""
    keep = _chosen(source.run_words, source.run_offsets, (1 << level) - 1, hashes)
    sizes = np.diff(source.run_offsets)
    source.run_words = source.run_words[np.repeat(keep, sizes)]
    source.run_offsets = np.concatenate([[0], np.cumsum(sizes[keep])])
    source.sections = source.sections[keep]
    return int(source.run_words.size)


@native
def _chosen(
    words: NDArray[np.int32], offsets: NDArray[np.int64], mask: int, hashes: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    chosen = np.empty(offsets.size - 1, dtype=np.bool_)
    for run in range(chosen.size):
        h = np.uint64(offsets[run + 1] - offsets[run])
        for k in range(offsets[run], offsets[run + 1]):
            h = combined(h, hashes[words[k]])
        chosen[run] = (h & np.uint64(mask)) == 0
    return chosen
