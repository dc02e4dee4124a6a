"""Documents come out of every format alike, whole or with their damage named."""

import bz2
import gzip
import io
import json
import logging
import lzma
import re
import tracemalloc
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from tokenizer import InputError
from tokenizer.corpus import reader as corpus
from tokenizer.corpus.compression import BLOCK, file_blocks
from tokenizer.corpus.find import find_files
from tokenizer.corpus.reader import documents, total_size

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
    for name in ("b.txt", "a/c.txt", "a/.hidden.txt", ".git/x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, "utf-8")
    assert texts(tmp_path) == ["a/c.txt", "b.txt"]
    assert texts(tmp_path / "b.txt", tmp_path / "a") == ["b.txt", "a/c.txt"]
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"none: no \.txt, \.md, \.jsonl, \.parquet file"):
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
    assert texts("hf:some/name:test", errors="replace") == ["하나", "둘\ufffd"]
    assert "hf:some/name:test: row 2: holds a lone surrogate; replaced" in caplog.text
    with pytest.raises(InputError, match="row 2: holds a lone surrogate"):
        texts("hf:some/name:test", errors="strict")
    with pytest.raises(InputError, match="no column 'body' \\(it has text\\)"):
        texts("hf:some/name:test", text_key="body")


def test_invalid_utf_8_is_named_and_replaced_or_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raw = "가나".encode() + b"\xff\xfe" + "다".encode() + b"\xea\xb0"
    (tmp_path / "a.txt").write_bytes(raw)
    with caplog.at_level(logging.WARNING):
        assert texts(tmp_path / "a.txt", errors="replace") == [raw.decode("utf-8", errors="replace")]
    assert "a.txt: invalid UTF-8 at byte 6" in caplog.text
    assert "at 2 more places" in caplog.text
    with pytest.raises(InputError, match=r"a\.txt: invalid UTF-8 at byte 6; .*cp949.*errors=replace"):
        texts(tmp_path / "a.txt", errors="strict")
    caplog.clear()
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "\\ud83d"}\n' + jsonl(["나"]))
    reader = documents([tmp_path / "b.jsonl"], errors="replace")
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
        ("a.parquet", b"PAR1", r"a\.parquet: not a Parquet file, or damaged"),
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


KOREAN = "결을 따라 자르면 매끄럽다.\n나무는 결대로 갈라진다.\n" * 40


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949", "utf-16", "utf-32"])
@pytest.mark.parametrize("head", ["", "# ASCII first\n" * 40_000])
def test_korean_encodings_are_found_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, encoding: str, head: str
) -> None:
    (tmp_path / "a.txt").write_bytes((head + KOREAN).encode(encoding))
    (document,) = documents([tmp_path / "a.txt"])
    assert document.text == head + KOREAN
    found = encoding.removesuffix("-sig")
    assert document.encoding == found
    assert (f"a.txt: read as {found.upper()}" in caplog.text) == (found != "utf-8")


def test_what_is_no_korean_encoding_is_refused_by_name(tmp_path: Path) -> None:
    for raw in ("déjà vu, élève à Noël".encode("latin-1"), KOREAN.encode()[1:], b"\xff\x00" * 50, b"\x89PNG\r\n"):
        (tmp_path / "a.txt").write_bytes(raw)
        with pytest.raises(InputError, match=r"a\.txt: invalid UTF-8 at byte 0|a\.txt: invalid UTF-8 at byte 1"):
            texts(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_bytes(KOREAN.encode("utf-16-le"))
    assert texts(tmp_path / "a.txt", encoding="utf-16-le") == [KOREAN]
    (tmp_path / "a.txt").write_bytes(KOREAN.encode("cp949") + b"\xff")
    with pytest.raises(InputError, match="invalid CP949 at byte"):
        texts(tmp_path / "a.txt", encoding="cp949")
    assert texts(tmp_path / "a.txt", encoding="cp949", errors="replace") == [KOREAN + "\ufffd"]
    with pytest.raises(InputError, match="encoding is 'klingon'"):
        texts(tmp_path / "a.txt", encoding="klingon")


def test_decomposed_hangul_is_said_once_or_composed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(normalize("NFD", KOREAN), "utf-8")
    assert texts(tmp_path) == [normalize("NFD", KOREAN)] * 2
    assert caplog.text.count("100% of the Hangul from here on is decomposed") == 1
    caplog.clear()
    assert texts(tmp_path, nfc=True) == [KOREAN] * 2
    assert caplog.text == ""


@pytest.mark.parametrize("compression", PACKERS)
def test_standard_input_may_be_jsonl_and_compressed(monkeypatch: pytest.MonkeyPatch, compression: str) -> None:
    for content, expected in ((jsonl(TEXTS), TEXTS), ("".join(TEXTS).encode(), ["".join(TEXTS)])):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PACKERS[compression](content))))
        assert texts("-") == expected


