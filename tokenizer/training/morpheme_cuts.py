"""Counted words cut where morphemes meet: the text of the recipe strict and of the curriculum's first stage."""

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.byte_words import padded
from tokenizer.native.compile import native
from tokenizer.pretokenize.morphemes import BATCH, cuts_of
from tokenizer.pretokenize.o200k import next_pretoken
from tokenizer.pretokenize.scanning import char_at
from tokenizer.progress import progress_bar
from tokenizer.text.unicode import class_table, is_hangul
from tokenizer.training.counts import Counts, CountTable


def word_cuts(words: Counts, min_count: int, title: str) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Cuts of the words with Hangul that occur ``min_count`` times: for each word the item at which its cuts
    start, and behind the last its end, and the cuts as bytes from the word's start. Rarer words have none.

    ``title`` names the bar that shows the progress.
    """
    sizes = np.zeros(len(words), dtype=np.int64)
    cuts: list[int] = []
    chosen = np.flatnonzero(hold_hangul(words.data, words.offsets) & (words.counts >= min_count)).tolist()
    with progress_bar(title, total=len(chosen)) as progress:
        for start in range(0, len(chosen), BATCH):
            part = chosen[start : start + BATCH]
            texts = [words.string(i).decode("utf-8") for i in part]
            for i, text, points in zip(part, texts, cuts_of(texts), strict=True):
                sizes[i] = len(points)
                cuts += [len(text[:point].encode("utf-8")) for point in points]
            progress.advance(len(part))
    return np.concatenate([[0], np.cumsum(sizes)]), np.array(cuts, dtype=np.int32)


def morpheme_pieces(
    words: Counts, cuts: tuple[NDArray[np.int64], NDArray[np.int32]], kept: NDArray[np.bool_]
) -> tuple[Counts, NDArray[np.int32], NDArray[np.int32]]:
    """The words with Hangul cut as by `word_cuts`, if they are ``kept``, and all others as by the grammar o200k (so
    before capitals): the distinct pieces with their counts, and of each piece of a word the number among them and the
    word."""
    data = padded(words.data)
    starts, ends, of_word = _piece_bounds(data, words.offsets, kept, *cuts, class_table())
    table = CountTable()
    numbers = table.add(data, starts, ends, words.counts[of_word])
    return table.result(), numbers, of_word


@native
def _piece_bounds(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    kept: NDArray[np.bool_],
    cut_offsets: NDArray[np.int64],
    cuts: NDArray[np.int32],
    classes: NDArray[np.uint8],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Start and end of every piece in bytes of ``data``, and the word it is of."""
    starts = np.empty(data.size, dtype=np.int64)
    ends = np.empty(data.size, dtype=np.int64)
    of_word = np.empty(data.size, dtype=np.int32)
    count = np.int64(0)
    for word in range(offsets.size - 1):
        position, end = offsets[word], offsets[word + 1]
        hangul = _has_hangul(data, position, end)
        if hangul and not kept[word]:
            continue
        cut = cut_offsets[word]
        while position < end:
            starts[count] = position
            if not hangul:
                position = next_pretoken(data, position, end, classes)
            else:
                position = offsets[word] + cuts[cut] if cut < cut_offsets[word + 1] else end
                cut += 1
            ends[count] = position
            of_word[count] = word
            count += 1
    return starts[:count].copy(), ends[:count].copy(), of_word[:count].copy()


@native
def _has_hangul(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """As `tokenizer.text.unicode.has_hangul`, for UTF-8."""
    for i in range(start, end - 2):
        if 0xE1 <= data[i] <= 0xED and is_hangul(char_at(data, i)[0]):
            return True
    return False


@native
def hold_hangul(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each word whether it holds Hangul."""
    found = np.empty(offsets.size - 1, dtype=np.bool_)
    for word in range(found.size):
        found[word] = _has_hangul(data, offsets[word], offsets[word + 1])
    return found
