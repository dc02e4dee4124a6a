"""The training text of each stage of the curriculum, as sequences of the ids learnt so far."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding import kernel as encode_kernel
from tokenizer.encoding.tables import encoding_tables
from tokenizer.encoding.workspace import new_desk
from tokenizer.native.byte_words import padded
from tokenizer.native.compile import native
from tokenizer.pretokenize.o200k import next_pretoken
from tokenizer.text.unicode import class_table
from tokenizer.training.collect import Collection
from tokenizer.training.counts import Counts, CountTable
from tokenizer.training.merges import Sequences

KIWI_MIN_COUNT = 2
"""Rarer words are left out of the morphemes stage: half of the distinct words, a fiftieth of the text."""
_o200k_end = next_pretoken


def stage_sequences(
    level: str,
    collection: Collection,
    words: Counts,
    cuts: tuple[NDArray[np.int64], NDArray[np.int32]],
    weights: NDArray[np.int64],
    tokens: list[bytes],
    merges: list[tuple[int, int]],
) -> Sequences:
    """The training text of a stage, segmented by the merges so far."""
    if level == "morphemes":
        pieces = _morpheme_pieces(words, collection.words.counts, *cuts)
        ids, offsets = encode_strings(pieces, tokens, merges)
        return Sequences(ids, offsets, pieces.counts)
    ids, offsets = encode_strings(words, tokens, merges)
    if level == "eojeols":
        return Sequences(ids, offsets, words.counts)
    return _run_sequences(collection, ids, offsets, weights, words.counts)


def encode_strings(
    strings: Counts, tokens: list[bytes], merges: list[tuple[int, int]]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Each string as ids by the given merges, one after another, and where each starts."""
    desk = new_desk(len(merges))
    tables, _ = encode_kernel.with_whole_tokens(encoding_tables(tokens, merges), desk.cache.room)
    out = np.empty(strings.data.size + encode_kernel.SLACK, dtype=np.int32)
    stops = encode_kernel.encode_pieces(tables, desk, padded(strings.data), strings.offsets[1:].copy(), out)
    offsets = np.concatenate([[0], stops])
    return out[: offsets[-1]].copy(), offsets


def _morpheme_pieces(
    words: Counts, plain_counts: NDArray[np.int64], cut_offsets: NDArray[np.int64], cuts: NDArray[np.int32]
) -> Counts:
    """The words cut at morphemes or capitals, equal pieces counted together."""
    bounds, of_word = _piece_bounds(padded(words.data), words.offsets, plain_counts, cut_offsets, cuts, class_table())
    table = CountTable()
    kept = bounds[:, 0] >= 0
    starts, ends = bounds[kept, 0], bounds[kept, 1]
    data, offsets = _gathered(words.data, starts, ends)
    table.merge(Counts(data, offsets, words.counts[of_word[kept]]))
    return table.result()


@native
def _piece_bounds(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    cut_offsets: NDArray[np.int64],
    cuts: NDArray[np.int32],
    classes: NDArray[np.uint8],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Start and end of every piece and the word it is of; words with Hangul that Kiwi has not seen are left out."""
    size = cuts.size + offsets.size + data.size // 2
    bounds = np.full((size, 2), -1, dtype=np.int64)
    of_word = np.zeros(size, dtype=np.int32)
    count = 0
    for word in range(offsets.size - 1):
        i, end = offsets[word], offsets[word + 1]
        if _has_hangul(data, i, end):
            if counts[word] < KIWI_MIN_COUNT:
                continue
            for k in range(cut_offsets[word], cut_offsets[word + 1] + 1):
                stop = offsets[word] + cuts[k] if k < cut_offsets[word + 1] else end
                bounds[count, 0] = i
                bounds[count, 1] = stop
                of_word[count] = word
                count += 1
                i = stop
            continue
        while i < end:
            stop = _o200k_end(data, i, end, classes)
            bounds[count, 0] = i
            bounds[count, 1] = stop
            of_word[count] = word
            count += 1
            i = stop
    return bounds[:count], of_word[:count]


@native
def _has_hangul(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether UTF-8 holds a Hangul syllable or jamo, as `tokenizer.pretokenize.morphemes.HANGUL` has it."""
    for i in range(start, end - 2):
        if 0xE1 <= data[i] <= 0xED:
            code = ((data[i] & 0x0F) << 12) | ((data[i + 1] & 0x3F) << 6) | (data[i + 2] & 0x3F)
            if 0xAC00 <= code <= 0xD7A3 or 0x1100 <= code <= 0x11FF or 0x3131 <= code <= 0x318E:
                return True
    return False


@native
def _gathered(
    data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    offsets = np.zeros(starts.size + 1, dtype=np.int64)
    for i in range(starts.size):
        offsets[i + 1] = offsets[i] + ends[i] - starts[i]
    out = np.empty(offsets[-1], dtype=np.uint8)
    for i in range(starts.size):
        out[offsets[i] : offsets[i + 1]] = data[starts[i] : ends[i]]
    return out, offsets


def _run_sequences(
    collection: Collection,
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    weights: NDArray[np.int64],
    word_counts: NDArray[np.int64],
) -> Sequences:
    """Runs as sequences of their words' ids, and words for what stands in no kept run."""
    alone = word_counts.copy()
    parts: list[NDArray[np.int32]] = []
    sizes: list[NDArray[np.int64]] = []
    run_weights: list[NDArray[np.int64]] = []
    sections: list[NDArray[np.int32]] = []
    for source, weight in zip(collection.sources, weights, strict=True):
        amount = int(weight) * collection.run_weight
        alone -= amount * np.bincount(source.run_words, minlength=alone.size)
        ends = _concatenated_sizes(source.run_words, source.run_offsets, offsets)
        parts.append(_concatenated(source.run_words, ids, offsets, int(ends.sum())))
        sizes.append(ends)
        run_weights.append(np.full(ends.size, amount, dtype=np.int64))
        sections.append(source.sections)
    alone = np.maximum(alone, 0)  # a sample of the runs may hold a word too often
    left = np.flatnonzero(alone).astype(np.int32)
    lengths = np.diff(offsets)[left]
    parts.append(_concatenated(left, ids, offsets, int(lengths.sum())))
    return Sequences(
        np.concatenate(parts),
        np.concatenate([[0], np.cumsum(np.concatenate([*sizes, lengths]))]),
        np.concatenate([*run_weights, alone[left]]),
        np.concatenate([*sections, np.zeros(left.size, dtype=np.int32)]),
    )


@native
def _concatenated_sizes(
    words: NDArray[np.int32], run_offsets: NDArray[np.int64], offsets: NDArray[np.int64]
) -> NDArray[np.int64]:
    sizes = np.zeros(run_offsets.size - 1, dtype=np.int64)
    for run in range(sizes.size):
        for k in range(run_offsets[run], run_offsets[run + 1]):
            sizes[run] += offsets[words[k] + 1] - offsets[words[k]]
    return sizes


@native
def _concatenated(
    words: NDArray[np.int32], values: NDArray[np.int32], offsets: NDArray[np.int64], size: int
) -> NDArray[np.int32]:
    """The values of each word in turn."""
    out = np.empty(size, dtype=np.int32)
    at = 0
    for word in words:
        for k in range(offsets[word], offsets[word + 1]):
            out[at] = values[k]
            at += 1
    return out
