"""Fertility of small texts worked out by hand, and of real tokenizers against their own libraries."""

import io
import json
from pathlib import Path

import pytest
import tiktoken
from click.testing import CliRunner
from rich.cells import cell_len
from rich.console import Console

import samples
from benchmarks.fertility.intervals import verdict
from benchmarks.fertility.measuring import measure
from benchmarks.fertility.results import Report, RoundTrip, as_json
from benchmarks.report.terminal import print_fertility
from cli import cli
from tests.support.peers import Lower, Units
from tokenizer import train
from tokenizer.errors import InputError

KOREAN = "나는 집에 갔다\n"  # 9 characters, 3 eojeols, 21 bytes
ENGLISH = "go home now\n"  # 12 characters and bytes, 3 eojeols


CHARACTERS, BYTES = Units("characters", True), Units("bytes", False)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "korean.txt").write_text(KOREAN, encoding="utf-8")
    (tmp_path / "english.txt").write_text(ENGLISH, encoding="utf-8")
    return tmp_path


def test_by_hand(texts: Path) -> None:
    result = measure([CHARACTERS], [texts], against=[BYTES])
    own = result.results["characters"]
    korean, english = own.files["korean"], own.files["english"]
    assert (korean.tokens, korean.characters, korean.bytes, korean.eojeols) == (9, 9, 21, 3)
    assert korean.tokens_per_character == korean.characters_per_token == 1
    assert korean.bytes_per_token == pytest.approx(21 / 9)
    assert korean.tokens_per_eojeol == 3
    assert korean.ratio == {"bytes": pytest.approx(21 / 9)}
    assert english.ratio == {"bytes": 1}
    assert own.macro.ratio["bytes"] == pytest.approx((21 / 9 + 1) / 2)
    assert own.macro.tokens_per_eojeol == pytest.approx((3 + 4) / 2)
    assert own.total.ratio["bytes"] == pytest.approx(33 / 21)
    assert own.total.tokens == 21
    assert own.groups["Korean"].ratio["bytes"] == pytest.approx(21 / 9)
    assert own.groups["English"].files == 1
    assert own.round_trip == RoundTrip(lossless=True, documents_lost=0, characters_lost=0)
    assert result.results["bytes"].macro.ratio == {"bytes": 1}
    assert json.loads(json.dumps(as_json(result))) == as_json(result)


def test_counts_of_the_library_itself(texts: Path) -> None:
    result = measure(["cl100k_base"], [texts])
    for name, base in (("cl100k_base", "cl100k_base"), ("o200k_base", "o200k_base")):
        encoding = tiktoken.get_encoding(base)
        for file, text in (("korean", KOREAN), ("english", ENGLISH)):
            assert result.results[name].files[file].tokens == len(encoding.encode_ordinary(text))
    assert result.against == ["o200k_base"]
    assert [row.name for row in result.tokenizers] == ["cl100k_base", "o200k_base"]


def test_ratio_is_symmetric(texts: Path) -> None:
    result = measure(["qwen3", "o200k_base"], [texts], against=["o200k_base", "qwen3"])
    assert len(result.tokenizers) == 2
    one, other = result.results["qwen3"], result.results["o200k_base"]
    for a, b in [(one.total, other.total), *((own, other.files[name]) for name, own in one.files.items())]:
        assert (a.ratio["o200k_base"] or 0) * (b.ratio["qwen3"] or 0) == pytest.approx(1)
        assert a.ratio["qwen3"] == b.ratio["o200k_base"] == 1


def test_a_baseline_of_the_same_name_is_not_taken_for_the_tokenizer(texts: Path) -> None:
    with pytest.raises(InputError, match="two tokenizers"):
        measure([CHARACTERS], [texts], against=[Units("characters", False)])


def test_what_does_not_round_trip_is_reported(tmp_path: Path) -> None:
    (tmp_path / "two.jsonl").write_text('{"text": "ABcd"}\n{"text": "efgh"}\n', encoding="utf-8")
    own = measure([Lower("lower", True)], [tmp_path], against=[]).results["lower"]
    assert own.round_trip == RoundTrip(lossless=False, documents_lost=1 / 2, characters_lost=2 / 8)


