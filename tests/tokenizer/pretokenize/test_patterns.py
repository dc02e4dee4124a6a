"""Patterns of other tokenizers cut as the package tokenizers cuts by them."""

from itertools import pairwise

import pytest
from hypothesis import given
from tokenizers import Regex, pre_tokenizers

from tests.support.foreign import DEEPSEEK, QWEN, TEXTS
from tokenizer import InputError
from tokenizer.pretokenize.patterns import CL100K, GPT2, check_pattern, cut, piece_ends

SEQUENCES = [
    (GPT2,),
    (CL100K,),
    (QWEN,),
    DEEPSEEK,
    (r"\p{N}", GPT2),
    (r"\p{N}+", r"(?=(\d{3})+(?!\d))"),
    (r"(?=[A-Z])",),
    (r" ?[^(\s|[.,!?…。，、।۔،])]+",),
    (r"\p{L}+|\h+|$",),
    (r"^.",),
    (r"[^\H]", r"(?i)'LL\z"),
]


@pytest.mark.parametrize("patterns", SEQUENCES)
@given(text=TEXTS)
def test_pieces_are_those_of_tokenizers(patterns: tuple[str, ...], text: str) -> None:
    theirs = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(each), "isolated") for each in patterns])
    pieces = cut(text, patterns)
    assert pieces == [piece for piece, _ in theirs.pre_tokenize_str(text)]
    ends, counts = piece_ends([text, "", text], patterns)
    raw = (text + text).encode()
    assert [raw[a:b].decode() for a, b in pairwise([0, *ends.tolist()])] == pieces + pieces
    assert counts.tolist() == [len(pieces), len(pieces), 2 * len(pieces)]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bfoo",
        r"\w+",
        "(?m)a",
        "(?x: a)",
        "[[:alpha:]]",
        "[^[:space:]]",
        r"\p{N}{1,3}+",
        "(?P<x>a)",
        "[a]b[+--]",
        r"\[[^\]||]",
    ],
)
def test_what_engines_read_differently_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match="which engines read differently"):
        check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", [r"(?<=a)b", "(?<name>a)", r"[\[:]", "[:;]", "--a||b", r"[-\-]--", "(?i:'s)", r"\p{L}++", "(?>a)"]
)
def test_other_constructs_are_taken(pattern: str) -> None:
    check_pattern(pattern)
