"""Texts to ids with the encode kernel: its tables, a cache per thread, batches over threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding import kernel
from tokenizer.encoding.merge_long import new_room
from tokenizer.encoding.tables import Tables, encoding_tables
from tokenizer.encoding.workspace import new_desk
from tokenizer.native.buffers import Joined, Memory
from tokenizer.pretokenize.grammars import scanner
from tokenizer.pretokenize.morphemes import piece_ends
from tokenizer.text.utf8 import require_text, texts_as_bytes
from tokenizer.threads import cores, in_order
from tokenizer.vocabulary.vocabulary import Vocabulary

TASK_CHARACTERS = 1 << 18
"""Texts are encoded together up to so many characters: more take no less time each, and more memory."""

LAST_CHARACTERS = 1 << 15
"""The last ones, up to so many: the threads then end at about the same time."""


class Part(NamedTuple):
    """Some texts, encoded."""

    ids: NDArray[np.int32]
    """Their ids, one text's after another's."""
    counts: NDArray[np.int64]
    """How many ids each has."""
    sizes: NDArray[np.int64]
    """How many bytes of UTF-8 each has."""


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
        return self._encode([text]).ids

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> list[NDArray[np.int32]]:
        """The ids of each text, as views of one array."""
        flat, offsets = self.encode_to_array(texts, threads)
        return np.split(flat, offsets[1:-1]) if texts else []

    def encode_to_array(
        self, texts: Sequence[str], threads: int | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All ids, one text's after another's, and where each text's begin (one more than there are texts); texts
        are spread over ``threads`` (all cores by default)."""
        threads = threads or cores()
        lengths = _lengths(texts)
        tasks = list(_tasks(texts, lengths, threads))
        flat = Joined(np.int32, expected=sum(lengths))
        counts = [np.zeros(1, dtype=np.int64)]
        for part in in_order(self._encode, tasks, min(threads, len(tasks) or 1)):
            flat.add(part.ids)
            counts.append(part.counts)
        return flat.whole(), np.cumsum(np.concatenate(counts))

    def parts(self, texts: Sequence[str]) -> Iterator[Part]:
        """The texts, encoded some at a time, on this thread."""
        return map(self._encode, _tasks(texts, _lengths(texts), threads=1))

    def _encode(self, texts: Sequence[str]) -> Part:
        with self._desk() as desk:
            data, ends = texts_as_bytes(texts, desk.bytes)
            pieces, last_piece = piece_ends(texts) if self._strict else (ends, None)
            out = desk.ids.room_for(data.size + kernel.SLACK)
            stops = self._kernel(self.tables, desk.held, data, pieces, out)
            if last_piece is not None:
                stops = np.concatenate([[0], stops])[last_piece]
            return Part(out[: stops[-1]].copy(), np.diff(stops, prepend=0), np.diff(ends, prepend=0))

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
    """What one thread encodes with: words lately encoded, and memory for bytes and ids."""

    def __init__(self, merges: int) -> None:
        self.held = new_desk(merges)
        self.bytes = Memory(np.uint8)
        self.ids = Memory(np.int32)


def _lengths(texts: Sequence[str]) -> list[int]:
    for text in texts:
        require_text(text)
    return list(map(len, texts))


def _tasks(texts: Sequence[str], lengths: list[int], threads: int) -> Iterator[Sequence[str]]:
    """``texts`` in parts, each a share of what is left for every thread (guided self-scheduling: Polychronopoulos
    and Kuck, 1987)."""
    left, start, held = sum(lengths), 0, 0
    for i, length in enumerate(lengths):
        held += length
        if held >= min(max(left // (2 * threads), LAST_CHARACTERS), TASK_CHARACTERS):
            yield texts[start : i + 1]
            left, start, held = left - held, i + 1, 0
    if start < len(texts):
        yield texts[start:]
