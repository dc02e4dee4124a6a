"""Boundary precision and recall, worked out by hand on a gold standard made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.fertility.alignment import Gold, alignment
from benchmarks.peers.adapters import Ids, Peer
from benchmarks.peers.load import load_peer

GOLD = {"학교에서는": (2, 4), "집에": (1,), "갔다.": (2,), "했다": (), "나는": (1,)}


class Cut(Peer):
    """A tokenizer that cuts the text where it is told, by byte offset; tokens are numbered as they come."""

    kind = "test"

    def __init__(self, cuts: dict[str, list[int]]) -> None:
        super().__init__("cut", 0)
        self._cuts, self._tokens = cuts, [b""]

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return [self._encode(text.encode(), self._cuts[text]) for text in texts]

    def _encode(self, data: bytes, cuts: list[int]) -> np.ndarray:
        first = len(self._tokens)
        edges = [0, *cuts, len(data)]
        self._tokens += [data[a:b] for a, b in pairwise(edges)]
        return np.arange(first, len(self._tokens))

    def decode_bytes(self, ids: Ids) -> bytes:
        return b"".join(self._tokens[i] for i in ids)

    def token_bytes(self, token: int) -> bytes:
        return self._tokens[token]


def gold() -> Gold:
    return Gold(lambda words: [GOLD[word] for word in words])


def test_boundaries_by_hand() -> None:
    # 학교|에서는 _집에 _갔|다.  : one right of two in 학교에서는, none in 집에, 갔다. cut in a wrong place
    text = "학교에서는 집에 갔다."
    result = alignment(Cut({text: [6, 15, 22, 26]}), [text], gold())
    assert result["boundaries_gold"] == 4
    assert result["boundaries_predicted"] == 2
    assert result["boundaries_hit"] == 1
    assert result["precision"] == pytest.approx(1 / 2)
    assert result["recall"] == pytest.approx(1 / 4)
    assert result["f1"] == pytest.approx(1 / 3)
    assert (result["eojeols"], result["eojeols_unaligned"]) == (3, 0)
    assert result["kept_whole"] == pytest.approx(1 / 3)


def test_a_cut_inside_a_character_is_wrong() -> None:
    # 나|는 is right; the cut after the first byte of 는 is not, nor is the one inside 나
    result = alignment(Cut({"나는": [1, 3, 4]}), ["나는"], gold())
    assert (result["boundaries_predicted"], result["boundaries_hit"]) == (3, 1)
    assert result["kept_whole"] == 0


def test_a_superword_keeps_eojeols_whole_and_text_without_hangul_is_left_out() -> None:
    text = "나는 abc집 xyz 했다"
    known = GOLD | {"abc집": (3,)}
    result = alignment(Cut({text: [8, 16]}), [text], Gold(lambda words: [known[word] for word in words]))
    assert result["eojeols"] == 3  # xyz has no Hangul; its inner cut does not count
    assert (result["boundaries_gold"], result["boundaries_predicted"]) == (2, 1)
    assert result["kept_whole"] == pytest.approx(2 / 3)
    assert result["precision"] == 0


def test_sums_run_over_all_texts() -> None:
    texts = ["나는 집에", "나는"] * 3
    result = alignment(Cut({"나는 집에": [3, 6], "나는": []}), texts, gold())
    assert result["eojeols"] == 9
    assert (result["boundaries_gold"], result["boundaries_predicted"], result["boundaries_hit"]) == (9, 3, 3)


def test_each_eojeol_is_analysed_once() -> None:
    asked: list[str] = []

    def boundaries(words: Sequence[str]) -> list[tuple[int, ...]]:
        asked.extend(words)
        return [GOLD[word] for word in words]

    shared = Gold(boundaries)
    for name in ("o200k_base", "qwen3"):
        alignment(load_peer(name), ["나는 나는 집에", "나는 했다"], shared)
    assert sorted(asked) == ["나는", "집에", "했다"]


def test_text_that_the_tokenizer_changes_is_left_out_and_counted() -> None:
    class Changing(Cut):
        def token_bytes(self, token: int) -> bytes:
            return super().token_bytes(token).replace("했".encode(), "핬".encode())

    text = "나는 했다\n집에"
    cuts: dict[str, list[int]] = {text: [3], "나는 했다": [3], "집에": [3]}
    result = alignment(Changing(cuts), [text], gold())
    assert (result["eojeols"], result["eojeols_unaligned"]) == (1, 2)
    assert result["precision"] == result["recall"] == 1


def test_a_space_put_before_the_text_is_allowed_for() -> None:
    result = alignment(load_peer("llama2"), ["나는 집에"], gold())
    assert (result["eojeols"], result["eojeols_unaligned"], result["recall"]) == (2, 0, 1)


def test_nothing_to_measure() -> None:
    result = alignment(load_peer("o200k_base"), ["", "plain text"], gold())
    assert result["eojeols"] == result["boundaries_gold"] == result["boundaries_predicted"] == 0
    assert result["precision"] is result["recall"] is result["f1"] is result["kept_whole"] is None


def test_single_characters_find_every_boundary_of_kiwi() -> None:
    class Characters(Cut):
        def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
            return [self._encode(t.encode(), [len(t[:i].encode()) for i in range(1, len(t))]) for t in texts]

    result = alignment(Characters({}), ["나는 학교에서 친구를 만났다."])
    assert result["recall"] == 1
    assert 0 < result["precision"] < 1
    assert result["kept_whole"] == 0
