"""Texts to ids with the encode kernel: its tables, a cache per thread, batches over threads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from tokenizer import encode_kernel as kernel
from tokenizer.encode_desk import new_desk
from tokenizer.encode_long import new_room
from tokenizer.encode_tables import Tables, encoding_tables
from tokenizer.morphemes import piece_ends
from tokenizer.pretokenize import scanner
from tokenizer.utf8 import require_text, texts_as_bytes
from tokenizer.vocabulary import Vocabulary

TASK_CHARACTERS = 1 << 15, 1 << 20
"""Texts are encoded together up to so many characters, at least and at most; fewer let threads end together."""

TASKS_PER_THREAD = 4

KEPT_ROOM = 4 << 20
"""Room for so many ids is kept between two calls."""


class Encoder:
    """Encodes with one vocabulary; safe to share between threads."""

    def __init__(self, vocabulary: Vocabulary, prepared: tuple[Tables, int] | None = None) -> None:
        self._strict = vocabulary.strict
        by_grammar = kernel.encode_runs if vocabulary.grammar == "gyeol" else kernel.encode_pretokens
        self._kernel = kernel.encode_pieces if vocabulary.strict else by_grammar
        self.tables, self.unreachable = prepared or prepare(vocabulary)
        """``unreachable``: how many tokens no text can produce, because their own merges do not give them back."""
        self._idle: list[_Desk] = []

    def encode(self, text: str) -> NDArray[np.int32]:
        """The ids of one text."""
        return self._encode([text])[0]

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> list[NDArray[np.int32]]:
        """The ids of each text, as views of one array."""
        flat, offsets = self.encode_to_array(texts, threads)
        return np.split(flat, offsets[1:-1]) if texts else []

    def encode_to_array(
        self, texts: Sequence[str], threads: int | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All ids, one text's after another's, and where each text's begin (one more than there are texts); texts
        are spread over ``threads`` (all cores by default)."""
        threads = threads or os.cpu_count() or 1
        tasks = _tasks(texts, threads)
        workers = min(threads, len(tasks))
        if workers <= 1:
            parts = [self._encode(task) for task in tasks]
        else:
            with ThreadPoolExecutor(workers) as pool:
                parts = list(pool.map(self._encode, tasks))
        counts = np.concatenate([[0], *(counts for _, counts in parts)])
        flat = np.concatenate([ids for ids, _ in parts]) if parts else np.empty(0, dtype=np.int32)
        return flat, np.cumsum(counts, dtype=np.int64)

    def _encode(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All ids and how many each text has."""
        data, ends = texts_as_bytes(texts)
        pieces, last_piece = piece_ends(texts) if self._strict else (ends, None)
        with self._desk() as desk:
            out = desk.room_for(data.size + kernel.SLACK)
            stops = self._kernel(self.tables, desk.held, data, pieces, out)
            if last_piece is not None:
                stops = np.concatenate([[0], stops])[last_piece]
            return out[: stops[-1]].copy(), np.diff(stops, prepend=0)

    @contextmanager
    def _desk(self) -> Iterator[_Desk]:
        """A cache and room that no other thread uses meanwhile."""
        try:
            desk = self._idle.pop()  # list.pop and append are atomic
        except IndexError:
            desk = _Desk(len(self.tables.results))
        try:
            yield desk
        finally:
            self._idle.append(desk)


def prepare(vocabulary: Vocabulary) -> tuple[Tables, int]:
    """The tables of a vocabulary, and how many of its tokens no text can produce."""
    tables = encoding_tables(vocabulary.tokens, vocabulary.merges, scanner(vocabulary.grammar))
    return kernel.with_whole_tokens(tables, new_room(len(tables.results)))


class _Desk:
    """What one thread encodes with: words lately encoded and room for ids, kept from call to call."""

    def __init__(self, merges: int) -> None:
        self.held = new_desk(merges)
        self._room = np.empty(0, dtype=np.int32)

    def room_for(self, size: int) -> NDArray[np.int32]:
        """Room for ``size`` ids; kept unless it is large, as fresh memory costs a tenth of the encoding."""
        if self._room.size >= size:
            return self._room
        room = np.empty(size, dtype=np.int32)
        if size <= KEPT_ROOM:
            self._room = room
        return room


def _tasks(texts: Sequence[str], threads: int) -> list[Sequence[str]]:
    """``texts`` in parts, several for each thread."""
    for text in texts:
        require_text(text)
    least, limit = TASK_CHARACTERS
    if threads > 1:
        limit = min(limit, max(least, sum(map(len, texts)) // (TASKS_PER_THREAD * threads)))
    tasks, start, held = [], 0, 0
    for i, text in enumerate(texts):
        held += len(text)
        if held >= limit:
            tasks.append(texts[start : i + 1])
            start, held = i + 1, 0
    if start < len(texts):
        tasks.append(texts[start:])
    return tasks
