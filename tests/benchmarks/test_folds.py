"""Sources are dealt to folds by register, and measured on passages from all over them."""

from pathlib import Path

import pytest

from benchmarks.folds import EXCERPT, FOLDS, deal, mean_over_registers, register, write_excerpt
from tokenizer import InputError


def test_every_fold_has_every_register_that_has_enough_sources(tmp_path: Path) -> None:
    for kind in ("news", "law", "en_docs"):
        for number in range(2 * FOLDS):
            (tmp_path / f"{kind}_{number}.txt").write_text("글" * (number + 1), "utf-8")
    folds = deal([str(tmp_path)])
    assert sorted(path for fold in folds for path in fold) == sorted(tmp_path.iterdir())
    for fold in folds:
        assert sorted(register(path.name) for path in fold) == ["en_docs"] * 2 + ["law"] * 2 + ["news"] * 2
    with pytest.raises(InputError, match=r"has 1 sources \(files\); 5 folds of sources need 5 or more"):
        deal([str(tmp_path / "news_0.txt")])


def test_excerpts_are_whole_short_texts_or_lines_from_all_over(tmp_path: Path) -> None:
    write_excerpt("짧은 글\r\n", tmp_path / "short.txt")
    assert (tmp_path / "short.txt").read_bytes().decode() == "짧은 글\r\n"
    lines = [f"줄 {number}" for number in range(200_000)]
    write_excerpt("\n".join(lines), tmp_path / "long.txt")
    found = (tmp_path / "long.txt").read_text("utf-8").split("\n")
    assert len("\n".join(found)) == pytest.approx(EXCERPT, rel=0.01)
    assert found[0] == "줄 1"
    assert max(int(line.split()[1]) for line in found if line.startswith("줄 ")) > 150_000


def test_many_files_of_a_register_count_as_one() -> None:
    files = {"news_a": 1.0, "news_b": 3.0, "law_a": 5.0, "en_docs_a": 7.0}
    groups = {name: "English" if name.startswith("en_") else "Korean" for name in files}
    assert mean_over_registers(files, groups) == {"Korean": 3.5, "English": 7.0}
