"""Pretraining learns, reports honest bits per byte, and resumes bit for bit."""

import math
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from model import load_model, pretrain, pretraining
from model.checkpoint import TrainingState, latest_checkpoint
from model.data import TokenStream
from model.evaluate import Validation, byte_lengths
from model.pretraining import default_tokens
from model.schedule import learning_rate
from model.signals import DeferredSignals, Stopped
from model.trainer import Trainer
from tests.support.models import END, OPTIONS, ByteTokenizer, interrupt_at, log, sentences, write_shards
from tokenizer.errors import InputError
from tokenizer.state_files import read_state, write_state

pytestmark = pytest.mark.usefixtures("tiny")


def test_a_run_learns_and_leaves_a_whole_folder(data: Path, tmp_path: Path) -> None:
    result = pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 100 * 256, "lr": 1e-2, "checkpoint_steps": 50})
    lines = log(tmp_path / "run")
    steps = [line for line in lines if "loss" in line]
    validations = [line for line in lines if "bits_per_byte" in line]
    assert [line["step"] for line in steps] == list(range(1, 101))
    assert [line["step"] for line in validations] == list(range(0, 101, 10))
    assert validations[0]["unigram_bits_per_byte"] == result.unigram_bits_per_byte
    assert validations[0]["validation_loss"] == pytest.approx(math.log(384), abs=0.1)
    assert result.bits_per_byte == validations[-1]["bits_per_byte"]
    assert result.bits_per_byte < 0.75 * result.unigram_bits_per_byte
    assert result.initial_bits_per_byte > result.unigram_bits_per_byte
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "gyeol.json", "result.json"} <= names
    kept = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert kept == ["step-000050", "step-000100"]


