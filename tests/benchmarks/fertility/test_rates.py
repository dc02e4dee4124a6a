"""Intervals, sections, the further measures, gold files and the claim; the JSON is what its schema says."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from benchmarks.fertility.gold_file import gold_alignment, read_gold
from benchmarks.fertility.pages import SECTION, Page, section_ends, whole_eojeols
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from benchmarks import fertility, publish
from benchmarks.fertility.alignment import Counts, Gold, alignment
from benchmarks.fertility.intervals import DRAWS, interval, mean_interval, resampled, verdict
from benchmarks.fertility.tally import renyi_efficiency
from benchmarks.peers.load import load_peer
from cli import cli
from tokenizer import InputError

SCHEMA = json.loads((Path(fertility.__file__).parent / "fertility.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    return fertility.measure(
        ["gyeol-100k", "no-such-tokenizer", "cl100k_base"],
        [samples.folder() / "news.txt", samples.folder() / "dialogue.txt", samples.folder() / "english.txt"],
        claim=1.5,
        alignment="kiwi",
    )


def test_the_json_is_what_the_schema_says(result: dict[str, Any], tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.validate(json.loads(json.dumps(result)))
    (tmp_path / "one.txt").write_text("글", "utf-8")
    plain = fertility.measure(["gyeol-100k"], [tmp_path / "one.txt"])
    validator.validate(json.loads(json.dumps(plain)))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(result | {"claim": "1.5"})


def test_a_tokenizer_that_fails_is_named_and_the_rest_measured(result: dict[str, Any]) -> None:
    assert [row["name"] for row in result["failed"]] == ["no-such-tokenizer"]
    assert list(result["results"]) == ["gyeol-100k", "cl100k_base", "o200k_base"]


def test_intervals_hold_the_figures_and_verdicts_follow_them(result: dict[str, Any]) -> None:
    for own in result["results"].values():
        for part in (own["macro"], *own["groups"].values(), *own["files"].values()):
            low, high = part["intervals"]["ratio"]["o200k_base"]
            assert low <= part["ratio"]["o200k_base"] <= high
            low, high = part["intervals"]["tokens_per_character"]
            assert low <= part["tokens_per_character"] <= high
            assert part["claim"]["o200k_base"] == verdict(part["intervals"]["ratio"]["o200k_base"], 1.5)
    groups = result["results"]["gyeol-100k"]["groups"]
    assert (groups["Korean"]["claim"], groups["English"]["claim"]) == ({"o200k_base": "met"}, {"o200k_base": "missed"})
    assert result["results"]["o200k_base"]["macro"]["intervals"]["ratio"]["o200k_base"] == [1, 1]


def test_verdicts() -> None:
    assert [verdict(span, 1.5) for span in ([1.5, 1.6], [1.4, 1.6], [1.4, 1.49], None)] == [
        "met",
        "undecided",
        "missed",
        "undecided",
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(1, 1000), min_size=2, max_size=2), min_size=2, max_size=30))
def test_bootstrap(rows: list[list[int]]) -> None:
    sections = np.array(rows, dtype=np.float64)
    drawn = resampled(sections)
    assert drawn.shape == (DRAWS, 2)
    assert (drawn >= len(rows) * sections.min(axis=0)).all()
    assert (drawn <= len(rows) * sections.max(axis=0)).all()
    assert (drawn == resampled(sections)).all()
    same = resampled(np.repeat(sections[:1], 5, axis=0))
    span = interval(same[:, 0] / same[:, 1])
    assert span == pytest.approx([rows[0][0] / rows[0][1]] * 2)


def test_intervals_cover_as_often_as_they_say() -> None:
    random = np.random.default_rng(7)
    covered = 0
    for seed in range(200):
        sample = random.normal(10, 2, size=(60, 1))
        span = interval(resampled(sample, seed)[:, 0] / 60)
        assert span is not None
        covered += span[0] <= 10 <= span[1]
    assert 0.88 <= covered / 200 <= 0.99


def test_the_mean_over_files_needs_one_that_varies() -> None:
    assert mean_interval([1.0, 2.0, None]) is None
    drawn = np.linspace(1, 2, DRAWS)
    low, high = mean_interval([drawn, 3.0]) or [0, 0]
    assert (low, high) == pytest.approx(((1.025 + 3) / 2, (1.975 + 3) / 2), rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.text("가 나\n", max_size=9 * SECTION) | st.integers(0, 9 * SECTION).map("가".__mul__))
def test_sections_are_the_text(text: str) -> None:
    ends = section_ends(text)
    assert ends[-1] == len(text)
    assert all(0 < b - a <= 4 * SECTION for a, b in zip([0, *ends], ends, strict=False)) or not text


def test_whole_eojeols_and_those_of_one_token() -> None:
    page = Page("할 수 있다 학교에", cut=False)
    ends = [len(part.encode()) for part in ("할 수 있다", "할 수 있다 학교", "할 수 있다 학교에")]
    assert whole_eojeols(page, np.array(ends)) == (3, 0)  # inside a superword an eojeol is whole, but no token
    ends = [len(part.encode()) for part in ("할", "할 수", "할 수 있다", "할 수 있다 학교에")]
    assert whole_eojeols(page, np.array(ends)) == (4, 4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40), st.integers(40, 1000))
def test_renyi_efficiency(counts: list[int], vocab_size: int) -> None:
    total = sum(counts)
    entropy = math.log(sum((count / total) ** 2.5 for count in counts)) / (1 - 2.5)
    found = renyi_efficiency(np.array(counts), vocab_size)
    assert found == pytest.approx(max(entropy / math.log(vocab_size), 0), abs=1e-9)
    assert renyi_efficiency(np.full(vocab_size, 3), vocab_size) == pytest.approx(1)


def gold_file(folder: Path, *lines: str) -> Path:
    path = folder / "gold.jsonl"
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return path


def test_a_gold_file_gives_what_its_boundaries_say(tmp_path: Path) -> None:
    texts, problems = read_gold(
        gold_file(
            tmp_path,
            '{"text": "학교에서는 집에 go", "boundaries": [[2, 4], [1], []]}',
            '{"text": "나는", "boundaries": [[2]]}',
            '{"text": "나는 너를", "boundaries": [[1]]}',
            '{"text": "나는", "boundaries": [["1"]]}',
            "{",
        )
    )
    assert [problem.partition(":")[0] for problem in problems] == ["line 2", "line 3", "line 4", "line 5"]
    assert "must ascend from 1 to 1" in problems[0]
    assert "has 2 eojeols but 1 lists" in problems[1]
    peer = load_peer("gyeol-100k")
    known = {"학교에서는": (2, 4), "집에": (1,)}
    by_word = alignment(peer, ["학교에서는 집에 go"], Gold(lambda words: [known[word] for word in words]))
    assert gold_alignment(peer, texts) == by_word
    assert (by_word["boundaries_gold"], by_word["eojeols"]) == (3, 2)
    with pytest.raises(InputError, match="no line of it fits"):
        read_gold(gold_file(tmp_path, '{"text": 3}'))


def test_a_gold_file_that_does_not_fit_leaves_the_rest_of_the_table(tmp_path: Path) -> None:
    path = gold_file(tmp_path, '{"text": "나는", "boundaries": [[9]]}')
    found = fertility.measure(["gyeol-100k"], [samples.folder() / "news.txt"], alignment=str(path))
    assert found["results"]["gyeol-100k"]["macro"]["ratio"]["o200k_base"] > 1.5
    assert "no line of it fits" in found["alignment"]["problems"][0]


def test_morphscore_leaves_out_words_of_one_token_or_several_boundaries() -> None:
    counts = Counts()
    gold = Gold(lambda words: [{"학교에": (2,), "집에서는": (1, 3), "나는": (1,)}[word] for word in words])
    text = "학교에 집에서는 나는"
    cuts = [len(part.encode()) for part in ("학교", "학교에", "학교에 집", "학교에 집에서는", text)]
    counts.add(text, np.array(cuts), gold)
    found = counts.result()
    assert found["morphscore"] == 1  # 학교|에 alone counts: 집|에서는 has two boundaries, 나는 is one token
    assert found["morphscore_left_out"] == pytest.approx(2 / 3)


def test_publish_writes_figures_tables_and_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(samples.folder().parent)
    monkeypatch.setattr(publish, "TOKENIZERS", ("gyeol-100k", "llama3"))
    done = CliRunner().invoke(publish.main, ["samples/news.txt", "samples/english.txt", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "fertility-dev.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    ratio = found["results"]["gyeol-100k"]["groups"]["Korean"]["ratio"]["o200k_base"]
    assert f"| gyeol-100k | 102,400 | {ratio:.3f} (" in (tmp_path / "fertility-dev.md").read_text("utf-8")
    picture = (tmp_path / "fertility-dev.svg").read_text("utf-8")
    assert "gyeol-100k" in picture
    assert "var(--" not in picture
    refused = CliRunner().invoke(publish.main, [str(tmp_path), "--out", str(tmp_path)])
    assert (refused.exit_code, "relative path" in refused.output) == (2, True)


def test_the_command_says_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    arguments = ["fertility", "-t", "gyeol-100k", "-t", "nothing", "--claim", "1.5", "--alignment", "kiwi"]
    done = CliRunner().invoke(cli, [*arguments, str(samples.folder() / "news.txt"), str(tmp_path / "empty.txt")])
    assert done.exit_code == 1
    for words in ("met", "MorphScore", "same 128K window holds", "not measured nothing", "skipped"):
        assert words in done.output