def test_linked_folders_are_read_and_what_is_not_read_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "a.txt").write_text("가", "utf-8")
    (tmp_path / "data" / "deep" / "back").symlink_to(tmp_path / "data")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "link").symlink_to(tmp_path / "data")
    (tmp_path / "corpus" / "broken.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "corpus" / "report.pdf").write_text("")
    assert texts(tmp_path / "corpus") == ["가"]
    assert "2 files are of other kinds and left out: broken.txt (a broken link), report.pdf" in caplog.text


def test_files_are_left_out_by_any_name(tmp_path: Path) -> None:
    for number, name in enumerate(("a.txt", "b.txt", "c.jsonl")):
        (tmp_path / name).write_text('{"text": "셋"}' if name == "c.jsonl" else "하나" * (number + 1), "utf-8")
    (tmp_path / "link.txt").symlink_to(tmp_path / "b.txt")
    assert texts(tmp_path, without=[tmp_path / "link.txt"]) == ["하나", "셋"]
    assert total_size([tmp_path], [tmp_path / "a.txt"]) == sum(
        (tmp_path / name).stat().st_size for name in ("b.txt", "c.jsonl")
    )
    with pytest.raises(InputError, match="holds no text"):
        texts(tmp_path / "a.txt", without=[tmp_path / "a.txt"])


def test_a_file_is_read_once_however_often_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("가", "utf-8")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    found = list(documents([tmp_path, tmp_path / "a.txt", tmp_path / "*.txt"]))
    assert [(document.text, document.origin) for document in found] == [("가", str(tmp_path))]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.md", "# 제목\n", ["# 제목\n"]),
        ("a.json", json.dumps([{"text": "하나"}, "둘", {"text": None}]), ["하나", "둘"]),
        ("a.json", json.dumps({"text": "하나"}, indent=1), ["하나"]),
        ("a.csv", 'id,text\n1,"하나, 둘\n셋"\n2,넷\n', ["하나, 둘\n셋", "넷"]),
        ("a.tsv", "text\tid\n하나\t1\n", ["하나"]),
    ],
)
def test_further_formats(tmp_path: Path, name: str, content: str, expected: list[str]) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    assert texts(tmp_path / name) == expected


def test_the_field_of_texts_may_have_several_names(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"content": "하나"}\n{"text": "둘"}\n', "utf-8")
    (tmp_path / "b.parquet").write_bytes(parquet(["셋"]))
    assert texts(tmp_path, text_key="content,text") == ["하나", "둘", "셋"]


def test_bad_lines_are_left_out_if_that_is_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "하나"}\n{"text": "cut\n[]\n{"text": "둘"}\n', "utf-8")
    with pytest.raises(InputError, match=r"a\.jsonl:2: not valid JSON.*skip_bad_lines=True"):
        texts(tmp_path / "a.jsonl")
    assert texts(tmp_path / "a.jsonl", skip_bad_lines=True) == ["하나", "둘"]
    assert re.search(r"a\.jsonl: 2 lines left out, the first: .*a\.jsonl:2: not valid JSON", caplog.text)


def test_a_document_is_a_file_however_long(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("긴 글의 한 줄입니다.\n" * 300_000, "utf-8")
    (tmp_path / "b.txt").write_text("짧은 글", "utf-8")
    found = list(documents([tmp_path]))
    assert len(found) > 2
    assert [document.last for document in found] == [False] * (len(found) - 2) + [True, True]
    (tmp_path / "c.txt").write_text("\n\n첫째\n둘째\n  \n\n셋째", "utf-8")
    assert texts(tmp_path / "c.txt", documents="paragraphs") == ["첫째\n둘째\n", "셋째\n"]


def test_what_follows_the_members_of_a_gzip_file_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    members = gzip.compress("가\n".encode()) + gzip.compress("나\n".encode())
    (tmp_path / "padded.txt.gz").write_bytes(members + bytes(3_000_000))
    assert texts(tmp_path / "padded.txt.gz") == ["가\n나\n"]
    assert "left out" not in caplog.text
    (tmp_path / "a.txt.gz").write_bytes(members + b"garbage")
    assert texts(tmp_path / "a.txt.gz") == ["가\n나\n"]
    assert "a.txt.gz: bytes behind the end of the compressed data are left out" in caplog.text
    for cut in (5, len(members) - 3):
        (tmp_path / "b.txt.gz").write_bytes(members[:cut])
        with pytest.raises(InputError, match="damaged or cut off"):
            texts(tmp_path / "b.txt.gz")


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".xz", ".bz2"])
def test_much_in_little_is_unpacked_in_blocks(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"zeros.txt{suffix}"
    path.write_bytes(PACKERS[suffix](bytes(100_000_000)))
    tracemalloc.start()
    try:
        sizes = [len(block) for block in file_blocks(path, lambda _: None)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) == 100_000_000
    assert max(sizes) <= BLOCK
    assert peak < 80_000_000


def test_a_json_array_in_jsonl_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('[{"text": "가"}]\n', "utf-8")
    with pytest.raises(InputError, match="a JSON array, not an object"):
        texts(tmp_path / "a.jsonl")
