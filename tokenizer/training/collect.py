"""One pass over a corpus: its distinct words, and the runs they form, for superwords.

A word is a pre-token of the grammar o200k or of a regular expression, or a word inside a pre-token of the grammars
gyeol and right3 (`tokenizer.pretokenize`), where pre-tokens or parts of them are the runs. Words are kept once. A run
of two words or more is kept as the indices of its words, four bytes each, up to a number of them in all
(`tokenizer.training.runs`).
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.corpus.reader import Document
from tokenizer.native.compile import inlined, native
from tokenizer.pretokenize.grammars import next_run, next_word, scanner
from tokenizer.pretokenize.patterns import piece_ends
from tokenizer.text.line_sample import LineSample, LineSampler
from tokenizer.text.unicode import class_table
from tokenizer.text.utf8 import joined, to_utf8
from tokenizer.threads import per_thread
from tokenizer.training.counts import Counts, CountTable
from tokenizer.training.records import CorpusRecord
from tokenizer.training.runs import KeptRuns, Runs
from tokenizer.training.sections import add_rows, note_sections, with_rows
from tokenizer.training.spool import Spool

EMPTY = np.empty(0, dtype=np.int32)
GIVEN = -1
"""In place of a scanner's number: pre-tokens whose ends are given."""
_NO_ENDS = np.empty(0, dtype=np.int64)
SECTION = 1 << 16
"""Bytes of a long document that the document-frequency rule takes for a document of its own."""
LONGEST_WORD = 1 << 12
"""Bytes above which a word is cut: a line of a million dashes teaches no more than a thousand lines of a thousand, and
takes a thousand times their memory."""
BATCH_BYTES = 1 << 20
"""Bytes per task of a thread: some 20 ms of work, which hides the start of a task, and small beside a file."""


@dataclass
class Source:
    """The words and runs of one source, of a part of it with a factor of its own, or of all."""

    name: str
    """Its path as it was named, as in `Document.origin`; empty for all files."""
    factor: float
    """Factor for the counts of its words."""
    size: int
    """Bytes of UTF-8."""
    words: NDArray[np.int32]
    """Indices of its distinct words in `Collection.words`, ascending."""
    counts: NDArray[np.int64]
    """Occurrences of each of ``words`` in this source."""
    runs: list[Runs]
    """Its runs, of words in `Collection.words`."""


@dataclass
class Collection:
    """A corpus as words and runs."""

    words: Counts
    """Every distinct word and its occurrences in the whole corpus."""
    word_sections: NDArray[np.int32]
    """Sections of each word, ``spread`` places a row (`tokenizer.training.sections`)."""
    spread: int
    """Places of each row of ``word_sections``."""
    total_sections: int
    """Number of sections of the corpus."""
    sources: list[Source]
    """The sources in the order in which they were read."""
    run_weight: int
    """Number of runs of the corpus that each kept run stands for, a power of two."""
    record: CorpusRecord
    """Record of the corpus."""
    line_sample: LineSample
    """Sample of its lines."""


class _Batch(NamedTuple):
    """Documents for one task of a thread."""

    texts: list[bytes]
    """Each as UTF-8."""
    first_sections: list[int]
    """Section of the corpus in which each starts."""


def collect(
    documents: Iterable[Document],
    grammar: str = "gyeol",
    *,
    threads: int = 2,
    factor_of: Callable[[Document], float] = lambda _: 1.0,
    spread: int = 0,
    spool: Spool | None = None,
    patterns: Sequence[str] = (),
    by_source: bool = False,
) -> Collection:
    """Read a corpus once, cut by ``grammar``, or where that is ``regex`` by ``patterns``. With o200k and ``regex``
    there are no runs. With o200k all sources are one unless ``by_source``; else they are kept apart.

    ``factor_of`` gives `Source.factor`, ``spread`` is the number of sections that are noted of each word, ``spool``
    makes the arrays of runs. Sources are added one after another, so the result does not depend on the threads' timing
    but for the numbering of words, which nothing downstream depends on.
    """
    spool = spool or Spool()
    reader = _Reader(spool)
    table = CountTable()
    kept, lines = KeptRuns(table, spool), LineSampler()
    sources: list[Source] = []
    rows = EMPTY
    apart = by_source or grammar != "o200k"
    given = patterns if grammar == "regex" else None
    for (name, factor), group in groupby(
        documents, key=lambda document: (document.origin, factor_of(document)) if apart else ("", 1.0)
    ):
        before = reader.record.bytes
        new_part = partial(_Part, GIVEN if given is not None else scanner(grammar), given, spread, kept, lines)
        parts = per_thread(new_part, _Part.add, reader.batches(group), threads)
        source, rows = _as_source(name, factor, reader.record.bytes - before, parts, table, rows)
        sources.append(source)
    counts, record, sample = table.result(), reader.finished(), lines.sample()
    return Collection(counts, rows, spread, reader.sections, sources, 1 << kept.level, record, sample)


