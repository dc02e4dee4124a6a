"""The scanner cuts as the grammar's regular expression does, in three engines."""

import sys
import unicodedata
from itertools import pairwise

import numpy as np
import pytest
import regex
import tiktoken
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from tokenizer.errors import InputError
from tokenizer.pretokenize.grammars import PATTERNS, pattern, pretoken_ends, pretokens
from tokenizer.text.unicode import (
    HANGUL,
    LETTER,
    LOWER,
    MARK,
    NEWLINE,
    NUMBER,
    OTHER,
    SPACE,
    UPPER,
    class_table,
    is_white_space,
)
from tokenizer.text.utf8 import as_bytes

ENGINES = {name: pre_tokenizers.Split(Regex(pattern), "isolated") for name, pattern in PATTERNS.items()}
GRAMMARS = pytest.mark.parametrize("grammar", sorted(PATTERNS))
PARTS = [
    *"가나힣ㅋㅠ가값 \t\n\r\u3000\u00a0aBzſʰ'SsTt/.,!?-_1２½٣漢日あ한ÀéǅΣß",
    "\u0301",
    "\u200d",
    "👩‍👩‍👧",
    "'ll",
    "'RE",
    "'ſ",
    "\r\n",
    "\u0085",
    "\U000e0100",
    "\ue000",
    "  ",
    "345",
    "6789",
]
MIXED = st.lists(st.sampled_from(PARTS), max_size=40).map("".join) | st.text("0123456789½٣ a,", max_size=40)


def reference(text: str, grammar: str) -> list[str]:
    return [piece for piece, _ in ENGINES[grammar].pre_tokenize_str(text)]


@pytest.mark.slow
@GRAMMARS
@settings(max_examples=1500, deadline=None)
@given(MIXED)
@example("Aʰ B한C'sD \u0301a\u0301B")
@example("  \u0301\u0301 A\u0301")
@example(" \u0301 a.\u0301 b, c1년 23%4 567")
def test_scanner_equals_oniguruma_on_mixed_text(grammar: str, text: str) -> None:
    assert pretokens(text, grammar) == reference(text, grammar)


@GRAMMARS
@settings(max_examples=500, deadline=None)
@given(MIXED)
def test_scanner_equals_the_regex_package(grammar: str, text: str) -> None:
    assert pretokens(text, grammar) == regex.findall(PATTERNS[grammar], text, flags=regex.V0)


@GRAMMARS
def test_scanner_equals_tiktoken_on_mixed_text(grammar: str) -> None:
    """A tiktoken encoding whose only tokens are bytes shows cuts only through a merge that spans them, so
    give it one merge for each pair of adjacent pieces and look for none of them."""
    rng = np.random.default_rng(0)
    ranks = {bytes([b]): b for b in range(256)}
    for left in PARTS:
        for right in PARTS:
            pair = (left + right).encode()
            for size in range(2, len(pair) + 1):
                ranks.setdefault(pair[:size], len(ranks))
    encoding = tiktoken.Encoding("cuts", pat_str=PATTERNS[grammar], mergeable_ranks=ranks, special_tokens={})
    for _ in range(2000):
        text = "".join(rng.choice(np.array(PARTS, dtype=object), size=rng.integers(1, 25)))
        expected = encoding.encode_ordinary(text)
        ours = [i for piece in pretokens(text, grammar) for i in encoding._encode_single_piece(piece)]
        assert ours == expected, text


def superbpe(text: str) -> list[str]:
    r"""As llama.cpp's pre-tokenizer of this name: every run of ``\p{N}+`` is cut out, then cut at every place where
    ``(?=(\d{3})+(?!\d))`` fits in it, with digits of ASCII alone."""
    pieces = []
    for piece in regex.findall(r"\p{N}+|\P{N}+", text):
        places = [place.start() for place in regex.finditer(r"(?=([0-9]{3})+(?![0-9]))", piece)]
        pieces += [piece[a:b] for a, b in pairwise([0, *(place for place in places if place), len(piece)])]
    return pieces


@settings(max_examples=500, deadline=None)
@given(MIXED)
@example("1234567 ½1234½123½12½")
def test_right3_cuts_as_two_expressions_of_llama_cpp_do(text: str) -> None:
    assert pretokens(text, "right3") == superbpe(text)


def test_long_numbers_are_cut_from_the_right() -> None:
    for size in (999_999, 1_000_000, 1_000_001):
        sizes = np.diff(pretoken_ends("7" * size, "right3"), prepend=0)
        assert (sizes[0], set(sizes[1:].tolist())) == (size % 3 or 3, {3})


@pytest.mark.slow
@GRAMMARS
def test_every_scalar_between_letters_spaces_and_digits(grammar: str) -> None:
    """One long text per frame holds every Unicode scalar value, so that each meets each kind of neighbour."""
    scalars = [*map(chr, range(0xD800)), *map(chr, range(0xE000, 0x110000))]
    for before, after in [("a ", "b"), (" ", "가"), ("1", ", A"), (".", "\n")]:
        for start in range(0, len(scalars), 100_000):
            text = "".join(f"{before}{char}{after}" for char in scalars[start : start + 100_000])
            assert pretokens(text, grammar) == reference(text, grammar)


def test_classes_agree_with_this_python() -> None:
    """Where Python's Unicode knows a character, the pinned table puts it in the same class (0x295 moved
    from lower case to other letters after Unicode 16)."""
    kinds = {"Lu": {UPPER}, "Lt": {UPPER}, "Ll": {LOWER}, "Lm": {LETTER}, "Lo": {LETTER, HANGUL}}
    table = class_table()
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(chr(code))
        if category in ("Cn", "Cs") or code == 0x295:
            continue
        expected = kinds.get(category, {"M": {MARK}, "N": {NUMBER}}.get(category[0], {OTHER, SPACE, NEWLINE}))
        assert table[code] in expected, hex(code)
    white = [code for code in range(sys.maxunicode + 1) if is_white_space(code)]
    assert white == np.flatnonzero((table == SPACE) | (table == NEWLINE)).tolist()


@GRAMMARS
@settings(deadline=None)
@given(text=st.text())
def test_pieces_join_to_the_text(grammar: str, text: str) -> None:
    assert "".join(pretokens(text, grammar)) == text
    ends = pretoken_ends(text, grammar)
    assert (np.diff(ends) > 0).all()


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match=r"U\+D800 at character 1"):
        as_bytes("a\ud800")
    with pytest.raises(TypeError, match="bytes"):
        as_bytes(b"a")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"unknown grammar 'x'.*o200k"):
        pattern("x")
