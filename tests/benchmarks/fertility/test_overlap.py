"""Warnings of measured text that was in a tokenizer's training text, and none where it was not."""

import json
import logging
from pathlib import Path
from unicodedata import normalize

import pytest
from click.testing import CliRunner

import samples
from benchmarks.fertility import measure
from benchmarks.fertility.overlap import in_words
from benchmarks.fertility.results import Report, SharedLines, TrainedOn, as_json
from cli import cli
from tokenizer import Tokenizer, train

SAMPLES = samples.folder()
NEWS, STORY, ENGLISH = (SAMPLES / f"{name}.txt" for name in ("news", "story", "english"))
EVERY_LINE = SharedLines(share=1.0, found=62, sampled=62, exact=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer trained on the news and the code of the samples."""
    folder = tmp_path_factory.mktemp("trained") / "own"
    train([NEWS, SAMPLES / "code.txt"], 600, recipe="plain", name="own").save(folder)
    return folder


def measured(folder: Path, *paths: Path) -> TrainedOn | None:
    found = measure([str(folder)], paths, against=[]).trained_on
    return found[folder.name] if found else None


def jsonl(path: Path, source: Path) -> Path:
    """The paragraphs of a text as records."""
    paragraphs = source.read_text("utf-8").split("\n\n")
    path.write_text("\n".join(json.dumps({"text": text}) for text in paragraphs), "utf-8")
    return path


def test_a_file_that_was_trained_on_is_warned_of(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "gyeol"):
        assert measured(folder, NEWS) == TrainedOn(EVERY_LINE, {"news": EVERY_LINE})
    assert caplog.messages == [
        "own: 100% of the lines of news (62 of 62) were in its training text; its figures there are not those of "
        "unseen text"
    ]


def test_other_text_is_not_warned_of(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "gyeol"):
        assert "trained_on" not in as_json(measure([str(folder), "gyeol-100k"], [STORY, ENGLISH]))
    assert not caplog.messages


def test_a_part_another_form_and_another_format_are_found(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "part.txt").write_text("\r\n".join(NEWS.read_text("utf-8").splitlines()[:20]), "utf-8")
    (tmp_path / "mixed.txt").write_text(NEWS.read_text("utf-8") + STORY.read_text("utf-8"), "utf-8")
    found = measured(folder, tmp_path / "part.txt", tmp_path / "mixed.txt", jsonl(tmp_path / "records.jsonl", NEWS))
    assert found
    assert set(found.files) == {"part", "mixed", "records"}
    assert found.files["part"].share == found.files["records"].share == 1
    assert 0.1 < found.files["mixed"].share < 0.9


def test_records_that_were_trained_on(tmp_path: Path) -> None:
    train(jsonl(tmp_path / "records.jsonl", NEWS), 600, recipe="plain").save(tmp_path / "own")
    found = measured(tmp_path / "own", tmp_path / "records.jsonl", STORY)
    assert found
    assert found.files == {"records": EVERY_LINE}


def test_a_line_in_common_is_no_warning(folder: Path, tmp_path: Path) -> None:
    first = max(NEWS.read_text("utf-8").splitlines(), key=len)
    (tmp_path / "licence.txt").write_text(first + "\n" + STORY.read_text("utf-8"), "utf-8")
    assert measured(folder, tmp_path / "licence.txt") is None
    (tmp_path / "licence.txt").write_text(first, "utf-8")
    assert measured(folder, tmp_path / "licence.txt")


def test_text_that_was_composed_for_training_is_found(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(normalize("NFD", NEWS.read_text("utf-8")), "utf-8")
    train(tmp_path / "text.txt", 600, recipe="plain", nfc=True).save(tmp_path / "own")
    assert measured(tmp_path / "own", tmp_path / "text.txt") == TrainedOn(EVERY_LINE, {"text": EVERY_LINE})
    assert measured(tmp_path / "own", NEWS)


def test_a_tokenizer_that_goes_on_knows_its_first_text_too(folder: Path, tmp_path: Path) -> None:
    longer = train(STORY, 700, recipe="plain", continue_from=Tokenizer.load(folder), fill_what_you_can=True)
    longer.save(tmp_path / "longer")
    found = measured(tmp_path / "longer", NEWS, STORY, ENGLISH)
    assert found
    assert set(found.files) == {"news", "story"}


@pytest.mark.parametrize("recipe", ["plain", "curriculum"])
def test_the_sample_does_not_depend_on_threads(recipe: str) -> None:
    one, two = (train(SAMPLES, 1000, recipe=recipe, threads=threads).vocabulary.provenance for threads in (1, 2))
    assert one["line_sample"] == two["line_sample"]
    assert one["line_sample"]["lines"] > 500


def test_the_hashes_are_not_shown(folder: Path) -> None:
    hashes = Tokenizer.load(folder).vocabulary.provenance["line_sample"]["hashes"]
    for arguments in ([], ["--json"]):
        output = CliRunner().invoke(cli, ["inspect", "-t", str(folder), *arguments]).output
        assert "line_sample" in output
        assert hashes not in output


def test_the_page_says_it_in_both_languages(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page = tmp_path / "page.html"
    done = CliRunner().invoke(cli, ["fertility", "-t", str(folder), str(NEWS), "--html", str(page), "--json"])
    assert json.loads(done.stdout)["trained_on"]["own"]["files"]["news"] == as_json(EVERY_LINE)
    text = page.read_text("utf-8")
    assert "own: 100% of the lines of news (62 of 62) were in its training text" in text
    assert "own: news의 줄 100%(62줄 가운데 62줄)가 학습 글에 있었습니다." in text


def test_many_files_take_one_line() -> None:
    few, many = SharedLines(0.25, 4, 16, False), SharedLines(0.125, 125, 1000, False)
    assert in_words(None, 9) == []
    ((sampled, _),) = in_words({"own": TrainedOn(few, {"news": few})}, 1)
    assert "own: about 25% of the lines of news (4 of 16 sampled) were in its training text" in sampled
    ((altogether, korean),) = in_words({"own": TrainedOn(many, {})}, 900)
    assert "about 12% of the lines of all files (125 of 1,000 sampled)" in altogether
    assert "전체 파일의 줄 약 12%(표본 1,000줄 가운데 125줄)가" in korean
    files = {f"file{number}": few for number in range(300)} | {"most": EVERY_LINE}
    ((grouped, korean),) = in_words({"own": TrainedOn(many, files)}, 1000)
    assert "lines of 301 of 1,000 files (most 100%, file0 25%, file1 25%, ...)" in grouped
    assert "파일 1,000개 가운데 301개(most 100%, file0 25%, file1 25% 등)의" in korean


def test_a_damaged_sample_is_a_tokenizer_that_cannot_be_loaded(folder: Path, tmp_path: Path) -> None:
    Tokenizer.load(folder).save(tmp_path / "own")
    record = json.loads((tmp_path / "own" / "gyeol.json").read_text("utf-8"))
    record["line_sample"]["hashes"] = "no hashes"
    (tmp_path / "own" / "gyeol.json").write_text(json.dumps(record), "utf-8")
    report: Report = measure([str(tmp_path / "own"), "o200k_base"], [NEWS])
    assert "line_sample in gyeol.json is damaged" in report.failed[0].reason
