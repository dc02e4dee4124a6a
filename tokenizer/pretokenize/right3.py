r"""The grammar ``right3``: numbers by themselves, digits in threes from the right, and everything else in one run.

It is what the pre-tokenizer ``superbpe`` of llama.cpp does (``LLAMA_VOCAB_PRE_TYPE_SUPERBPE`` in llama-vocab.cpp), so
that a vocabulary of this grammar has the same ids there. llama.cpp first cuts out the runs of ``\p{N}+``, and then cuts
these wherever ``(?=(\d{3})+(?!\d))`` fits, a ``std::wregex`` whose ``\d`` is ASCII only. Other numbers (½, Arabic or
fullwidth digits) stay with what is before them in the run:

    나는 |12|345|원을 냈다.\n그래서 |1|234½|

llama.cpp's table of numbers is that of Unicode 15; 80 digits that Unicode 16 added, of scripts such as Garay (U+10D40
to U+10D49), are numbers here and none there.

**Words**, which the encoder caches, end as those of the grammar ``gyeol``, and behind a line end unless more white
space follows. **Runs for training** are parts of pre-tokens that end behind lines and sentences. That changes no count
of a token that may be learnt: as none is learnt across these places, no merge in a longer text reaches across them.
"""

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.compile import inlined, native
from tokenizer.native.vectors import plain_letters
from tokenizer.pretokenize.gyeol import kind_of, word_ends_between
from tokenizer.pretokenize.scanning import char_at, leads, plain_end
from tokenizer.text.unicode import NUMBER

PATTERN = (
    r"[^\p{N}]++"
    r"|(?<=\p{N})[0-9]{3}(?=[0-9])"
    r"|\p{N}(?:(?!(?:[0-9]{3})++(?![0-9]))\p{N})*+"
)
"""The grammar as a regular expression. The possessive repeats and the second alternative change nothing in what fits;
without the latter engines would count the digits of a long number anew for every three of them."""


@inlined
def _is_digit(data: NDArray[np.uint8], i: int) -> bool:
    return 0x30 <= data[i] <= 0x39


@inlined
def _continues_number(data: NDArray[np.uint8], start: int, i: int, table: NDArray[np.uint8]) -> bool:
    """Whether a number stands right before byte ``i`` of a text that starts at ``start``."""
    k = i - 1
    while k > start and data[k] & 0xC0 == 0x80:
        k -= 1
    return i > start and table[char_at(data, k)[0]] == NUMBER


@native
def _number(data: NDArray[np.uint8], start: int, i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of the pre-token of numbers at ``i``, in time linear in all digits: digits right behind a number were
    counted there, and are three, six ..."""
    k = i
    if _is_digit(data, i) and _continues_number(data, start, i, table):
        k = i + 3
        if k < end and _is_digit(data, k):
            return k
    while k < end:
        stop = k
        while stop < end and _is_digit(data, stop):
            stop += 1
        count = stop - k
        if count == 0:
            code, count = char_at(data, k)
            if table[code] != NUMBER:
                break
        elif count % 3 == 0 and k > i:
            return k
        elif count > 3:
            return k + (count % 3 or 3)
        k += count
    return k


@inlined
def next_word(
    data: NDArray[np.uint8], start: int, i: int, end: int, table: NDArray[np.uint8]
) -> tuple[int, bool, bool]:
    """The end of the word at byte ``i`` of the text ``data[start:end]`` (valid UTF-8), whether the pre-token goes on
    behind it unless a number follows, and whether the word is a number, a pre-token of its own."""
    first = i + leads(data, i, table)
    k = plain_end(data, first, plain_letters(data, first), end, table)
    if k > first:  # nearly every word
        return k, True, False
    return _mixed_word(data, start, i, end, table)


@native
def _mixed_word(
    data: NDArray[np.uint8], start: int, i: int, end: int, table: NDArray[np.uint8]
) -> tuple[int, bool, bool]:
    """As `next_word`, a character after another."""
    code, k = char_at(data, i)
    kind = kind_of(code, table)
    if kind == NUMBER:
        return _number(data, start, i, end, table), False, True
    k += i
    while k < end:
        code, size = char_at(data, k)
        following = kind_of(code, table)
        if following == NUMBER or word_ends_between(kind, following):
            break
        kind = following
        k += size
    return k, True, False


@native
def next_pretoken(data: NDArray[np.uint8], start: int, i: int, end: int, table: NDArray[np.uint8]) -> int:
    """The end of the pre-token at byte ``i`` of the text ``data[start:end]`` (valid UTF-8)."""
    k, more, _ = next_word(data, start, i, end, table)
    while more and k < end:
        following, _, number = next_word(data, start, k, end, table)
        if number:
            break
        k = following
    return k


@native
def next_run(data: NDArray[np.uint8], start: int, i: int, end: int, table: NDArray[np.uint8]) -> int:
    """As `next_pretoken`, for training: the end of a run, which also ends behind a line end or a sentence mark. These
    stand at the end of a word only before another line and before a space."""
    k, more, _ = next_word(data, start, i, end, table)
    while more and k < end and not _ends_line_or_sentence(data[k - 1]):
        following, _, number = next_word(data, start, k, end, table)
        if number:
            break
        k = following
    return k


@inlined
def _ends_line_or_sentence(last: int) -> bool:
    return last == 0x0A or last == 0x0D or last == 0x2E or last == 0x21 or last == 0x3F
