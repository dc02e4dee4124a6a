"""The training text of each stage of the curriculum, as sequences of the ids learnt so far."""

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding import encoder
from tokenizer.native.compile import native
from tokenizer.training.collect import Collection
from tokenizer.training.counts import Counts
from tokenizer.training.merges import Sequences
from tokenizer.training.morpheme_cuts import morpheme_pieces, word_cuts
from tokenizer.training.sections import add_rows, with_rows
from tokenizer.training.spool import Spool
from tokenizer.training.word_parts import Parts, word_parts

KIWI_MIN_COUNT = 2
"""Rarer words are left out of the stage morphemes: half of the distinct words, 2% of the text."""


def stage_sequences(
    level: str,
    collection: Collection,
    weighted: Counts,
    weights: NDArray[np.int64],
    damping: float,
    tokens: list[bytes],
    merges: list[tuple[int, int]],
    spool: Spool,
) -> Sequences:
    """The training text of a stage, segmented by the merges so far; ``weighted`` are the words of ``collection`` with
    weighted counts, ``damping`` is that of the counts in the stage morphemes, ``spool`` makes the arrays that grow with
    the text. The stage superwords takes the runs out of the collection."""
    words, rows = collection.words, collection.word_sections
    if level == "morphemes":
        return _morpheme_sequences(word_parts(collection, weights, damping), collection.spread, tokens, merges)
    ids, offsets = encode_strings(weighted, tokens, merges)
    if level == "eojeols":
        return Sequences(ids, offsets, weighted.counts, words.counts, rows=rows)
    return _run_sequences(collection, ids, offsets, weights, spool)


def _morpheme_sequences(parts: Parts, spread: int, tokens: list[bytes], merges: list[tuple[int, int]]) -> Sequences:
    """The morphemes of the parts of words that occur often enough to be analysed."""
    counts = parts.strings.counts
    cuts = word_cuts(parts.strings, KIWI_MIN_COUNT, "Finding morphemes (Kiwi)")
    pieces, numbers, of_part = morpheme_pieces(parts.weighted, cuts, counts >= KIWI_MIN_COUNT)
    occurrences = np.zeros(len(pieces), dtype=np.int64)
    np.add.at(occurrences, numbers, counts[of_part])
    rows = with_rows(np.empty(0, dtype=np.int32), spread, len(pieces))
    add_rows(rows, spread, numbers, parts.rows, of_part)
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
    spool: Spool,
) -> Sequences:
    """The kept runs of each source as ids, and behind them, of each source, the words by themselves as often as they
    stand in no kept run. The collection has no runs any more then: this stage is the last."""
    lengths, run_counts, run_symbols = np.diff(offsets), [], 0
    alone: list[tuple[NDArray[np.int32], NDArray[np.int64]]] = []
    in_runs = np.zeros(len(collection.words), dtype=np.int64)
    for source in collection.sources:
        for runs in source.runs:
            _count_words(runs.words, in_runs)
        run_counts.append(sum(runs.sizes.size for runs in source.runs))
        found = in_runs[source.words]
        run_symbols += int(lengths[source.words] @ found)
        left = source.counts - collection.run_weight * found  # a sample of the runs may hold a word too often
        alone.append((source.words[left > 0], left[left > 0]))
        in_runs[source.words] = 0
    words, counts = (np.concatenate(part) for part in zip(*alone, strict=True))
    sizes = [*run_counts, *(found.size for found, _ in alone)]
    items, count = sum(sizes), sum(run_counts)
    sequences = Sequences(
        spool.empty(run_symbols + int(lengths[words].sum()), np.int32),
        spool.empty(items + 1, np.int64),
        spool.empty(items, np.int64),
        spool.empty(items, np.int64),
        spool.empty(count, np.int32),
        collection.word_sections[: in_runs.size * collection.spread].reshape(-1, collection.spread)[words].ravel(),
        np.cumsum(sizes, dtype=np.int64),
    )
    sequences.offsets[0] = at = 0
    for source, weight in zip(collection.sources, weights.tolist(), strict=True):
        while source.runs:
            runs = source.runs.pop()
            end = at + runs.sizes.size
            _join_words(runs.words, runs.sizes, ids, offsets, sequences.ids, sequences.offsets[at : end + 1])
            sequences.weights[at:end] = weight * collection.run_weight
            sequences.sections[at:end] = runs.sections
            at = end
    _join_words(words, np.ones(words.size, np.int32), ids, offsets, sequences.ids, sequences.offsets[at:])
    sequences.weights[at:] = counts * np.repeat(weights, sizes[len(weights) :])
    assert sequences.occurrences is not None
    sequences.occurrences[:at] = collection.run_weight
    sequences.occurrences[at:] = counts
    return sequences


@native
def _count_words(words: NDArray[np.int32], counts: NDArray[np.int64]) -> None:
    for word in words:
        counts[word] += 1


@native
def _join_words(
    words: NDArray[np.int32],
    sizes: NDArray[np.int32],
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    joined: NDArray[np.int32],
    joined_offsets: NDArray[np.int64],
) -> None:
    """Write the ids of the words of each run to ``joined`` from ``joined_offsets[0]`` on, and the items at which runs
    end to ``joined_offsets``."""
    count = joined_offsets[0]
    at = np.int64(0)
    for run in range(sizes.size):
        for _ in range(sizes[run]):
            word = words[at]
            for k in range(offsets[word], offsets[word + 1]):
                joined[count] = ids[k]
                count += 1
            at += 1
        joined_offsets[run + 1] = count