def test_a_bad_file_is_skipped_with_a_reason(texts: Path) -> None:
    (texts / "empty.txt").write_bytes(b"")
    (texts / "blank.txt").write_bytes(b" \n\n ")
    (texts / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (texts / "damaged.txt.gz").write_bytes(b"\x1f\x8b no gzip at all")
    (texts / "broken.jsonl").write_text('{"text": "one"}\n{"text": \n', encoding="utf-8")
    (texts / "picture.png").write_bytes(b"\x89PNG")
    result = measure([CHARACTERS], [texts, texts / "picture.png", texts / "korean.txt"], against=[])
    assert [file.name for file in result.files] == ["english", "korean"]
    reasons = {Path(row.path).name: row.reason for row in result.skipped}
    assert set(reasons) == {"empty.txt", "blank.txt", "binary.txt", "damaged.txt.gz", "broken.jsonl", "picture.png"}
    assert "no text" in reasons["empty.txt"]
    assert "white space" in reasons["blank.txt"]
    assert "binary" in reasons["binary.txt"]
    assert "damaged" in reasons["damaged.txt.gz"]
    assert "unknown kind" in reasons["picture.png"]
    assert all(reason and str(texts) not in reason for reason in reasons.values())


def test_no_usable_file(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(InputError, match=r"empty\.txt.*no text"):
        measure([CHARACTERS], [tmp_path], against=[])
    with pytest.raises(InputError, match="no-such-file"):
        measure([CHARACTERS], [tmp_path / "no-such-file.txt"], against=[])
    with pytest.raises(InputError, match="no tokenizer"):
        measure([], [tmp_path], against=[])


def test_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "v1.2.txt").write_text(ENGLISH)
    (tmp_path / "other.txt").write_text(ENGLISH)
    result = measure([CHARACTERS], [tmp_path], against=[])
    assert {file.name for file in result.files} == {"one/v1.2", "two/v1.2", "other"}


def test_provenance(texts: Path) -> None:
    found = measure([CHARACTERS], [texts], against=[]).provenance
    assert found.versions["tiktoken"] == tiktoken.__version__
    assert found.versions["gyeol"]
    assert found.machine.cores >= 1
    assert found.date.endswith("+00:00")


def test_tables_show_every_tokenizer_and_file(texts: Path) -> None:
    (texts / "empty.txt").write_bytes(b"")
    result = measure([CHARACTERS, Lower("lower[1]", True)], [texts], against=[BYTES])
    console = Console(width=20, record=True, file=io.StringIO())
    print_fertility(result, console)
    shown = console.export_text()
    for text in ("characters", "lower[1]", "Ratio to bytes", "korean", "english", "2.333", "exact", "skipped"):
        assert text in shown
    assert "empty.txt" in shown


@pytest.fixture(scope="module")
def result() -> Report:
    files = [samples.folder() / name for name in ("news.txt", "dialogue.txt", "english.txt")]
    return measure(["gyeol-100k", "no-such-tokenizer", "cl100k_base"], files, claim=1.5, alignment="kiwi")


def test_a_tokenizer_that_fails_is_named_and_the_rest_measured(result: Report) -> None:
    assert [row.name for row in result.failed] == ["no-such-tokenizer"]
    assert list(result.results) == ["gyeol-100k", "cl100k_base", "o200k_base"]


def test_intervals_hold_the_figures_and_verdicts_follow_them(result: Report) -> None:
    for own in result.results.values():
        for part in (own.macro, *own.groups.values(), *own.files.values()):
            span, rate = part.intervals.ratio["o200k_base"], part.intervals.tokens_per_character
            assert span
            assert rate
            assert span[0] <= (part.ratio["o200k_base"] or 0) <= span[1]
            assert rate[0] <= part.tokens_per_character <= rate[1]
            assert part.claim == {"o200k_base": verdict(span, 1.5)}
    groups = result.results["gyeol-100k"].groups
    assert (groups["Korean"].claim, groups["English"].claim) == ({"o200k_base": "met"}, {"o200k_base": "missed"})
    assert result.results["o200k_base"].macro.intervals.ratio["o200k_base"] == (1, 1)


def test_a_gold_file_that_does_not_fit_leaves_the_rest_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"text": "나는", "boundaries": [[9]]}\n', "utf-8")
    found = measure(["gyeol-100k"], [samples.folder() / "news.txt"], alignment=str(path))
    assert (found.results["gyeol-100k"].macro.ratio["o200k_base"] or 0) > 1.5
    assert found.alignment
    assert "no line of it can be used" in found.alignment.problems[0]


def test_the_command_says_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    arguments = ["fertility", "-t", "gyeol-100k", "-t", "nothing", "--claim", "1.5", "--alignment", "kiwi"]
    done = CliRunner().invoke(cli, [*arguments, str(samples.folder() / "news.txt"), str(tmp_path / "empty.txt")])
    assert done.exit_code == 1
    for words in ("met", "MorphScore", "same 128K window holds", "not measured nothing", "skipped"):
        assert words in done.output


def test_tables_fit_80_columns_and_many_files_are_folders(tmp_path: Path) -> None:
    for folder in ("게시판", "a-folder-with-a-rather-long-name"):
        (tmp_path / folder).mkdir()
        for number in range(30):
            text = "결을 따라 자르면 매끄럽다. " * (1 + number % 5)
            (tmp_path / folder / f"{number}.txt").write_text(text, "utf-8")
    train(samples.folder(), 600, recipe="plain", name="x").save(tmp_path / "a-tokenizer-with-a-long-name-of-its-own")
    names = ["gyeol-100k", str(tmp_path / "a-tokenizer-with-a-long-name-of-its-own")]
    result = measure(names, [tmp_path / "게시판", tmp_path / "a-folder-with-a-rather-long-name"], claim=1.0)
    console = Console(width=80, record=True, file=io.StringIO())
    print_fertility(result, console)
    lines = console.export_text().splitlines()
    assert max(cell_len(line) for line in lines if line and line[0] in "┏┃┡│├└") <= 80
    assert sum("(30)" in line.replace(" ", "") for line in lines) >= 1
    assert not any(line.startswith("│ 29") for line in lines)
    own = result.results["gyeol-100k"].groups["Korean"]
    assert own.intervals.ratio["o200k_base"] is not None
    assert own.claim == {"o200k_base": "met"}  # small files, but many of them
