"""Texts to ids with the encode kernel: a workspace per thread, batches over threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.added_tokens import AddedTokens, put_back
from tokenizer.encoding.kernel import BY_GRAMMAR, SLACK, State, encode_pieces
from tokenizer.encoding.tables import Tables
from tokenizer.encoding.whole_tokens import build_tables
from tokenizer.encoding.workspace import new_workspace
from tokenizer.native.buffers import GrowingArray, ReusedBuffer
from tokenizer.native.byte_words import padded
from tokenizer.native.packed import pack
from tokenizer.native.vectors import BEYOND
from tokenizer.pretokenize import morphemes, patterns
from tokenizer.pretokenize.grammars import O200K, scanner
from tokenizer.text.utf8 import require_text, texts_as_bytes, to_utf8
from tokenizer.threads import cores, in_order
from tokenizer.vocabulary.vocabulary import Vocabulary

TASK_CHARACTERS = 1 << 18
"""Characters per task. Larger tasks are no faster per character and hold more memory."""

LAST_CHARACTERS = 1 << 15
"""Characters of the last tasks, which are smaller so that all threads end at about the same time."""

SHORT_CHARACTERS = 1 << 12
"""Characters up to which a single text goes to the kernel through buffers that stand ready. The way of batches takes
20 us a call, as much as the encoding of some hundred characters."""


class EncodedTexts(NamedTuple):
    """Some texts as ids."""

    ids: NDArray[np.int32]
    """The ids of one text after another."""
    counts: NDArray[np.int64]
    """Number of ids of each text, shape (texts,)."""
    sizes: NDArray[np.int64]
    """Bytes of UTF-8 of each text as it was encoded, shape (texts,)."""


class Encoder:
    """Encodes with one vocabulary; safe to share between threads.

    Texts of the grammar ``regex`` are cut in Python, under the GIL, so that threads gain little there.
    """

    def __init__(self, vocabulary: Vocabulary, tables: Tables | None = None) -> None:
        """``tables`` are those of the vocabulary where they are there already, see `tables_of`."""
        self.tables = tables or tables_of(vocabulary)
        self._nfc, self._prefix_space = vocabulary.nfc, vocabulary.prefix_space
        self._cut = _cutter(vocabulary)
        self._kernel = encode_pieces if self._cut else BY_GRAMMAR[vocabulary.grammar]
        added = {text: vocabulary.special_tokens[text] for text in vocabulary.added}
        self._added = AddedTokens(added) if added else None
        self._idle: list[_Workspace] = []

    def encode(self, text: str) -> NDArray[np.int32]:
        """The ids of one text."""
        if type(text) is not str or len(text) > SHORT_CHARACTERS or self._cut or self._added:
            return self._encode([text]).ids
        raw = to_utf8(self.prepared(text))
        own = self._take_workspace()
        try:
            return own.encode_short(self._kernel, raw)
        finally:
            self._idle.append(own)

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> list[NDArray[np.int32]]:
        """The ids of each text, as views of one array."""
        flat, offsets = self.encode_to_array(texts, threads)
        return np.split(flat, offsets[1:-1]) if texts else []

    def encode_to_array(
        self, texts: Sequence[str], threads: int | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All ids, one text's after another's, and where each text's begin, shape (texts + 1,); texts are spread over
        ``threads`` (all cores by default)."""
        threads = threads or cores()
        lengths = _lengths(texts)
        tasks = list(_tasks(texts, lengths, threads))
        flat = GrowingArray(np.int32, expected=sum(lengths))
        counts = [np.zeros(1, dtype=np.int64)]
        for part in in_order(self._encode, tasks, min(threads, len(tasks) or 1)):
            flat.extend(part.ids)
            counts.append(part.counts)
        return flat.finish(), np.cumsum(np.concatenate(counts))

    def parts(self, texts: Sequence[str]) -> Iterator[EncodedTexts]:
        """The texts, encoded some at a time, on this thread."""
        return map(self._encode, _tasks(texts, _lengths(texts), threads=1))

    def _encode(self, texts: Sequence[str]) -> EncodedTexts:
        if self._added and any(map(self._added.any_in, texts)):
            sections = self._added.split(texts)
            return EncodedTexts(*put_back(sections, *self._encode_sections(sections.texts)))
        return self._encode_sections(texts)

    def _encode_sections(self, texts: Sequence[str]) -> EncodedTexts:
        own = self._take_workspace()
        try:
            if self._nfc or self._prefix_space:
                texts = [self.prepared(str.__str__(text)) for text in texts]
            data, ends = texts_as_bytes(texts, own.bytes)
            pieces, last_piece = self._cut(texts) if self._cut else (ends, None)
            out = own.ids.of_size(data.size + SLACK)
            stops = np.empty(pieces.size, dtype=np.int64)
            self._kernel(own.packed, data, pieces, out, stops)
            if last_piece is not None:
                stops = np.concatenate([[0], stops])[last_piece]
            return EncodedTexts(out[: stops[-1]].copy(), np.diff(stops, prepend=0), np.diff(ends, prepend=0))
        finally:
            self._idle.append(own)

    def sections(self, text: str) -> list[str]:
        """``text`` cut around its added tokens."""
        return self._added.cut(text) if self._added else [text]

    def prepared(self, text: str) -> str:
        """A section without added tokens as it is encoded: composed, with a space before it, or as it is."""
        text = normalize("NFC", text) if self._nfc else text
        return " " + text if self._prefix_space and text and text[0] != " " else text

    def _take_workspace(self) -> _Workspace:
        """A workspace that no other thread uses until it is back among the idle ones."""
        try:
            return self._idle.pop()  # list.pop and append are atomic
        except IndexError:
            return _Workspace(self.tables)


