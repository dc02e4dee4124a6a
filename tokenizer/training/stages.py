"""The training text of each stage of the curriculum, as sequences of the ids learnt so far."""

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding import encoder
from tokenizer.native.compile import native
from tokenizer.training.collect import Collection
from tokenizer.training.counts import Counts
from tokenizer.training.merges import Sequences
from tokenizer.training.morpheme_cuts import morpheme_pieces
from tokenizer.training.sections import add_rows, with_rows

KIWI_MIN_COUNT = 2
"""Rarer words are left out of the stage morphemes: half of the distinct words, 2% of the text."""


def stage_sequences(
    level: str,
    collection: Collection,
    weighted: Counts,
    cuts: tuple[NDArray[np.int64], NDArray[np.int32]],
    weights: NDArray[np.int64],
    tokens: list[bytes],
    merges: list[tuple[int, int]],
) -> Sequences:
    """The training text of a stage, segmented by the merges so far; ``weighted`` are the words of ``collection`` with
    weighted counts."""
    words, rows = collection.words, collection.word_sections
    if level == "morphemes":
        return _morpheme_sequences(collection, weighted, cuts, tokens, merges)
    ids, offsets = encode_strings(weighted, tokens, merges)
    if level == "eojeols":
        return Sequences(ids, offsets, weighted.counts, words.counts, rows=rows)
    return _run_sequences(collection, ids, offsets, weights, weighted.counts)


def _morpheme_sequences(
    collection: Collection,
    weighted: Counts,
    cuts: tuple[NDArray[np.int64], NDArray[np.int32]],
    tokens: list[bytes],
    merges: list[tuple[int, int]],
) -> Sequences:
    """The morphemes of the words that occur often enough to be analysed."""
    counts, spread = collection.words.counts, collection.spread
    pieces, numbers, of_word = morpheme_pieces(weighted, cuts, counts >= KIWI_MIN_COUNT)
    occurrences = np.zeros(len(pieces), dtype=np.int64)
    np.add.at(occurrences, numbers, counts[of_word])
    rows = with_rows(np.empty(0, dtype=np.int32), spread, len(pieces))
    add_rows(rows, spread, numbers, collection.word_sections, of_word)
    ids, offsets = encode_strings(pieces, tokens, merges)
    return Sequences(ids, offsets, pieces.counts, occurrences, rows=rows)


def encode_strings(
    strings: Counts, tokens: list[bytes], merges: list[tuple[int, int]]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The ids of all strings by the given merges, one after another, and the item at which each string starts."""
    return encoder.encode_strings(strings.data, strings.offsets, tokens, merges)


def _run_sequences(
    collection: Collection,
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    weights: NDArray[np.int64],
    word_counts: NDArray[np.int64],
) -> Sequences:
    """The kept runs as ids, and the words by themselves as often as they stand in no kept run."""
    alone, alone_occurrences = word_counts.copy(), collection.words.counts.copy()
    parts: list[tuple[NDArray[np.int32], NDArray[np.int64]]] = []
    amounts: list[NDArray[np.int64]] = []
    for source, weight in zip(collection.sources, weights, strict=True):
        amount = int(weight) * collection.run_weight
        in_runs = np.bincount(source.run_words, minlength=alone.size)
        alone -= amount * in_runs
        alone_occurrences -= collection.run_weight * in_runs
        parts.append(_joined_words(source.run_words, source.run_offsets, ids, offsets))
        amounts.append(np.full(source.sections.size, amount, dtype=np.int64))
    rest = np.flatnonzero(alone > 0).astype(np.int32)  # a sample of the runs may hold a word too often
    parts.append(_joined_words(rest, np.arange(rest.size + 1), ids, offsets))
    sections = np.concatenate([source.sections for source in collection.sources])
    runs, spread = np.full(sections.size, collection.run_weight), collection.spread
    return Sequences(
        np.concatenate([part for part, _ in parts]),
        np.concatenate([[0], np.cumsum(np.concatenate([sizes for _, sizes in parts]))]),
        np.concatenate([*amounts, alone[rest]]),
        np.concatenate([runs, np.maximum(alone_occurrences[rest], 1)]),
        sections,
        collection.word_sections[: alone.size * spread].reshape(-1, spread)[rest].ravel(),
    )


@native
def _joined_words(
    words: NDArray[np.int32], run_offsets: NDArray[np.int64], ids: NDArray[np.int32], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The ids of each run's words in turn, and how many ids each run has."""
    sizes = np.zeros(run_offsets.size - 1, dtype=np.int64)
    for run in range(sizes.size):
        for k in range(run_offsets[run], run_offsets[run + 1]):
            sizes[run] += offsets[words[k] + 1] - offsets[words[k]]
    joined = np.empty(sizes.sum(), dtype=np.int32)
    count = 0
    for word in words:
        for k in range(offsets[word], offsets[word + 1]):
            joined[count] = ids[k]
            count += 1
    return joined, sizes
