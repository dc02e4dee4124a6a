"""The rules of a clean vocabulary, checked for the pair that is about to be merged."""

from typing import NamedTuple

import numpy as np

from tokenizer.native.compile import native
from tokenizer.training.counts import StringTable
from tokenizer.training.merge_arrays import Pairs, Words, ids_of, span


class Rules(NamedTuple):
    """Conditions on a pair that is to become a token."""

    min_count: int = 2
    """Pairs that count less are not merged."""
    max_eojeols: int = 0
    """Above 0, a token is whole characters or part of a single one, ends in no space behind a word, and spans at most
    so many words. 0 lets any pair merge, as other trainers do."""
    min_sections: int = 1
    """A token of several words must occur in so many sections of the corpus, where the words say theirs."""


PLAIN_RULES = Rules()
"""Those of other trainers, with their usual minimum count."""


@native
def allowed(words: Words, pairs: Pairs, tokens: StringTable, entry: int, rules: Rules) -> bool:
    """Whether the pair of an entry may become a token."""
    a, b = ids_of(pairs, entry)
    if rules.max_eojeols > 0 and not _clean(tokens, a, b, rules.max_eojeols):
        return False
    if words.sections.size == 0 or not _joins_words(tokens, a, b):
        return True
    return _widespread(words, pairs, entry, rules.min_sections)


@native
def _clean(tokens: StringTable, a: int, b: int, max_eojeols: int) -> bool:
    """Whether tokens ``a`` and ``b`` may become one: whole characters or a part of a single one, no space at
    the end of a word, at most ``max_eojeols`` words."""
    missing = 0  # continuation bytes that the last character still wants
    characters = 0
    parts = False
    eojeols = 0
    last = np.uint8(0x20)
    size = 0
    for token in (a, b):
        for k in range(tokens.offsets[token], tokens.offsets[token + 1]):
            c = tokens.arena[k]
            if c & 0xC0 == 0x80:
                if missing > 0:
                    missing -= 1
                else:
                    parts = True
            else:
                if missing > 0:
                    return False
                characters += 1
                missing = 0 if c < 0x80 else 1 if c < 0xE0 else 2 if c < 0xF0 else 3
            if c != 0x20 and last == 0x20:
                eojeols += 1
            last = c
            size += 1
    if eojeols > max_eojeols or (last == 0x20 and eojeols > 0):
        return False
    return not (parts and characters > 0) and not (missing > 0 and characters > 1)


@native
def _widespread(words: Words, pairs: Pairs, entry: int, least: int) -> bool:
    """Whether a pair occurs in ``least`` sections of the corpus."""
    a, b = ids_of(pairs, entry)
    seen = np.empty(least, dtype=np.int32)
    count = 0
    segment = pairs.heads[entry]
    while segment >= 0:
        start = pairs.segment_starts[segment]
        for at in range(start, start + pairs.segment_sizes[segment]):
            p = np.int64(pairs.positions[at])
            if words.cells[p] != a or words.cells[p + span(words.cells, p)] != b:
                continue
            section = words.sections[words.word_of[p]]
            new = True
            for k in range(count):
                if seen[k] == section:
                    new = False
                    break
            if new:
                seen[count] = section
                count += 1
                if count == least:
                    return True
        segment = pairs.segment_nexts[segment]
    return False


@native
def _joins_words(tokens: StringTable, a: int, b: int) -> bool:
    """Whether the bytes of two tokens have a space behind anything but a space, and so span two words."""
    last = np.uint8(0x20)
    for token in (a, b):
        for k in range(tokens.offsets[token], tokens.offsets[token + 1]):
            c = tokens.arena[k]
            if c == 0x20 and last != 0x20:
                return True
            last = c
    return False