def test_transformers_loads_the_run(data: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    ids = torch.arange(20)[None]
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(tmp_path / "run")(ids).logits
        torch.testing.assert_close(load_model(tmp_path / "run")(ids), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_interrupted_run_resumes_bit_for_bit(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    options = {**OPTIONS, "precision": precision}
    pretrain(data, tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        interrupt_at(patch, step=13)
        with pytest.raises(KeyboardInterrupt):
            pretrain(data, tmp_path / "run", **options)
    assert not (tmp_path / "run" / "model.safetensors").exists()
    assert (tmp_path / "run" / "checkpoints" / "step-000013").is_dir()
    pretrain(data, tmp_path / "run", **options)
    assert log(tmp_path / "run") == log(tmp_path / "whole")
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("run", "whole"))
    assert first == second


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_run_that_is_told_to_stop_saves_and_goes_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    number, options = getattr(signal, name), {**OPTIONS, "checkpoint_steps": 1000}
    pretrain(data, tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 7, number)
        with pytest.raises(Stopped, match=name) as stop:
            pretrain(data, tmp_path / "run", **options)
    assert stop.value.code == 128 + number
    assert (tmp_path / "run" / "checkpoints" / "step-000007").is_dir()
    pretrain(data, tmp_path / "run", **options)
    assert "going on from step 7 of 20" in caplog.text
    assert log(tmp_path / "run") == log(tmp_path / "whole")
    weights = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("run", "whole")]
    assert weights[0] == weights[1]


def test_an_ignored_signal_stays_so() -> None:
    """As SIGHUP is under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with DeferredSignals() as signals:
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
            signals.check()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGHUP, before)


def test_checkpoints_by_the_clock(data: Path, tmp_path: Path) -> None:
    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 1024, "checkpoint_minutes": 1e-9, "keep": 9})
    names = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert names == [f"step-{step:06d}" for step in range(1, 5)]


@pytest.mark.parametrize("point", ["first step", "result"])
def test_no_line_of_the_log_is_written_twice(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    options = {**OPTIONS, "tokens": 1024, "checkpoint_steps": 1000}
    pretrain(data, tmp_path / "whole", **options)

    def crash(*_: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        owner, name = (Trainer, "_gradients") if point == "first step" else (pretraining, "write_state")
        patch.setattr(owner, name, crash)
        with pytest.raises(OSError, match="disk full"):
            pretrain(data, tmp_path / "run", **options)
    with (tmp_path / "run" / "log.jsonl").open("ab") as file:
        file.write(b'{"step": 1, \xff')
    pretrain(data, tmp_path / "run", **options)
    assert log(tmp_path / "run") == log(tmp_path / "whole")


def test_a_crash_goes_back_to_the_last_whole_checkpoint(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pretrain(data, tmp_path / "whole", **OPTIONS)
    with monkeypatch.context() as patch:
        step = Trainer._step

        def crash(self: Trainer) -> None:
            if self.state.step == 13:
                raise OSError("disk full")
            step(self)

        patch.setattr(Trainer, "_step", crash)
        with pytest.raises(OSError, match="disk full"):
            pretrain(data, tmp_path / "run", **OPTIONS)
    weights = tmp_path / "run" / "checkpoints" / "step-000010" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    (tmp_path / "run" / "checkpoints" / ".step-000015.0123abcd.gyeol-part").mkdir()
    newest = latest_checkpoint(tmp_path / "run")
    assert newest is not None
    assert newest.name == "step-000005"
    pretrain(data, tmp_path / "run", **OPTIONS)
    assert "step-000010: damaged" in caplog.text
    assert not list((tmp_path / "run").rglob(".*"))
    assert log(tmp_path / "run") == log(tmp_path / "whole")


def mistype(path: Path) -> None:
    write_state(path, read_state(path) | {"step": "10"})


def flip(path: Path) -> None:
    """One digit of a number: JSON all the same."""
    path.write_text(path.read_text().replace('"tokens": 2560', '"tokens": 2561'))


@pytest.mark.parametrize("damage", [mistype, flip, Path.unlink, lambda path: path.write_bytes(b'{"step": \xff}')])
def test_a_damaged_state_goes_back_to_the_checkpoint_before(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, damage: Any
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, 10)
        with pytest.raises(KeyboardInterrupt):
            pretrain(data, tmp_path / "run", **OPTIONS)
    damage(tmp_path / "run" / "checkpoints" / "step-000010" / "training.json")
    newest = latest_checkpoint(tmp_path / "run")
    assert newest
    assert newest.name == "step-000005"
    assert "step-000010: damaged" in caplog.text


def test_a_stray_file_of_weights_is_never_read(data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 2560})
    newest = tmp_path / "run" / "checkpoints" / "step-000010"
    (newest / "z.safetensors").write_bytes((newest / "model.safetensors").read_bytes())
    assert latest_checkpoint(tmp_path / "run") == newest.with_name("step-000005")
    assert "z.safetensors is no part of the checkpoint" in caplog.text


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "result.json"])
def test_a_finished_run_that_was_altered_is_refused(data: Path, tmp_path: Path, name: str) -> None:
    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    raw = bytearray((tmp_path / "run" / name).read_bytes())
    place = raw.index(b"tokens") + 9 if name == "result.json" else len(raw) // 2
    raw[place] = ord("7") if raw[place] != ord("7") else ord("8")
    (tmp_path / "run" / name).write_bytes(raw)
    with pytest.raises(InputError, match=rf"{name}: .*altered"):
        load_model(tmp_path / "run")


def test_micro_batches_add_up_to_the_whole_batch(data: Path, tmp_path: Path) -> None:
    for name, size in (("one", 256), ("four", 64)):
        pretrain(data, tmp_path / name, **{**OPTIONS, "micro_batch_tokens": size})
    for first, second in zip(log(tmp_path / "one"), log(tmp_path / "four"), strict=True):
        assert first == pytest.approx(second, rel=1e-4)


def test_a_finished_run_says_so(data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    result = pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    assert pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512}) == result
    assert "is finished" in caplog.text


def test_another_run_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=r"another run \(options\.lr is 0\.003 there, 0\.5 here\)"):
        pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512, "lr": 0.5})
    other = write_shards(tmp_path / "other", [sentences(200, 9)])
    with pytest.raises(InputError, match="data is"):
        pretrain(other, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(InputError, match="not empty"):
        pretrain(data, tmp_path / "mine", **OPTIONS)


@pytest.mark.parametrize("calls", range(4))
def test_a_run_killed_while_it_is_set_up_goes_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Ctrl-C at each of the files that a new run folder gets."""
    pretrain(data, tmp_path / "whole", **{**OPTIONS, "tokens": 512})
    replace, left = os.replace, [calls]

    def interrupted(source: Path, target: Path) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    for name in ("config.json", "tokenizer.json", "pretrain.json", "model.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.slow
def test_the_clock_ends_a_run(data: Path, tmp_path: Path) -> None:
    result = pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 10**9, "max_seconds": 1.0})
    assert 0 < result.tokens < 10**7
    rates = [line["lr"] for line in log(tmp_path / "run") if "lr" in line]
    assert rates[-1] < 0.3 * max(rates)  # the schedule followed the clock
    assert max(rates) > 0.9 * 0.003  # the peak was reached, however long validation took


def test_bits_per_byte_is_total_bits_over_raw_bytes(data: Path, tmp_path: Path) -> None:
    text = "결을 따라 나무를 다듬는 사람"
    ids = np.array([END, *text.encode(), END], dtype=np.uint16)
    validation = Validation(TokenStream([ids]), 16, 10**6, byte_lengths(ByteTokenizer()))
    assert validation.bytes == len(text.encode())
    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    model = load_model(tmp_path / "run")
    found = validation.evaluate(model, torch.device("cpu"), "fp32")
    total = 0.0
    for start in range(0, len(ids) - 1, 16):
        window = torch.from_numpy(ids[start : start + 17].astype(np.int64))
        total += F.cross_entropy(model(window[None, :-1])[0], window[1:], reduction="sum").item()
    assert len(validation.targets) == len(ids) - 1
    assert found.bits_per_byte == pytest.approx(total / math.log(2) / len(text.encode()), rel=1e-5)
    counts = np.bincount(ids, minlength=257)
    expected = -sum(math.log2((counts[token] + 1) / (len(ids) + 257)) for token in ids[1:].tolist())
    assert validation.unigram(counts).bits_per_byte == pytest.approx(expected / len(text.encode()))


def test_a_validation_folder_is_used_and_must_share_the_tokenizer(data: Path, tmp_path: Path) -> None:
    other = write_shards(tmp_path / "other", [["다른 글이다."]])
    result = pretrain(data, tmp_path / "run", validation=other, **{**OPTIONS, "tokens": 512})
    assert result.bits_per_byte > 0
    manifest = read_state(other / "manifest.json")
    manifest["tokenizer"]["fingerprint"] = "cd" * 32
    write_state(other / "manifest.json", manifest)
    with pytest.raises(InputError, match=r"other was encoded by tokenizer cdcdcd"):
        pretrain(data, tmp_path / "again", validation=other, **OPTIONS)


def test_too_little_data_is_refused(tmp_path: Path) -> None:
    little = write_shards(tmp_path / "little", [["가나다"]])
    with pytest.raises(InputError, match=r"has 10 tokens; training with context 32 needs 66"):
        pretrain(little, tmp_path / "run", **OPTIONS)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_stops_the_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.trainer.learning_rate", lambda *_: math.inf)
    with pytest.raises(InputError, match=r"the loss is nan .* at step 2 .* lower lr"):
        pretrain(data, tmp_path / "run", **OPTIONS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": 0}, "tokens is 0"),
        ({"lr": -1.0}, "lr is -1.0"),
        ({"warmup": 1.0}, "warmup is 1.0"),
        ({"schedule": "linear"}, "'linear'; choose one of cosine, wsd"),
        ({"precision": "fp8"}, "'fp8'; choose one of auto, fp32, bf16"),
        ({"batch_tokens": 16}, "below one window of 32"),
        ({"seed": -1}, "seed is -1; it must be from 0"),
        ({"shape": {"num_layers": 10**6}}, "num_layers is 1,000,000; it must be at most 1,000"),
        ({"checkpoint_minutes": 0}, "checkpoint_minutes is 0"),
        ({"device": "meta"}, "it holds no numbers"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
        ({"preset": "huge"}, "unknown model preset 'huge'"),
    ],
)
def test_options_out_of_range_are_refused(data: Path, tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pretrain(data, tmp_path / "run", **{**OPTIONS, **options})
    assert not (tmp_path / "run").exists()


def test_default_tokens_are_twenty_a_parameter_or_four_epochs() -> None:
    from model import preset

    nano = preset("nano", 32_768)
    assert default_tokens(nano, 10**12) == 20 * nano.body_parameters
    assert default_tokens(nano, 10**6) == 4 * 10**6


def test_schedules() -> None:
    for schedule in ("cosine", "wsd"):
        assert learning_rate(schedule, 2.0, 0.1, 0.05) == pytest.approx(1.0)
        assert learning_rate(schedule, 2.0, 0.1, 0.1) == pytest.approx(2.0)
        assert learning_rate(schedule, 2.0, 0.1, 1.0) == pytest.approx(0.0)
    assert learning_rate("cosine", 2.0, 0.0, 0.5) == pytest.approx(1.0)
    assert learning_rate("wsd", 2.0, 0.1, 0.79) == 2.0
    assert learning_rate("wsd", 2.0, 0.1, 0.9) == pytest.approx(1.0)


def test_load_model_needs_a_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config\.json: no such file"):
        load_model(tmp_path)
    assert TrainingState().step == 0
