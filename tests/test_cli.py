"""The command line: every command's work, its JSON, and what it says of bad input (exit code 2, no traceback)."""

import codecs
import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

import cli
import samples
from tests.conftest import ROOT
from tokenizer import Tokenizer, train
from tokenizer.shards.write import write_shards

CORPUS = str(samples.folder())


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Gyeol = Callable[..., Outcome]


@pytest.fixture
def gyeol(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Gyeol:
    """Run the command in this process."""

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["gyeol", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Outcome(int(stop.value.code or 0), out, err)

    return run


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "small"
    train(samples.folder(), 1000, recipe="plain", name="small").save(folder)
    return folder


@pytest.fixture(scope="module")
def shards(tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "shards"
    write_shards(Tokenizer.load(tokenizer), [CORPUS], folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_special_tokens_of_ones_own(gyeol: Gyeol, tmp_path: Path) -> None:
    command = ("train", CORPUS, "--vocab-size", 800, "--recipe", "plain", "--out", tmp_path / "t")
    assert gyeol(*command, "--special-token", "<|a|>", "--special-token", "<|b|>").code == 0
    assert list(Tokenizer.load(tmp_path / "t").special_tokens.items())[-2:] == [("<|a|>", 798), ("<|b|>", 799)]
    for wanted in ("<|end|>", ""):
        refused = gyeol(*command, "--special-token", wanted, "--force")
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert f"special token {wanted!r}" in refused.err
    assert gyeol(*command, "--special-token", "<|c|>", "--special-token", "<|c|>", "--force").code == 2


def test_train_and_its_json(gyeol: Gyeol, tmp_path: Path) -> None:
    done = gyeol("train", CORPUS, "--vocab-size", 1200, "--out", tmp_path / "t", "--json")
    record = json.loads(done.out)
    assert (done.code, record["vocab_size"], record["folder"]) == (0, 1200, str(tmp_path / "t"))
    assert record["recipe"] == "curriculum"
    assert Tokenizer.load(tmp_path / "t").name == "t"
    again = gyeol("train", CORPUS, "--vocab-size", 1100, "--out", tmp_path / "t")
    assert (again.code, "already holds a tokenizer" in again.err, "--force" in again.err) == (2, True, True)
    assert gyeol("train", CORPUS, "--vocab-size", 1100, "--out", tmp_path / "t", "--force").code == 0
    assert Tokenizer.load(tmp_path / "t").vocab_size == 1100


def test_encode_decode_and_inspect(gyeol: Gyeol, tokenizer: Path, tmp_path: Path) -> None:
    text = "결을 따라\r\n자르면 <|endoftext|> 매끄럽다"
    (tmp_path / "text.txt").write_bytes(text.encode())
    ids = gyeol("encode", "-t", tokenizer, tmp_path / "text.txt").out
    assert list(map(int, ids.split())) == Tokenizer.load(tokenizer).encode(text)
    (tmp_path / "ids.txt").write_text(ids)
    assert gyeol("decode", "-t", tokenizer, tmp_path / "ids.txt").out == text
    shown = json.loads(gyeol("inspect", "-t", tokenizer, "결을 따라", "--json").out)
    assert [token["id"] for token in shown["tokens"]] == Tokenizer.load(tokenizer).encode("결을 따라")
    assert json.loads(gyeol("inspect", "-t", tokenizer, "--json").out)["vocab_size"] == 1000
    both = gyeol("inspect", "-t", "gyeol-100k", "-t", tokenizer, "결을 \x1b[31m따라").out
    assert "gyeol-100k: " in both
    assert "\\x1b[31m" in both
    assert "\x1b" not in both
    assert (
        gyeol("inspect", "-t", "gyeol-100k", "--file", tmp_path / "text.txt")
        .out.splitlines()[1]
        .startswith("결을 따라")
    )
    records = json.loads(gyeol("inspect", "-t", "gyeol-100k", "-t", "o200k_base", "--json", "결을 따라").out)
    assert [record["tokenizer"] for record in records] == ["gyeol-100k", "o200k_base"]
    assert [token["bytes"] for token in records[1]["tokens"]][-1][1] == len("결을 따라".encode())


def test_fertility(gyeol: Gyeol, tokenizer: Path) -> None:
    result = json.loads(gyeol("fertility", "-t", "gyeol-100k", "-t", tokenizer, CORPUS, "--json").out)
    assert result["results"]["gyeol-100k"]["groups"]["Korean"]["ratio"]["o200k_base"] > 1.4
    assert "small" in gyeol("fertility", "-t", tokenizer, CORPUS).out


@pytest.mark.slow
def test_shard_pretrain_and_generate(gyeol: Gyeol, tokenizer: Path, tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    assert json.loads(gyeol("shard", "-t", tokenizer, CORPUS, "--out", data, "--json").out)["documents"] == 10
    again = gyeol("shard", "-t", tokenizer, CORPUS, "--out", data)
    assert (again.code, "complete already" in again.err or "10 documents" in again.out) == (0, True)
    options = ["--tokens", 512, "--context", 32, "--batch-tokens", 128, "--json"]
    result = json.loads(gyeol("pretrain", "--data", data, "--out", run, *options).out)
    assert result["tokens"] == 512
    assert gyeol("generate", run, "--prompt", "오늘은", "--max-tokens", 4).out.startswith("오늘은")
    prompts = ["--prompt", "오늘은", "--prompt", "결을 따라", "--max-tokens", 4, "--temperature", 0]
    written = json.loads(gyeol("generate", run, *prompts, "--no-heal", "--json").out)
    assert written[1] == {"prompt": "결을 따라", "continuation": transformers_greedy(run, "결을 따라", 4)}
    assert gyeol("plot", run, "--out", tmp_path / "curves.html").code == 0
    assert "not a run" in gyeol("plot", data, "--out", tmp_path / "other.html").err
    assert "already exists" in gyeol("plot", run, "--out", tmp_path / "curves.html").err
    assert gyeol("plot", run, "--out", tmp_path / "curves.html", "--force").code == 0
    before = contents(run)
    for force in ([], ["--force"]):  # a run folder holds the tokenizer's files, and is none
        done = gyeol("train", CORPUS, "--vocab-size", 1000, "--out", run, *force)
        assert (done.code, "do not belong to a tokenizer" in done.err) == (2, True), done.err
    assert contents(run) == before
    other = gyeol("pretrain", "--data", data, "--out", run, "--tokens", 1024, "--context", 32, "--batch-tokens", 128)
    assert (other.code, "run" in other.err) == (2, True)


def transformers_greedy(run: Path, prompt: str, tokens: int) -> str:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(run), AutoModelForCausalLM.from_pretrained(run)
    start = [tokenizer.convert_tokens_to_ids("<|endoftext|>"), *tokenizer.encode(prompt)]
    written = model.generate(torch.tensor([start]), max_new_tokens=tokens, do_sample=False)[0, len(start) :]
    raw = b"".join(map(Tokenizer.load(run).token_bytes, written[written != start[0]].tolist()))
    return codecs.getincrementaldecoder("utf-8")("replace").decode(raw)  # an unfinished character is left out


def test_dry_run(gyeol: Gyeol) -> None:
    plan = json.loads(gyeol("pretrain", "--dry-run", "--preset", "ax-3.1", "--gpus", 64, "--json").out)
    assert plan["parameters"] == 34_670_911_488
    assert "sharded by FSDP2" in gyeol("pretrain", "--dry-run", "--preset", "ax-3.1", "--gpus", 64).out


BAD: dict[str, tuple[list[str], str]] = {
    "no corpus": (["train", "nowhere.txt", "--out", "t"], "nowhere.txt: no such file or folder"),
    "empty corpus": (["train", "empty.txt", "--out", "t"], "empty.txt: holds no text"),
    "another kind": (["train", "picture.png", "--out", "t"], "picture.png: unknown kind of file"),
    "small vocabulary": (["train", CORPUS, "--vocab-size", "300", "--out", "t"], "300 is below 327"),
    "not filled": (["train", CORPUS, "--vocab-size", "99999", "--out", "t"], "--fill-what-you-can"),
    "recipe": (["train", CORPUS, "--recipe", "best", "--out", "t"], "unknown recipe 'best'; known: curriculum"),
    "digits": (
        ["train", CORPUS, "--recipe", "plain", "--digits", "right3", "--out", "t"],
        "--digits right3 is for the recipe curriculum, not 'plain'",
    ),
    "stage": (["train", CORPUS, "--stage", "words=1", "--out", "t"], "unknown stage 'words'"),
    "stage form": (["train", CORPUS, "--stage", "words", "--out", "t"], "'words' is not of the form LEVEL=SHARE"),
    "weight": (["train", CORPUS, "--weight", "zz*=2", "--out", "t"], "'zz*' matches no file"),
    "minimum count": (["train", CORPUS, "--min-count", "1000000000000000000", "--out", "t"], "from 1 to 1,000,000,000"),
    "weight of inf": (["train", CORPUS, "--weight", "x=inf", "--out", "t"], "is not from 0.01 to 1000"),
    "vocabulary in shape": (["pretrain", "--dry-run", "--shape", "vocab_size=5"], "is the tokenizer's; leave it out"),
    "few documents": (["train", CORPUS, "--min-documents", "0", "--out", "t"], "--min-documents is 0; it must be"),
    "no size": (
        ["train", CORPUS, "--memory", "much", "--out", "t"],
        "memory is 'much'; it must be a number with MB, GB",
    ),
    "little memory": (["train", CORPUS, "--memory", "10MB", "--out", "t"], "and memory is 10MB: "),
    "full folder": (["train", CORPUS, "--out", "."], "something other than a tokenizer"),
    "tokenizer": (["encode", "-t", "nothing", "empty.txt"], "unknown tokenizer 'nothing'"),
    "peer": (["fertility", "-t", "nothing", CORPUS], "nothing"),
    "invalid UTF-8": (["encode", "-t", "gyeol-100k", "--errors", "strict", "picture.png"], "invalid UTF-8 at byte 0"),
    "no ids": (["decode", "-t", "gyeol-100k", "words.txt"], "'둘' is not a token id"),
    "ids beyond": (["decode", "-t", "gyeol-100k", "ids.txt"], "id 102400 is not in this vocabulary"),
    "shards": (["pretrain", "--data", ".", "--out", "run"], "manifest.json: no such file"),
    "no data": (["pretrain", "--out", "run"], "give --data and --out"),
    "shape": (["pretrain", "--dry-run", "--shape", "qk_norm"], "'qk_norm' is not of the form NAME=VALUE"),
    "long context": (["pretrain", "--dry-run", "--context", "9999"], "context 9,999 is longer than the 512 of nano"),
    "run": (["generate", ".", "--prompt", "오늘은"], "config.json"),
}


def test_a_special_token_that_is_there_already(gyeol: Gyeol, tmp_path: Path) -> None:
    done = gyeol("train", CORPUS, "--vocab-size", "1000", "--special-token", "<|pad|>", "--out", tmp_path / "made")
    assert (done.code, done.out) == (2, "")
    assert "special token '<|pad|>' is there already" in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(gyeol: Gyeol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "words.txt").write_text("1 둘 3")
    (tmp_path / "ids.txt").write_text("102400")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n")
    before = contents(tmp_path)
    arguments, message = BAD[case]
    done = gyeol(*arguments)
    assert (done.code, message in done.err) == (2, True), done.err
    assert contents(tmp_path) == before


def test_presets_and_foreign_shards_are_named(gyeol: Gyeol, shards: Path, tmp_path: Path) -> None:
    done = gyeol("pretrain", "--data", shards, "--preset", "giant", "--out", tmp_path / "run")
    assert (done.code, "unknown model preset 'giant'" in done.err) == (2, True)
    write_shards(train(samples.folder(), 900, recipe="plain"), [CORPUS], tmp_path / "other")
    done = gyeol("pretrain", "--data", shards, "--validation", tmp_path / "other", "--out", tmp_path / "run")
    assert (done.code, "was encoded by tokenizer" in done.err) == (2, True)
    assert not (tmp_path / "run" / "model.safetensors").exists()


def break_with(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "No space left on device"),
        (MemoryError(), 2, "MemoryError"),
    ],
)
def test_a_failure_while_writing_leaves_the_old_whole(
    gyeol: Gyeol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    assert gyeol("train", CORPUS, "--vocab-size", 1000, "--recipe", "plain", "--out", tmp_path / "t").code == 0
    before = contents(tmp_path)
    monkeypatch.setattr("tokenizer.files.os.fsync", break_with(error))
    done = gyeol("train", CORPUS, "--vocab-size", 1100, "--recipe", "plain", "--out", tmp_path / "t", "--force")
    assert (done.code, message in done.err) == (code, True), done.err
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error(tokenizer: Path) -> None:
    command = f"{sys.executable} -m cli encode -t {tokenizer} {samples.folder()}/news.txt | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT)
    assert len(done.stdout) == 10
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", ["fertility -t {} README.md", "inspect -t {} --file {}/code.txt"])
def test_tables_for_a_reader_that_has_left_are_no_error(tokenizer: Path, command: str) -> None:
    arguments = command.format(tokenizer, samples.folder()).split()
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-m", "cli", *arguments], stdout=writing, stderr=subprocess.PIPE, cwd=ROOT)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_a_closed_stream_is_named(tokenizer: Path, closed: str) -> None:
    command = f"echo a | {sys.executable} -m cli encode -t {tokenizer} {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2, done.stderr
    assert "is closed; redirect it" in done.stderr
    assert "Traceback" not in done.stderr
