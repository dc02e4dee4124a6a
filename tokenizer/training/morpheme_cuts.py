"""Counted words cut where morphemes meet: the text of the recipe strict and of the curriculum's first stage."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tokenizer.pretokenize.morphemes import BATCH, cuts_of
from tokenizer.text.unicode import has_hangul
from tokenizer.training.counts import Counts, CountTable


def split_counts(counts: Counts, *, on_progress: Callable[[int], None] | None = None) -> Counts:
    """Counted pre-tokens, those with Hangul split at morpheme boundaries; pieces are counted together."""
    table = CountTable()
    plain: list[tuple[bytes, int]] = []
    korean: list[tuple[str, int]] = []
    for string, count in counts.items():
        text = string.decode("utf-8")
        if has_hangul(text):
            korean.append((text, count))
        else:
            plain.append((string, count))
    table.add([string for string, _ in plain], [count for _, count in plain])
    for start in range(0, len(korean), BATCH):
        part = korean[start : start + BATCH]
        strings, amounts = [], []
        for (text, count), cuts in zip(part, cuts_of([text for text, _ in part]), strict=True):
            edges = [0, *cuts, len(text)]
            strings += [text[a:b].encode("utf-8") for a, b in pairwise(edges)]
            amounts += [count] * (len(edges) - 1)
        table.add(strings, amounts)
        if on_progress:
            on_progress(len(part))
    return table.result()


def word_cuts(
    words: Counts, *, min_count: int, on_progress: Callable[[int], None] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Where the words with Hangul that occur ``min_count`` times are cut: offsets into the cuts by word, and the
    cuts, as bytes from the word's start. Rarer words have none and are left to other stages."""
    sizes = np.zeros(len(words), dtype=np.int64)
    cuts: list[int] = []
    chosen = [i for i in np.flatnonzero(words.counts >= min_count).tolist() if has_hangul(words.string(i).decode())]
    for start in range(0, len(chosen), BATCH):
        part = chosen[start : start + BATCH]
        texts = [words.string(i).decode("utf-8") for i in part]
        for i, text, points in zip(part, texts, cuts_of(texts), strict=True):
            sizes[i] = len(points)
            cuts += [len(text[:point].encode("utf-8")) for point in points]
        if on_progress:
            on_progress(len(part))
    return np.concatenate([[0], np.cumsum(sizes)]), np.array(cuts, dtype=np.int32)


def korean_count(counts: Counts, min_count: int = 1) -> int:
    """How many of the distinct pre-tokens hold Hangul and occur ``min_count`` times, and so are work for Kiwi."""
    return sum(1 for string, n in counts.items() if n >= min_count and has_hangul(string.decode("utf-8")))
