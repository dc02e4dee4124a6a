"""The rules of a clean vocabulary, checked for the pair that is about to be merged."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import native
from tokenizer.pretokenize.scanning import char_at
from tokenizer.text.hangul_bytes import has_only_hangul
from tokenizer.text.unicode import is_white_space
from tokenizer.training.counts import StringTable
from tokenizer.training.merge_arrays import Pairs, Words, ids_of, span
from tokenizer.training.sections import NONE
from tokenizer.vocabulary.token_bytes import TokenBytes, token_bytes


class Rules(NamedTuple):
    """Conditions on a pair that is to become a token."""

    min_count: int = 2
    """Pairs that occur less often are not merged, whatever their weight."""
    max_eojeols: int = 0
    """Above 0, a token is whole characters or part of a single one, ends in no space behind a word but at a line end,
    has only white space behind a line end, and spans at most so many words. 0 lets any pair merge, as other trainers
    do."""
    min_documents: int = 1
    """A token with a letter must occur in so many sections of the corpus, where the words say theirs."""
    min_sections: int = 1
    """A token of several words must occur in so many."""
    spread: int = 1
    """Places in a row of `Words.rows`; no fewer than the larger of both."""
    refused: TokenBytes = token_bytes([])
    """Texts that are special tokens, and so no ordinary ones."""
    hangul_only: bool = False
    """Whether every text that holds the token must hold Hangul, so that others keep their ids. As the tokens to start
    from may be cut inside characters, any two that meet inside one may then merge, whatever ``max_eojeols`` says."""


PLAIN_RULES = Rules()
"""Those of other trainers, with their usual minimum count."""


@native
def allowed(words: Words, pairs: Pairs, tokens: StringTable, entry: int, rules: Rules) -> bool:
    """Whether the pair of an entry may become a token."""
    a, b = ids_of(pairs, entry)
    if _is_refused(tokens, a, b, rules.refused):
        return False
    if rules.hangul_only and not _shows_hangul(tokens, a, b):
        return False
    heals = rules.hangul_only and tokens.arena[tokens.offsets[b]] & 0xC0 == 0x80
    if rules.max_eojeols > 0 and not heals and not _clean(tokens, a, b, rules.max_eojeols):
        return False
    if words.sections.size + words.rows.size == 0:
        return True  # counts are occurrences, and high enough
    least = rules.min_documents if _has_letter(tokens, a, b) else 1
    if _joins_words(tokens, a, b):
        least = max(least, rules.min_sections)
    return _widespread(words, pairs, entry, rules, least)


@native
def _is_refused(tokens: StringTable, a: int, b: int, refused: TokenBytes) -> bool:
    """Whether the bytes of two tokens are together one of ``refused``."""
    first = tokens.offsets[a + 1] - tokens.offsets[a]
    size = first + tokens.offsets[b + 1] - tokens.offsets[b]
    for i in range(refused.offsets.size - 1):
        start = refused.offsets[i]
        same = refused.offsets[i + 1] - start == size
        k = np.int64(0)
        while same and k < size:
            at = tokens.offsets[a] + k if k < first else tokens.offsets[b] + k - first
            same = tokens.arena[at] == refused.data[start + k]
            k += 1
        if same:
            return True
    return False


@native
def _shows_hangul(tokens: StringTable, a: int, b: int) -> bool:
    """Whether only texts with Hangul hold the bytes of two tokens side by side."""
    first, second = tokens.offsets[a], tokens.offsets[b]
    return has_only_hangul(tokens.arena, first, second, (tokens.offsets[a + 1] - first, tokens.offsets[b + 1] - second))


@native
def _clean(tokens: StringTable, a: int, b: int, max_eojeols: int) -> bool:
    """Whether tokens ``a`` and ``b`` may become one: whole characters or a part of a single one, no space behind a word
    but at a line end, only white space behind a line end, at most ``max_eojeols`` words."""
    missing = 0  # continuation bytes that the last character still wants
    characters = 0
    parts = False
    eojeols = 0
    white = True
    line_end = False  # whether the white space before holds one
    next_line = False  # whether a line end is anywhere before
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
                if next_line and not _is_white(tokens, token, k):
                    return False
                next_line |= c == 0x0A or c == 0x0D
            was_white, white = white, c == 0x20 or 0x09 <= c <= 0x0D
            line_end = white and ((was_white and line_end) or c == 0x0A or c == 0x0D)
            eojeols += was_white and not white
    if eojeols > max_eojeols or (white and eojeols > 0 and not line_end):
        return False
    return not (parts and characters > 0) and not (missing > 0 and characters > 1)


@native
def _is_white(tokens: StringTable, token: int, k: int) -> bool:
    """Whether white space is at byte ``k`` of the arena, in a token that begins with a whole character."""
    c = tokens.arena[k]
    if c < 0x80:
        return c == 0x20 or 0x09 <= c <= 0x0D
    size = 2 if c < 0xE0 else 3
    return c < 0xF0 and k + size <= tokens.offsets[token + 1] and is_white_space(char_at(tokens.arena, k)[0])


@native
def _widespread(words: Words, pairs: Pairs, entry: int, rules: Rules, least: int) -> bool:
    """Whether a pair occurs often enough, and in ``least`` sections of the corpus."""
    a, b = ids_of(pairs, entry)
    seen = np.empty(least, dtype=np.int32)
    count = occurrences = np.int64(0)
    segment = pairs.heads[entry]
    while segment >= 0:
        start = pairs.segment_starts[segment]
        for at in range(start, start + pairs.segment_sizes[segment]):
            p = np.int64(pairs.positions[at])
            if words.cells[p] != a or words.cells[p + span(words.cells, p)] != b:
                continue
            word = np.int64(words.word_of[p])
            occurrences += words.occurrences[word]
            count = _see(words, word, rules.spread, seen, count)
            if count == least and occurrences >= rules.min_count:
                return True
        segment = pairs.segment_nexts[segment]
    return False


@native
def _see(words: Words, word: int, spread: int, seen: NDArray[np.int32], count: int) -> int:
    """Enter the sections of a word into ``seen``, which has ``count`` of them; their number then."""
    row = (word - words.sections.size) * spread
    for place in range(spread if row >= 0 else 1):
        section = words.rows[row + place] if row >= 0 else words.sections[word]
        if section == NONE or count == seen.size:
            break
        new = True
        for k in range(count):
            if seen[k] == section:
                new = False
                break
        if new:
            seen[count] = section
            count += 1
    return count


@native
def _has_letter(tokens: StringTable, a: int, b: int) -> bool:
    """Whether the bytes of two tokens hold an ASCII letter, or any part of a character beyond ASCII."""
    for token in (a, b):
        for k in range(tokens.offsets[token], tokens.offsets[token + 1]):
            c = tokens.arena[k]
            if c >= 0x80 or 0x61 <= c | 0x20 <= 0x7A:
                return True
    return False


@native
def _joins_words(tokens: StringTable, a: int, b: int) -> bool:
    """Whether the bytes of two tokens have a space behind anything but white space, and so span two words."""
    white = True
    for token in (a, b):
        for k in range(tokens.offsets[token], tokens.offsets[token + 1]):
            c = tokens.arena[k]
            if c == 0x20 and not white:
                return True
            white = c == 0x20 or 0x09 <= c <= 0x0D
    return False