class _Workspace:
    """Per-thread memory: the kernel's workspace, and buffers for bytes and ids."""

    def __init__(self, tables: Tables) -> None:
        self._state = State(tables, new_workspace(len(tables.results)))
        self.packed = pack(self._state)
        self.bytes = ReusedBuffer(np.uint8)
        self.ids = ReusedBuffer(np.int32)
        self._short_bytes = np.empty(4 * SHORT_CHARACTERS + BEYOND, dtype=np.uint8)
        self._short_view = self._short_bytes.data  # written to in a third of the time of an array
        self._short_ids = np.empty(4 * SHORT_CHARACTERS + SLACK, dtype=np.int32)
        self._end, self._stop = np.empty((2, 1), dtype=np.int64)

    def encode_short(self, kernel: Callable[..., None], raw: bytes) -> NDArray[np.int32]:
        """The ids of one text in UTF-8, of at most `SHORT_CHARACTERS`."""
        self._short_view[: len(raw) + BEYOND] = raw + bytes(BEYOND)
        self._end[0] = len(raw)
        kernel(self.packed, self._short_bytes, self._end, self._short_ids, self._stop)
        return self._short_ids[: self._stop[0]].copy()


def tables_of(vocabulary: Vocabulary) -> Tables:
    """The tables of a vocabulary."""
    number = O200K if vocabulary.grammar == "regex" else scanner(vocabulary.grammar)
    return build_tables(vocabulary.ordinary_tokens, vocabulary.merges, number, ignore_merges=vocabulary.ignore_merges)


def _cutter(vocabulary: Vocabulary) -> Callable[[Sequence[str]], tuple[NDArray[np.int64], NDArray[np.int64]]] | None:
    """What cuts texts of the vocabulary before the kernel has them; None if the kernel does."""
    if vocabulary.grammar == "regex":
        return partial(patterns.piece_ends, patterns=vocabulary.patterns)
    return morphemes.piece_ends if vocabulary.strict else None


def encode_strings(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    tokens: list[bytes],
    merges: list[tuple[int, int]],
    *,
    ignore_merges: bool = False,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Byte strings that stand in ``data`` one after another as ids by the given merges, none cut any further: the ids,
    and where each string's begin, shape (strings + 1,). With ``ignore_merges`` a string that is a token is that
    token."""
    out = np.empty(data.size + SLACK, dtype=np.int32)
    stops = np.empty(offsets.size - 1, dtype=np.int64)
    state = State(build_tables(tokens, merges, ignore_merges=ignore_merges), new_workspace(len(merges)))
    encode_pieces(pack(state), padded(data), offsets[1:].copy(), out, stops)
    return out[: stops[-1] if stops.size else 0].copy(), np.concatenate([[0], stops])


def _lengths(texts: Sequence[str]) -> list[int]:
    for text in texts:
        require_text(text)
    return list(map(str.__len__, texts))  # a subclass may say anything


def _tasks(texts: Sequence[str], lengths: list[int], threads: int) -> Iterator[Sequence[str]]:
    """``texts`` in tasks, each a share of the characters that remain for every thread (guided self-scheduling:
    Polychronopoulos and Kuck, 1987)."""
    remaining, start, held = sum(lengths), 0, 0
    for i, length in enumerate(lengths):
        held += length
        if held >= min(max(remaining // (2 * threads), LAST_CHARACTERS), TASK_CHARACTERS):
            yield texts[start : i + 1]
            remaining, start, held = remaining - held, i + 1, 0
    if start < len(texts):
        yield texts[start:]
