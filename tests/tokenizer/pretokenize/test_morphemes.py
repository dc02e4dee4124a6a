"""Morpheme boundaries are on the surface, and contracted forms stay whole."""

import itertools
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tokenizer.pretokenize.morphemes import boundaries, piece_ends


@pytest.mark.parametrize(
    ("eojeol", "pieces"),
    [
        ("학교에서", ["학교", "에서"]),
        ("개발했습니다", ["개발", "했", "습니다"]),  # 하 and 었 share one syllable
        ("개발한", ["개발", "한"]),  # so do 하 and ㄴ
        ("API를", ["API", "를"]),
        ("😀사과를", ["😀", "사과", "를"]),  # offsets are characters, also beyond the BMP
        ("가", ["가"]),
    ],
)
def test_boundaries(eojeol: str, pieces: list[str]) -> None:
    (cuts,) = boundaries([eojeol])
    edges = [0, *cuts, len(eojeol)]
    assert [eojeol[a:b] for a, b in itertools.pairwise(edges)] == pieces


def test_piece_ends_count_bytes_and_texts() -> None:
    ends, per_text = piece_ends(["학교에서 a", "", "b"])
    assert ends.tolist() == [6, 12, 14, 15]
    assert per_text.tolist() == [3, 3, 4]


def test_long_eojeols_are_not_analysed() -> None:
    """Their analysis takes time that grows with the square of the length."""
    assert boundaries(["학교에서" * 50, "학교에서" * 51])[1] == ()
    ends, _ = piece_ends(["학교에서" * 10_000])
    assert ends.tolist() == [120_000]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_analyses_too() -> None:
    """Kiwi's threads exist in the parent only; a child that waited for them would never end."""
    code = (
        "import os, sys\n"
        "from tokenizer.pretokenize.morphemes import boundaries\n"
        "assert boundaries(['학교에서']) == [(2,)]\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    sys.exit(boundaries(['집에서', '학교에서']) != [(1,), (2,)])\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True, cwd=ROOT)
