"""Boundary precision and recall, worked out by hand on a gold standard made by hand."""

from collections.abc import Sequence

import pytest

from benchmarks.fertility.alignment import align
from benchmarks.fertility.boundaries import Boundaries
from benchmarks.fertility.measured_text import MeasuredText
from benchmarks.fertility.results import Alignment
from benchmarks.peers.adapters import Ids, Peer
from benchmarks.peers.load import load_peer
from tests.support.peers import CutAt

GOLD = {"학교에서는": (2, 4), "집에": (1,), "갔다.": (2,), "했다": (), "나는": (1,)}


def aligned(peer: Peer, *texts: str, known: dict[str, tuple[int, ...]] = GOLD) -> Alignment:
    """The alignment with the boundaries that are ``known``."""
    boundaries = Boundaries(lambda words: [known[word] for word in words])
    return align(peer, [MeasuredText(text) for text in texts], boundaries)


def test_boundaries_by_hand() -> None:
    # 학교|에서는 _집에 _갔|다.  : one right of two in 학교에서는, none in 집에, 갔다. cut in a wrong place
    text = "학교에서는 집에 갔다."
    result = aligned(CutAt({text: [6, 15, 22, 26]}), text)
    assert result.boundaries_gold == 4
    assert result.boundaries_predicted == 2
    assert result.boundaries_hit == 1
    assert result.precision == pytest.approx(1 / 2)
    assert result.recall == pytest.approx(1 / 4)
    assert result.f1 == pytest.approx(1 / 3)
    assert (result.eojeols, result.eojeols_unaligned) == (3, 0)
    assert result.kept_whole == pytest.approx(1 / 3)


def test_a_cut_inside_a_character_is_wrong() -> None:
    # 나|는 is right; the cut after the first byte of 는 is not, nor is the one inside 나
    result = aligned(CutAt({"나는": [1, 3, 4]}), "나는")
    assert (result.boundaries_predicted, result.boundaries_hit) == (3, 1)
    assert result.kept_whole == 0


def test_a_superword_keeps_eojeols_whole_and_text_without_hangul_is_left_out() -> None:
    text = "나는 abc집 xyz 했다"
    result = aligned(CutAt({text: [8, 16]}), text, known=GOLD | {"abc집": (3,)})
    assert result.eojeols == 3  # xyz has no Hangul; its inner cut does not count
    assert (result.boundaries_gold, result.boundaries_predicted) == (2, 1)
    assert result.kept_whole == pytest.approx(2 / 3)
    assert result.precision == 0


def test_sums_run_over_all_texts() -> None:
    texts = ["나는 집에", "나는"] * 3
    result = aligned(CutAt({"나는 집에": [3, 6], "나는": []}), *texts)
    assert result.eojeols == 9
    assert (result.boundaries_gold, result.boundaries_predicted, result.boundaries_hit) == (9, 3, 3)


def test_text_that_the_tokenizer_changes_is_left_out_and_counted() -> None:
    class Changing(CutAt):
        def token_bytes(self, token: int) -> bytes:
            return super().token_bytes(token).replace("했".encode(), "핬".encode())

    result = aligned(Changing({"나는 했다": [3], "집에": [3]}), "나는 했다", "집에")
    assert (result.eojeols, result.eojeols_unaligned) == (1, 2)
    assert result.precision == result.recall == 1


def test_a_space_put_before_the_text_is_allowed_for() -> None:
    result = aligned(load_peer("llama2"), "나는 집에")
    assert (result.eojeols, result.eojeols_unaligned, result.recall) == (2, 0, 1)


def test_nothing_to_measure() -> None:
    result = aligned(load_peer("o200k_base"), "", "plain text")
    assert result.eojeols == result.boundaries_gold == result.boundaries_predicted == 0
    assert result.precision is result.recall is result.f1 is result.kept_whole is None


@pytest.mark.slow
def test_single_characters_find_every_boundary_of_kiwi() -> None:
    class Characters(CutAt):
        def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
            return [self._encode(t.encode(), [len(t[:i].encode()) for i in range(1, len(t))]) for t in texts]

    result = align(Characters({}), [MeasuredText("나는 학교에서 친구를 만났다.")], Boundaries.from_kiwi())
    assert result.recall == 1
    assert result.precision
    assert 0 < result.precision < 1
    assert result.kept_whole == 0


def test_morphscore_leaves_out_words_of_one_token_or_several_boundaries() -> None:
    text = "학교에 집에서는 나는"
    cuts = [len(part.encode()) for part in ("학교", "학교에", "학교에 집", "학교에 집에서는")]
    known = {"학교에": (2,), "집에서는": (1, 3), "나는": (1,)}
    found = aligned(CutAt({text: cuts}), text, known=known)
    assert found.morphscore == 1  # 학교|에 alone counts: 집|에서는 has two boundaries, 나는 is one token
    assert found.morphscore_left_out == pytest.approx(2 / 3)
