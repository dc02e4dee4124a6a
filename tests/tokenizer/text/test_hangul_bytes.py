"""Byte strings of which it is said that only texts with Hangul hold them are held by no other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokenizer.text.hangul_bytes import has_only_hangul
from tokenizer.text.unicode import has_hangul


def answer(first: bytes, second: bytes = b"") -> bool:
    data = np.frombuffer(second + b"?" + first, dtype=np.uint8)  # not side by side
    return bool(has_only_hangul(data, len(second) + 1, 0, (len(first), len(second))))


def test_parts_of_one_character() -> None:
    """Against the definition, with the surrogates that UTF-8 leaves out counted as characters that are not Hangul."""
    codes = range(0x80, 0x30000)
    shown: dict[bytes, bool] = {}
    for code in codes:
        raw = chr(code).encode("utf-8", errors="surrogatepass")
        for size in range(1, len(raw) + 1):
            part = raw[:size]
            shown[part] = shown.get(part, True) and has_hangul(chr(code))
    interesting = [part for part in shown if len(part) < 3 or part[0] in (0xE1, 0xE3, 0xEA, 0xED)]
    for part in interesting:
        assert answer(part) == shown[part], part


@given(st.text(max_size=12), st.integers(0), st.integers(0), st.integers(0))
def test_what_stands_in_a_text_without_hangul(text: str, start: int, middle: int, end: int) -> None:
    raw = text.encode("utf-8", errors="ignore")
    start, middle, end = sorted(number % (len(raw) + 1) for number in (start, middle, end))
    if not has_hangul(raw.decode()):
        assert not answer(raw[start:middle], raw[middle:end])


@given(st.text(max_size=3), st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), st.text(max_size=3))
def test_whole_syllables_show(before: str, syllable: str, behind: str) -> None:
    raw = (before + syllable + behind).encode("utf-8", errors="ignore")
    assert answer(raw)
    for cut in range(len(raw) + 1):
        assert answer(raw[:cut], raw[cut:])


def test_continuation_bytes_show_nothing() -> None:
    assert not answer("가".encode()[1:], b"a")
    assert not answer(b"")
