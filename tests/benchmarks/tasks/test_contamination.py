"""Test items in a corpus."""

from pathlib import Path

import pytest

from benchmarks.tasks.contamination import LEAST, RUN, contamination, runs, words
from tokenizer.errors import InputError

LONG = " ".join(f"낱말{number}" for number in range(20))


def test_punctuation_and_case_do_not_count() -> None:
    assert words('"물은", (A) — Boil!') == ["물은", "a", "boil"]


def test_runs_are_of_thirteen_eojeols_or_of_a_whole_shorter_item() -> None:
    assert len(runs(LONG)) == 20 - RUN + 1
    assert runs(" ".join(LONG.split()[:9])) == [tuple(LONG.split()[:9])]
    assert runs(" ".join(LONG.split()[: LEAST - 1])) == []


def test_a_run_in_the_corpus_is_found_across_lines(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    part = LONG.split()[4 : 4 + RUN]
    corpus.write_text("딴말 " + "\n".join(part) + ", 딴말\n" + " ".join(LONG.split()[:12]), "utf-8")
    other = " ".join(f"다른{number}" for number in range(30))
    (found,) = contamination({"task": [other, LONG, "짧다"]}, [corpus])
    assert (found.items, found.looked_for, found.found) == (3, 2, 1)
    assert found.example == LONG[:80]
    corpus.write_text(" ".join(part[:-1]), "utf-8")
    assert contamination({"task": [LONG]}, [corpus])[0].found == 0


def test_items_that_are_all_too_short_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no item has 8 eojeols"):
        contamination({"task": ["짧다"]}, [tmp_path])
