"""Texts to ids with the encode kernel: its tables, a cache per thread, batches over threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from tokenizer import encode_kernel as kernel
from tokenizer.byte_words import PADDING
from tokenizer.encode_cache import Cache, new_cache
from tokenizer.encode_tables import encoding_tables
from tokenizer.morphemes import piece_ends
from tokenizer.pretokenize import GYEOL, scanner
from tokenizer.scanning import require_text, to_utf8
from tokenizer.vocabulary import Vocabulary

TASK_BYTES = 1 << 20


class Encoder:
    """Encodes with one vocabulary; safe to share between threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._strict = vocabulary.strict
        self._tables = encoding_tables(vocabulary.tokens, vocabulary.merges, scanner(vocabulary.grammar))
        self._local = threading.local()
        self._tables, self.unreachable = kernel.with_whole_tokens(self._tables, self._cache().room)
        """How many tokens no text can produce, because their own merges do not give them back."""

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
        tasks = _tasks(texts)
        workers = min(threads or os.cpu_count() or 1, len(tasks))
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
        raw = [to_utf8(text) for text in texts]
        ends = np.cumsum([len(text) for text in raw], dtype=np.int64)
        data = np.frombuffer(bytearray().join([*raw, bytes(PADDING)]), dtype=np.uint8)  # writable, as others are
        out = self._room(data.size + kernel.SLACK)
        if self._strict:
            pieces, last_piece = piece_ends(texts)
            stops = kernel.encode_pieces(self._tables, self._cache(), data, pieces, out)
            stops = np.concatenate([[0], stops])[last_piece]
        else:
            encode = kernel.encode_runs if self._tables.scanner == GYEOL else kernel.encode_pretokens
            stops = encode(self._tables, self._cache(), data, ends, out)
        return out[: stops[-1]].copy(), np.diff(stops, prepend=0)

    def _room(self, size: int) -> NDArray[np.int32]:
        """Room for ``size`` ids, this thread's own; that of a usual task is kept, as fresh memory costs a tenth of the
        encoding."""
        kept: NDArray[np.int32] | None = getattr(self._local, "room", None)
        if kept is not None and kept.size >= size:
            return kept
        room = np.empty(size, dtype=np.int32)
        if size <= 4 * TASK_BYTES:
            self._local.room = room
        return room

    def _cache(self) -> Cache:
        cache: Cache | None = getattr(self._local, "cache", None)
        if cache is None:
            cache = self._local.cache = new_cache(len(self._tables.results))
        return cache


def _tasks(texts: Sequence[str]) -> list[Sequence[str]]:
    tasks, start, held = [], 0, 0
    for i, text in enumerate(texts):
        require_text(text)
        held += len(text)
        if held >= TASK_BYTES:
            tasks.append(texts[start : i + 1])
            start, held = i + 1, 0
    if start < len(texts):
        tasks.append(texts[start:])
    return tasks
