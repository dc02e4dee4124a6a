"""The speed benchmark runs, compares ids and says what it could not measure; no figure is judged."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import benchmarks.speed.__main__ as speed
import samples
from benchmarks.speed import encoding
from benchmarks.speed.calls import slices
from benchmarks.speed.encoders import ENGINES
from benchmarks.speed.trainers import TRAINERS
from tokenizer import InputError, Tokenizer, train
from tokenizer.shards.write import write_shards

SAMPLES = str(samples.folder())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(speed.main, list(arguments))


@pytest.mark.slow
def test_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAINERS, "rustbpe", replace(TRAINERS["rustbpe"], modules=("no_such_module",)))
    out = tmp_path / "train.json"
    chosen = [word for name in ("gyeol-plain", "huggingface", "rustbpe") for word in ("--trainer", name)]
    done = run("train", SAMPLES, "--vocab-size", "600", "--rounds", "2", "--json", str(out), *chosen)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    assert list(found["results"]) == ["gyeol-plain", "huggingface"]
    for own in found["results"].values():
        assert len(own["rounds"]) == 2
        assert own["seconds"]["min"] <= own["seconds"]["median"] <= own["seconds"]["max"]
        assert own["peak_bytes"]["min"] > 10e6
        assert {run["tokens"] for run in own["rounds"]} == {600 - 71}
    assert found["results"]["huggingface"]["time_ratio"] == 1
    assert found["skipped"][0]["name"] == "rustbpe"
    assert "no_such_module is not installed" in found["skipped"][0]["reason"]
    assert "skipped rustbpe" in done.output
    assert len(found["corpus"]["files"][0]["sha256"]) == 64
    assert str(tmp_path) not in out.read_text(encoding="utf-8")
    assert SAMPLES not in out.read_text(encoding="utf-8")


@pytest.mark.slow
def test_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "fastokens", replace(ENGINES["fastokens"], module="no_such_module"))
    train(SAMPLES, 600, recipe="plain").save(tmp_path / "tiny")
    out = tmp_path / "encode.json"
    chosen = [word for name in ("gyeol", "tiktoken", "fastokens") for word in ("--engine", name)]
    options = ["--worst", "--worst-bytes", "1000", "--threads", "2", "--json", str(out), *chosen]
    done = run("encode", "-t", str(tmp_path / "tiny"), f"{SAMPLES}/letter.txt", *options)
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text(encoding="utf-8"))
    rows = found["results"]
    assert {(row["vocabulary"], row["engine"]) for row in rows} == {
        ("tiny", "gyeol"),
        ("tiny", "tiktoken"),
        ("o200k_base", "tiktoken"),
    }
    assert {row["case"] for row in rows} == {"text", *encoding.worst_texts(1000, [])}
    for row in rows:
        assert row["equal_documents"] == row["documents"] > 0
        assert row["mb_per_second"]["median"] > 0
        if row["threads"] == 1:
            assert row["of_one_thread"]["median"] == 1
    assert all("no_such_module" in skipped["reason"] for skipped in found["skipped"])
    assert found["skipped"]
    assert str(tmp_path) not in out.read_text(encoding="utf-8")


@pytest.mark.slow
def test_sharding(tmp_path: Path) -> None:
    train(SAMPLES, 600, recipe="plain").save(tmp_path / "tiny")
    out = tmp_path / "shard.json"
    done = run("shard", "-t", str(tmp_path / "tiny"), SAMPLES, "--rounds", "2", "--json", str(out))
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text(encoding="utf-8"))
    own = found["results"]
    assert len(own["rounds"]) == 2
    assert own["tokens"] == write_shards(Tokenizer.load(tmp_path / "tiny"), [SAMPLES], tmp_path / "shards")["tokens"]
    assert own["mb_per_second"]["max"] == found["corpus"]["bytes"] / 1e6 / own["seconds"]["min"]
    assert own["peak_bytes"]["min"] > 10e6
    assert own["cpu_seconds"]["min"] > 0
    assert str(tmp_path) not in out.read_text(encoding="utf-8")


@pytest.mark.slow
def test_pretraining(tmp_path: Path) -> None:
    write_shards(train(SAMPLES, 600, recipe="plain"), [SAMPLES], tmp_path / "shards")
    out = tmp_path / "pretrain.json"
    small = ["--context", "32", "--batch-tokens", "64", "--steps", "2", "--precision", "fp32", "--json", str(out)]
    done = run("pretrain", str(tmp_path / "shards"), *small)
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text(encoding="utf-8"))
    assert list(found["results"]) == ["gyeol fp32", "transformers fp32"]
    for own in found["results"].values():
        assert len(own["rounds"][0]["losses"]) == 3
        assert own["loss_difference"] < 1e-4  # the same work, in both
        assert own["tokens_per_second"]["median"] > 0
    assert str(tmp_path) not in out.read_text(encoding="utf-8")


def test_pieces_give_the_text_back() -> None:
    for text in ("", "가", "가나다\n" * 9000, "x" * 50_000):
        parts = list(encoding.cut(text))
        assert "".join(parts) == text
        assert all(0 < len(piece) <= encoding.CUT for piece in parts)


@pytest.mark.slow
def test_calls(tmp_path: Path) -> None:
    train(SAMPLES, 600, recipe="plain").save(tmp_path / "tiny")
    out = tmp_path / "calls.json"
    chosen = ["--engine", "gyeol", "--engine", "tokenizers"]
    done = run("calls", "-t", str(tmp_path / "tiny"), f"{SAMPLES}/letter.txt", *chosen, "--json", str(out))
    assert done.exit_code == 0, done.output
    rows = json.loads(out.read_text(encoding="utf-8"))["results"]
    assert [(row["engine"], row["characters"]) for row in rows] == [
        (engine, size) for size in (20, 200, 2000) for engine in ("gyeol", "tokenizers")
    ]
    for row in rows:
        assert row["equal_texts"] == row["calls"] > 0
        assert row["microseconds"]["median"] > 0


def test_slices_are_of_the_size_asked_and_the_same_again() -> None:
    texts = ["가나다라" * 10, "짧다"]
    assert {len(piece) for piece in slices(texts, 20)} == {20}
    assert slices(texts, 20) == slices(texts, 20)
    with pytest.raises(InputError, match="no text has 41 characters"):
        slices(texts, 41)


def test_worst_texts_are_as_long_as_asked() -> None:
    for text in encoding.worst_texts(10_000, ["a b\n"]).values():
        assert 9_900 < len(text[0].encode()) <= 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", SAMPLES, "--trainer", "nobody"], "unknown trainer 'nobody'"),
        (["train", "-"], "stdin"),
        (["train", SAMPLES, "--weight", "x"], "FILES=FACTOR"),
        (["train", "no-such-file.txt"], "no such file"),
        (["pretrain", "no-such-folder"], "manifest.json: no such file"),
        (["encode", "-t", "no-such-tokenizer", SAMPLES], "unknown tokenizer"),
        (["encode", "-t", "x", SAMPLES, "--engine", "nobody"], "unknown engine"),
        (["shard", "-t", "no-such-tokenizer", SAMPLES], "unknown tokenizer"),
        (["shard", "-t", "gyeol-100k", SAMPLES, "--timeout", "0.01"], "stopped after 0.01 s"),
    ],
)
def test_bad_input(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.output
