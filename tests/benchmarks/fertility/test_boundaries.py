"""Morpheme boundaries of a gold file, and of an analyser that is asked once for each eojeol."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.fertility.alignment import align
from benchmarks.fertility.boundaries import Boundaries, FileBoundaries
from benchmarks.fertility.measured_text import MeasuredText
from benchmarks.peers.load import load_peer
from tokenizer import InputError


def gold_file(folder: Path, *lines: str) -> Path:
    path = folder / "gold.jsonl"
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return path


def test_a_gold_file_gives_its_boundaries(tmp_path: Path) -> None:
    gold = FileBoundaries(
        gold_file(
            tmp_path,
            '{"text": "학교에서는 집에 go", "boundaries": [[2, 4], [1], []]}',
            '{"text": "나는", "boundaries": [[2]]}',
            '{"text": "나는 너를", "boundaries": [[1]]}',
            '{"text": "나는", "boundaries": [["1"]]}',
            "{",
        )
    )
    assert [problem.partition(":")[0] for problem in gold.problems] == ["line 2", "line 3", "line 4", "line 5"]
    assert "must ascend from 1 to 1" in gold.problems[0]
    assert "has 2 eojeols but 1 lists" in gold.problems[1]
    known = {"학교에서는": (2, 4), "집에": (1,)}
    peer, by_word = load_peer("gyeol-100k"), Boundaries(lambda words: [known[word] for word in words])
    found = align(peer, gold.texts, gold)
    assert found == align(peer, [MeasuredText("학교에서는 집에 go")], by_word)
    assert (found.boundaries_gold, found.eojeols) == (3, 2)
    with pytest.raises(InputError, match="no line of it can be used"):
        FileBoundaries(gold_file(tmp_path, '{"text": 3}'))


def test_each_eojeol_is_analysed_once() -> None:
    asked: list[str] = []

    def analyse(words: Sequence[str]) -> list[tuple[int, ...]]:
        asked.extend(words)
        return [(1,)] * len(words)

    shared = Boundaries(analyse)
    for texts in (["나는 나는 집에", "나는 했다"], ["집에 했다 go"]):
        shared.of([MeasuredText(text) for text in texts])
    assert sorted(asked) == ["나는", "집에", "했다"]
