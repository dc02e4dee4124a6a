"""Documents come out of every format alike, whole or with their damage named."""

import bz2
import gzip
import io
import json
import logging
import lzma
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from tokenizer import InputError
from tokenizer.corpus import reader as corpus
from tokenizer.corpus.reader import documents, find_files, total_size

TEXTS = ["첫째 문서입니다.\r\n둘째 줄", "결을 따라\n자르면 😀", " 끝 "]
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
}


def texts(*paths: Any, **options: Any) -> list[str]:
    return [document.text for document in documents(list(paths), **options)]


def jsonl(rows: list[Any]) -> bytes:
    return "".join(json.dumps({"text": row}) + "\n" for row in rows).encode()


def parquet(rows: list[Any]) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": rows}), sink)
    return sink.getvalue()


@pytest.mark.parametrize("compression", PACKERS)
@pytest.mark.parametrize(
    ("suffix", "content", "expected"),
    [
        (".txt", "".join(TEXTS).encode(), ["".join(TEXTS)]),
        (".jsonl", jsonl([*TEXTS, "", None]), TEXTS),
        (".parquet", parquet([*TEXTS, "", None]), TEXTS),
    ],
)
def test_every_format_gives_the_documents(
    tmp_path: Path, suffix: str, content: bytes, expected: list[str], compression: str
) -> None:
    path = tmp_path / f"a{suffix}{compression}"
    path.write_bytes(PACKERS[compression](content))
    read: list[int] = []
    assert texts(path, on_progress=read.append) == expected
    assert sum(read) == total_size([path]) == path.stat().st_size


def test_folders_are_walked_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a/c.txt", "a/.hidden.txt", ".git/x.txt", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, "utf-8")
    assert texts(tmp_path) == ["a/c.txt", "b.txt"]
    assert texts(tmp_path / "b.txt", tmp_path / "a") == ["b.txt", "a/c.txt"]
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"none: no \.txt, \.jsonl, \.parquet file"):
        find_files([tmp_path / "none"])


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("한 줄\n".encode())))
    found = list(documents(["-"]))
    assert [(document.text, document.source) for document in found] == [("한 줄\n", "-")]
    assert total_size(["-"]) is None


def test_a_dataset_is_streamed_by_name(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def load_dataset(name: str, split: str, streaming: bool) -> list[dict[str, Any]]:
        assert (name, split, streaming) == ("some/name", "test", True)
        return [{"text": "하나"}, {"text": None}, {"text": "둘\ud800"}]

    monkeypatch.setattr(corpus, "optional", lambda *_: types.SimpleNamespace(load_dataset=load_dataset))
    assert texts("hf:some/name:test") == ["하나", "둘\ufffd"]
    assert "hf:some/name:test: row 2: holds a lone surrogate; replaced" in caplog.text
    with pytest.raises(InputError, match="row 2: holds a lone surrogate"):
        texts("hf:some/name:test", errors="strict")
    with pytest.raises(InputError, match="no column 'body' \\(it has text\\)"):
        texts("hf:some/name:test", text_key="body")


def test_invalid_utf_8_is_named_and_replaced_or_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raw = "가나".encode() + b"\xff\xfe" + "다".encode() + b"\xea\xb0"
    (tmp_path / "a.txt").write_bytes(raw)
    with caplog.at_level(logging.WARNING):
        assert texts(tmp_path / "a.txt") == [raw.decode("utf-8", errors="replace")]
    assert "a.txt: invalid UTF-8 at byte 6" in caplog.text
    assert "at 2 more places" in caplog.text
    with pytest.raises(InputError, match=r"a\.txt: invalid UTF-8 at byte 6; .*CP949.*errors=replace"):
        texts(tmp_path / "a.txt", errors="strict")
    caplog.clear()
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "\\ud83d"}\n' + jsonl(["나"]))
    reader = documents([tmp_path / "b.jsonl"])
    assert next(reader).text == "\ufffd"
    reader.close()  # type: ignore[attr-defined]  # a reader that stops early is told too
    assert "b.jsonl:1: holds a lone surrogate; replaced" in caplog.text


@pytest.mark.parametrize("compression", [".gz", ".xz", ".bz2", ".zst"])
def test_files_that_are_cut_off_are_named(tmp_path: Path, compression: str) -> None:
    whole = PACKERS[compression]("".join(map(chr, range(0xAC00, 0xD000))).encode())
    for content in (whole[: len(whole) // 2], b"no such thing"):
        (tmp_path / f"a.txt{compression}").write_bytes(content)
        with pytest.raises(InputError, match=rf"a\.txt\{compression}: damaged or cut off"):
            texts(tmp_path / f"a.txt{compression}")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "x"}\n{"body": "y"}\n', r"a\.jsonl:2: no text in field 'text'"),
        ("a.jsonl", b'{"text": 3}\n', r"a\.jsonl:1: field 'text' holds int"),
        ("a.jsonl", b'{"text"\n', r"a\.jsonl:1: not valid JSON .* at column 8"),
        ("a.jsonl", b"[" * 100_000 + b"\n", r"a\.jsonl:1: not valid JSON"),
        ("a.parquet", b"PAR1", r"a\.parquet: no Parquet file, or damaged"),
        ("a.parquet", parquet([1, 2]), r"column 'text' holds int64"),
        ("a.txt", b"", r"a\.txt: holds no text"),
        ("a.doc", b"x", r"a\.doc: unknown kind of file"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        texts(tmp_path / name)


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        texts(tmp_path / "nowhere")
    with pytest.raises(InputError, match="errors is 'ignore'; it must be 'replace' or 'strict'"):
        texts(tmp_path, errors="ignore")
    with pytest.raises(InputError, match="the corpus: holds no text"):
        texts()
