"""Fertility of small texts worked out by hand, and of real tokenizers against their own libraries."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from rich.console import Console

from benchmarks.fertility.measuring import group_of, measure
from benchmarks.peers.adapters import Ids, Peer
from benchmarks.report.terminal import print_fertility
from tokenizer.errors import InputError

KOREAN = "나는 집에 갔다\n"  # 9 characters, 3 eojeols, 21 bytes
ENGLISH = "go home now\n"  # 12 characters and bytes, 3 eojeols


class Units(Peer):
    """One token per character, or per byte."""

    kind = "test"

    def __init__(self, name: str, characters: bool) -> None:
        super().__init__(name, 0x110000 if characters else 256)
        self._characters = characters

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return [[*map(ord, text)] if self._characters else [*text.encode()] for text in texts]

    def decode_bytes(self, ids: Ids) -> bytes:
        return "".join(map(chr, ids)).encode() if self._characters else bytes(ids)

    def token_bytes(self, token: int) -> bytes:
        return self.decode_bytes([token])


class Lower(Units):
    """A tokenizer that folds case, as some published ones do."""

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return super().encode_batch([text.lower() for text in texts])


CHARACTERS, BYTES = Units("characters", True), Units("bytes", False)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "korean.txt").write_text(KOREAN, encoding="utf-8")
    (tmp_path / "english.txt").write_text(ENGLISH, encoding="utf-8")
    return tmp_path


def test_by_hand(texts: Path) -> None:
    result = measure([CHARACTERS], [texts], against=[BYTES])
    own = result["results"]["characters"]
    korean, english = own["files"]["korean"], own["files"]["english"]
    assert (korean["tokens"], korean["characters"], korean["bytes"], korean["eojeols"]) == (9, 9, 21, 3)
    assert korean["tokens_per_character"] == korean["characters_per_token"] == 1
    assert korean["bytes_per_token"] == pytest.approx(21 / 9)
    assert korean["tokens_per_eojeol"] == 3
    assert korean["ratio"] == {"bytes": pytest.approx(21 / 9)}
    assert english["ratio"] == {"bytes": 1}
    assert own["macro"]["ratio"]["bytes"] == pytest.approx((21 / 9 + 1) / 2)
    assert own["macro"]["tokens_per_eojeol"] == pytest.approx((3 + 4) / 2)
    assert own["total"]["ratio"]["bytes"] == pytest.approx(33 / 21)
    assert own["total"]["tokens"] == 21
    assert own["groups"]["Korean"]["ratio"]["bytes"] == pytest.approx(21 / 9)
    assert own["groups"]["English"]["files"] == 1
    assert own["round_trip"] == {"lossless": True, "documents_lost": 0, "characters_lost": 0}
    assert result["results"]["bytes"]["macro"]["ratio"] == {"bytes": 1}
    assert json.loads(json.dumps(result)) == result


def test_counts_of_the_library_itself(texts: Path) -> None:
    result = measure(["cl100k_base"], [texts])
    for name, base in (("cl100k_base", "cl100k_base"), ("o200k_base", "o200k_base")):
        encoding = tiktoken.get_encoding(base)
        for file, text in (("korean", KOREAN), ("english", ENGLISH)):
            assert result["results"][name]["files"][file]["tokens"] == len(encoding.encode_ordinary(text))
    assert result["against"] == ["o200k_base"]
    assert [row["name"] for row in result["tokenizers"]] == ["cl100k_base", "o200k_base"]


def test_ratio_is_symmetric(texts: Path) -> None:
    result = measure(["qwen3", "o200k_base"], [texts], against=["o200k_base", "qwen3"])
    assert len(result["tokenizers"]) == 2
    one, other = result["results"]["qwen3"], result["results"]["o200k_base"]
    for a, b in [(one["total"], other["total"])] + [(one["files"][f], other["files"][f]) for f in one["files"]]:
        assert a["ratio"]["o200k_base"] * b["ratio"]["qwen3"] == pytest.approx(1)
        assert a["ratio"]["qwen3"] == b["ratio"]["o200k_base"] == 1


def test_a_baseline_of_the_same_name_is_not_taken_for_the_tokenizer(texts: Path) -> None:
    with pytest.raises(InputError, match="two tokenizers"):
        measure([CHARACTERS], [texts], against=[Units("characters", False)])


def test_what_does_not_round_trip_is_reported(tmp_path: Path) -> None:
    (tmp_path / "two.jsonl").write_text('{"text": "ABcd"}\n{"text": "efgh"}\n', encoding="utf-8")
    own = measure([Lower("lower", True)], [tmp_path], against=[])["results"]["lower"]
    assert own["round_trip"] == {"lossless": False, "documents_lost": 1 / 2, "characters_lost": 2 / 8}


def test_a_bad_file_is_skipped_with_a_reason(texts: Path) -> None:
    (texts / "empty.txt").write_bytes(b"")
    (texts / "blank.txt").write_bytes(b" \n\n ")
    (texts / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (texts / "damaged.txt.gz").write_bytes(b"\x1f\x8b no gzip at all")
    (texts / "broken.jsonl").write_text('{"text": "one"}\n{"text": \n', encoding="utf-8")
    (texts / "picture.png").write_bytes(b"\x89PNG")
    result = measure([CHARACTERS], [texts, texts / "picture.png", texts / "korean.txt"], against=[])
    assert [file["name"] for file in result["files"]] == ["english", "korean"]
    reasons = {Path(row["path"]).name: row["reason"] for row in result["skipped"]}
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
    assert {file["name"] for file in result["files"]} == {"one/v1.2", "two/v1.2", "other"}


@pytest.mark.parametrize(
    ("name", "letters", "hangul", "latin", "group"),
    [
        ("docs", 100, 20, 80, "Korean"),
        ("code_python", 100, 50, 50, "Korean"),
        ("code_python", 100, 19, 81, "code"),
        ("a/Code.rust", 100, 0, 100, "code"),
        ("news", 100, 0, 51, "English"),
        ("news", 100, 0, 50, "other"),
        ("digits", 0, 0, 0, "other"),
    ],
)
def test_groups(name: str, letters: int, hangul: int, latin: int, group: str) -> None:
    assert group_of(name, letters, hangul, latin) == group


def test_provenance(texts: Path) -> None:
    found: dict[str, Any] = measure([CHARACTERS], [texts], against=[])["provenance"]
    assert found["versions"]["tiktoken"] == tiktoken.__version__
    assert found["versions"]["gyeol"]
    assert found["machine"]["cores"] >= 1
    assert found["date"].endswith("+00:00")


def test_tables_show_every_tokenizer_and_file(texts: Path) -> None:
    (texts / "empty.txt").write_bytes(b"")
    result = measure([CHARACTERS, Lower("lower[1]", True)], [texts], against=[BYTES])
    console = Console(width=20, record=True, file=io.StringIO())
    print_fertility(result, console)
    shown = console.export_text()
    for text in ("characters", "lower[1]", "Ratio to bytes", "korean", "english", "2.333", "exact", "skipped"):
        assert text in shown
    assert "empty.txt" in shown
