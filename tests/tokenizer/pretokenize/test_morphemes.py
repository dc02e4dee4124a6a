"""Morpheme boundaries are on the surface, and contracted forms stay whole."""

import itertools

import pytest

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