class _Reader:
    """Takes in documents as UTF-8, and the record of them."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.record = CorpusRecord()
        self._digest = hashlib.sha256()
        self.sections = 0

    def batches(self, documents: Iterable[Document]) -> Iterator[_Batch]:
        """The documents in batches of about `BATCH_BYTES`."""
        batch, held = _Batch([], []), 0
        files = self.record.files
        for document in documents:
            raw = to_utf8(document.text)
            files[document.source] = files.get(document.source, 0) + len(raw)
            self._digest.update(raw)
            self.record.documents += document.last
            if document.encoding != "utf-8":
                self.record.encodings[Path(document.source).name] = document.encoding
            self.record.characters += len(document.text)
            self.record.bytes += len(raw)
            batch.texts.append(raw)
            batch.first_sections.append(self.sections)
            self.sections += 1 + len(raw) // SECTION
            held += len(raw)
            if held >= BATCH_BYTES:
                yield batch
                batch, held = _Batch([], []), 0
                self._spool.check()
        yield batch

    def finished(self) -> CorpusRecord:
        """The record of all documents, their files by name."""
        files: Counter[str] = Counter()
        for path, size in self.record.files.items():
            files[Path(path).name] += size
        return replace(self.record, files=dict(files), sha256=self._digest.hexdigest())


class _Part:
    """The words and runs that one thread found in its share of a source."""

    def __init__(
        self, scanner: int, patterns: Sequence[str] | None, spread: int, kept: KeptRuns, lines: LineSampler
    ) -> None:
        """``scanner`` is the number of the grammar's scanner, or with ``patterns`` `GIVEN`, ``spread`` the number of
        sections to note of each word; ``lines``, which the parts share, samples the lines."""
        self.scanner, self.patterns, self.spread, self.kept, self.lines = scanner, patterns, spread, kept, lines
        self.table = CountTable()
        """The words."""
        self.rows = EMPTY
        """Sections of each word, ``spread`` places a row."""
        self.runs = kept.new_part(self.table)
        """The runs, of words in ``table``."""

    def add(self, batch: _Batch) -> None:
        """Count the words of ``batch`` and note its runs."""
        data = joined(batch.texts)
        ends = np.cumsum([len(text) for text in batch.texts], dtype=np.int64)
        firsts = np.array(batch.first_sections, dtype=np.int64)
        self.lines.add(data, ends)
        given = _NO_ENDS if self.patterns is None else piece_ends(map(bytes.decode, batch.texts), self.patterns)[0]
        bounds, in_run, sizes, sections, word_sections = _cut(data, ends, firsts, class_table(), self.scanner, given)
        ids = self.table.add(data, bounds[:-1], bounds[1:])
        if self.spread:
            self.rows = with_rows(self.rows, self.spread, len(self.table))
            note_sections(self.rows, self.spread, ids, word_sections)
        if sizes.size:
            self.kept.add(self.runs, self.table, Runs(ids[in_run], sizes, sections))


@inlined
def _part_end(data: NDArray[np.uint8], start: int, end: int) -> int:
    """The end of a word, or of as many of its characters as `LONGEST_WORD` bytes hold."""
    stop = end
    if end - start > LONGEST_WORD:
        stop = start + LONGEST_WORD
        while data[stop] & 0xC0 == 0x80:
            stop -= 1
    return stop


@native
def _cut(
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    first_sections: NDArray[np.int64],
    classes: NDArray[np.uint8],
    scanner: int,
    given: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Cut documents that end at ``ends`` into words, by a scanner or at the ``given`` ends of pre-tokens: the bytes at
    which these start and the last ends, for each whether it stands in a run, each run's number of words and section,
    and each word's section."""
    bounds = np.empty(data.size + 1, dtype=np.int64)
    in_run = np.zeros(data.size, dtype=np.bool_)
    sizes = np.empty(data.size // 2 + 1, dtype=np.int32)
    sections = np.empty(data.size // 2 + 1, dtype=np.int32)
    word_sections = np.empty(data.size, dtype=np.int32)
    bounds[0] = 0
    words = runs = position = pretokens = np.int64(0)
    for document in range(ends.size):
        start, end = position, ends[document]
        while position < end:
            if scanner == GIVEN:
                run_end = given[pretokens]
                pretokens += 1
            else:
                run_end = next_run(data, start, position, end, classes, scanner)
            first = words
            while position < run_end:
                word_end = run_end
                if scanner != GIVEN:
                    word_end = next_word(data, start, position, run_end, classes, scanner)
                while position < word_end:
                    position = _part_end(data, position, word_end)
                    section = first_sections[document] + (position - 1 - start) // SECTION
                    word_sections[words] = section
                    words += 1
                    bounds[words] = position
                    if position == run_end or position < word_end:
                        if words - first > 1:
                            in_run[first:words] = True
                            sizes[runs] = words - first
                            sections[runs] = section
                            runs += 1
                        first = words
    found = sizes[:runs].copy(), sections[:runs].copy(), word_sections[:words].copy()
    return bounds[: words + 1].copy(), in_run[:words].copy(), *found


def _as_source(
    name: str, factor: float, size: int, parts: list[_Part], table: CountTable, rows: NDArray[np.int32]
) -> tuple[Source, NDArray[np.int32]]:
    """Number the words of a source's parts by the common table, and join the parts; the sections of the words of
    ``table`` with those of the parts."""
    found, counts = [], []
    for part in parts:
        words = part.table.result()
        numbers = table.add(words.data, words.offsets[:-1], words.offsets[1:], words.counts)
        if part.spread:
            rows = with_rows(rows, part.spread, len(table))
            add_rows(rows, part.spread, numbers, part.rows, np.arange(numbers.size, dtype=np.int32))
        found.append(numbers)
        counts.append(words.counts)
    distinct, inverse = np.unique(np.concatenate(found), return_inverse=True)
    totals = np.bincount(inverse, weights=np.concatenate(counts), minlength=distinct.size).astype(np.int64)
    runs = parts[0].kept.as_source(found)
    return Source(name, factor, size, distinct.astype(np.int32), totals, runs), rows
