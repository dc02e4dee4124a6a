"""Shards hold exactly the encoded documents, survive interruptions, and damage in them is named."""

import io
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samples
from tokenizer import InputError, Tokenizer, train
from tokenizer.encoding.encoder import Encoder
from tokenizer.shards import verify_shards, write_shards
from tokenizer.state_files import read_state, write_state


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train(samples.folder(), 1000, recipe="plain")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    lines = "".join(p.read_text("utf-8") for p in sorted(samples.folder().glob("*.txt"))).splitlines()
    path.write_text("".join(json.dumps({"text": line}) + "\n" for line in lines if line), "utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_shards_hold_the_documents(tokenizer: Tokenizer, corpus: Path, tmp_path: Path) -> None:
    manifest = write_shards(tokenizer, [corpus], tmp_path / "out", shard_tokens=10_000)
    texts = [json.loads(line)["text"] for line in corpus.read_text("utf-8").splitlines()]
    found = []
    for shard in manifest["shards"]:
        ids = np.fromfile(tmp_path / "out" / shard["ids"], dtype="<u2")
        offsets = np.fromfile(tmp_path / "out" / shard["offsets"], dtype="<u8").astype(int)
        for a, b in itertools.pairwise(offsets):
            assert ids[b - 1] == tokenizer.special_tokens["<|endoftext|>"]
            found.append(tokenizer.decode(ids[a : b - 1].tolist()))
    assert found == texts
    assert len(manifest["shards"]) > 2
    assert manifest["documents"] == len(texts)
    assert manifest["characters"] == sum(map(len, texts))
    assert manifest["bytes"] == sum(len(text.encode()) for text in texts)
    assert Tokenizer.load(tmp_path / "out" / "vocabulary").fingerprint == manifest["tokenizer"]["fingerprint"]
    assert verify_shards(tmp_path / "out") == manifest


def test_a_long_file_is_one_document_also_after_an_interruption(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokenizer.text.cutting.PIECE", 1000)
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(f"{name} 한 줄입니다.\n" * 1000, "utf-8")
    corpus = sorted(tmp_path.glob("*.txt"))
    manifest = write_shards(tokenizer, corpus, tmp_path / "whole", shard_tokens=10)
    assert [shard["documents"] for shard in manifest["shards"]] == [1, 1, 1]
    ids = np.fromfile(tmp_path / "whole" / "shard-00001.bin", dtype="<u2").tolist()
    assert tokenizer.decode(ids) == corpus[1].read_text("utf-8") + "<|endoftext|>"
    write_shards(tokenizer, corpus, tmp_path / "parts", shard_tokens=10)
    (tmp_path / "parts" / "manifest.json").rename(tmp_path / "parts" / "progress.json")
    change(tmp_path / "parts" / "progress.json", shards=manifest["shards"][:1])
    write_shards(tokenizer, corpus, tmp_path / "parts", shard_tokens=10)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_encodings_are_recorded(tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes("결을 따라 자르면 매끄럽다.".encode("cp949"))
    manifest = write_shards(tokenizer, [tmp_path / "old.txt"], tmp_path / "out")
    assert manifest["encodings"] == {"old.txt": "cp949"}
    ids = np.fromfile(tmp_path / "out" / "shard-00000.bin", dtype="<u2").tolist()
    assert tokenizer.decode(ids[:-1]) == "결을 따라 자르면 매끄럽다."


def test_large_vocabularies_take_32_bits(corpus: Path, tmp_path: Path) -> None:
    class Large(Tokenizer):
        vocab_size = 70_000  # type: ignore[assignment]

    manifest = write_shards(Large(train(samples.folder(), 1000, recipe="plain").vocabulary), [corpus], tmp_path / "out")
    assert manifest["dtype"] == "uint32"
    assert (tmp_path / "out" / "shard-00000.bin").stat().st_size == 4 * manifest["tokens"]


def test_an_interrupted_run_gives_the_same_files(
    tokenizer: Tokenizer, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shards(tokenizer, [corpus], tmp_path / "whole", shard_tokens=8_000)
    calls = 0
    real = Encoder.parts

    def stopping(self: Encoder, texts: list[str]) -> Any:
        nonlocal calls
        calls += 1
        if calls == 900:
            raise KeyboardInterrupt
        return real(self, texts)

    monkeypatch.setattr("tokenizer.streaming.BATCH_BYTES", 1)  # a document a batch
    monkeypatch.setattr(Encoder, "parts", stopping)
    with pytest.raises(KeyboardInterrupt):
        write_shards(tokenizer, [corpus], tmp_path / "parts", shard_tokens=8_000)
    assert (tmp_path / "parts" / "shard-00000.bin").exists()
    assert not (tmp_path / "parts" / "manifest.json").exists()
    assert not list((tmp_path / "parts").glob("*.part"))
    assert not list((tmp_path / "parts").glob(".*"))
    with pytest.raises(InputError, match="unfinished"):
        verify_shards(tmp_path / "parts")
    write_shards(tokenizer, [corpus], tmp_path / "parts", shard_tokens=8_000)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    write_shards(tokenizer, [corpus], tmp_path / "parts", shard_tokens=8_000)  # nothing left to do
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[10] ^= 1
    path.write_bytes(bytes(raw))


def rewrite(path: Path) -> None:
    """Another digit: valid JSON of the right types."""
    path.write_text(re.sub(r'"tokens": \d', '"tokens": 9', path.read_text("utf-8")), "utf-8")


def change(path: Path, **fields: Any) -> None:
    write_state(path, read_state(path) | fields)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("shard-00000.bin", truncate, r"shard-00000\.bin: .* bytes instead of"),
        ("shard-00000.bin", flip, r"shard-00000\.bin: checksum differs"),
        ("shard-00000.idx", flip, r"shard-00000\.idx: checksum differs"),
        ("shard-00000.idx", Path.unlink, r"shard-00000\.idx: missing"),
        ("manifest.json", truncate, r"manifest\.json: not valid JSON"),
        ("manifest.json", lambda path: path.write_text("{}"), "not a manifest of gyeol-shards"),
        ("manifest.json", rewrite, r"manifest\.json: altered or damaged"),
        ("manifest.json", lambda path: change(path, dtype=3), "field 'dtype' is missing or not of type str"),
        ("manifest.json", lambda path: change(path, dtype="float64"), "dtype 'float64' is neither"),
        ("manifest.json", lambda path: change(path, shards=[{"ids": 1}]), "field 'ids' is missing or not of type str"),
        ("manifest.json", lambda path: change(path, tokenizer={}), "field 'fingerprint' is missing"),
        ("vocabulary/tokenizer.json", flip, r"tokenizer\.json: checksum differs"),
        ("vocabulary/tokenizer.json", Path.unlink, r"tokenizer\.json: missing"),
    ],
)
def test_damage_is_named(
    tokenizer: Tokenizer, corpus: Path, tmp_path: Path, name: str, damage: Callable[[Path], Any], message: str
) -> None:
    write_shards(tokenizer, [corpus], tmp_path / "out")
    damage(tmp_path / "out" / name)
    with pytest.raises(InputError, match=message):
        verify_shards(tmp_path / "out")


def test_nothing_of_another_kind_is_overwritten(tokenizer: Tokenizer, corpus: Path, tmp_path: Path) -> None:
    write_shards(tokenizer, [corpus], tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(InputError, match="another tokenizer"):
        write_shards(train(samples.folder(), 1100, recipe="plain"), [corpus], tmp_path / "out")
    with pytest.raises(InputError, match="another corpus"):
        write_shards(tokenizer, [samples.folder()], tmp_path / "out")
    with pytest.raises(InputError, match="other options"):
        write_shards(tokenizer, [corpus], tmp_path / "out", shard_tokens=5)
    assert contents(tmp_path / "out") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    with pytest.raises(InputError, match="holds no shards"):
        write_shards(tokenizer, [corpus], tmp_path / "mine")
    with pytest.raises(InputError, match="is a file"):
        write_shards(tokenizer, [corpus], tmp_path / "mine" / "a.txt")
    with pytest.raises(InputError, match="shard_tokens is 0"):
        write_shards(tokenizer, [corpus], tmp_path / "new", shard_tokens=0)
    assert contents(tmp_path / "mine") == {"a.txt": b"mine"}


def test_only_our_own_is_removed_of_an_unfinished_run(tokenizer: Tokenizer, corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_shards(tokenizer, [corpus], out)
    (out / "manifest.json").rename(out / "progress.json")
    change(out / "progress.json", shards=[], corpus=[])
    (out / "vocabulary" / "notes.txt").write_text("mine")
    before = contents(out)
    with pytest.raises(InputError, match=r"notes\.txt"):
        write_shards(tokenizer, [corpus], out)
    assert contents(out) == before


def test_a_corpus_that_changed_is_noticed(tokenizer: Tokenizer, corpus: Path, tmp_path: Path) -> None:
    write_shards(tokenizer, [corpus], tmp_path / "out")
    text = corpus.read_text("utf-8")
    corpus.write_text(text.replace("\\uac00", "\\ub098", 1), "utf-8")  # as long as before
    with pytest.raises(InputError, match="another corpus"):
        write_shards(tokenizer, [corpus], tmp_path / "out")


def test_a_run_that_wrote_nothing_leaves_nothing(tokenizer: Tokenizer, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(InputError, match="holds no text"):
        write_shards(tokenizer, [tmp_path / "empty.txt"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    write_shards(tokenizer, [corpus], tmp_path / "out")
    (tmp_path / "out" / "manifest.json").rename(tmp_path / "out" / "progress.json")
    change(tmp_path / "out" / "progress.json", shards=[], corpus=[])  # killed before its first shard
    (tmp_path / "out" / ".shard-00000.bin.0123abcd.gyeol-part").write_bytes(b"half")
    manifest = write_shards(tokenizer, [corpus], tmp_path / "out")
    assert verify_shards(tmp_path / "out") == manifest
    assert not list((tmp_path / "out").glob(".*"))


def test_standard_input_is_not_taken_for_what_was_there(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def feed(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    feed("첫째 글\n")
    first = write_shards(tokenizer, ["-"], tmp_path / "out")
    feed("둘째 글\n")
    with pytest.raises(InputError, match="standard input or a dataset cannot be compared"):
        write_shards(tokenizer, ["-"], tmp_path / "out")
    assert verify_shards(tmp_path / "out") == first
    (tmp_path / "out" / "manifest.json").rename(tmp_path / "out" / "progress.json")
    write_shards(tokenizer, ["-"], tmp_path / "out")  # unfinished: it starts over
    ids = np.fromfile(tmp_path / "out" / "shard-00000.bin", dtype="<u2")
    assert tokenizer.decode(ids[:-1].tolist()) == "둘째 글\n"
