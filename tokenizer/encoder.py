"""Texts to ids with the encode kernel: its tables, a cache per thread, batches over threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from tokenizer import encode_kernel as kernel
from tokenizer.encode_tables import encoding_tables
from tokenizer.morphemes import piece_ends
from tokenizer.pretokenize import scanner
from tokenizer.scanning import as_bytes, require_text
from tokenizer.vocabulary import Vocabulary

TASK_BYTES = 1 << 20


class Encoder:
    """Encodes with one vocabulary; safe to share between threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._strict = vocabulary.strict
        self._tables = encoding_tables(vocabulary.tokens, vocabulary.merges, scanner(vocabulary.grammar))
        self._local = threading.local()
        longest = max(len(token) for token in vocabulary.tokens)
        self.unreachable: int = kernel.fill_tokens(self._tables, self._cache(), np.empty(longest, dtype=np.int32))
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
            parts = [self._encode(texts)]
        else:
            with ThreadPoolExecutor(workers) as pool:
                parts = list(pool.map(self._encode, tasks))
        sizes = [np.diff(stops, prepend=0) for _, stops in parts]
        flat = parts[0][0] if len(parts) == 1 else np.concatenate([ids for ids, _ in parts])
        return flat, np.concatenate([[0], np.cumsum(np.concatenate(sizes))])

    def _encode(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All ids and where those of each text end."""
        if not texts:
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)
        arrays = [as_bytes(text) for text in texts]
        data = np.concatenate(arrays)
        ends = np.cumsum([array.size for array in arrays], dtype=np.int64)
        out = np.empty(data.size, dtype=np.int32)
        if self._strict:
            pieces, last_piece = piece_ends(texts)
            stops = kernel.encode_pieces(self._tables, self._cache(), data, pieces, out)
            stops = np.concatenate([[0], stops])[last_piece]
        else:
            stops = kernel.encode_texts(self._tables, self._cache(), data, ends, out)
        return out[: stops[-1]].copy(), stops

    def _cache(self) -> kernel.Cache:
        cache: kernel.Cache | None = getattr(self._local, "cache", None)
        if cache is None:
            cache = self._local.cache = kernel.new_cache()
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
