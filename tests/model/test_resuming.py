"""A run that was stopped, killed or damaged goes on, bit for bit, from what is whole."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from model import load_model, pretrain, pretraining
from model.checkpoint import latest_checkpoint
from model.signals import DeferredSignals, Stopped
from model.trainer import Trainer
from tests.support.models import OPTIONS, interrupt_at, log
from tokenizer.errors import InputError
from tokenizer.state_files import read_state, write_state

pytestmark = pytest.mark.usefixtures("tiny")


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
    assert "z.safetensors does not belong to the checkpoint" in caplog.text


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "result.json"])
def test_a_finished_run_that_was_altered_is_refused(data: Path, tmp_path: Path, name: str) -> None:
    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    raw = bytearray((tmp_path / "run" / name).read_bytes())
    place = raw.index(b"tokens") + 9 if name == "result.json" else len(raw) // 2
    raw[place] = ord("7") if raw[place] != ord("7") else ord("8")
    (tmp_path / "run" / name).write_bytes(raw)
    with pytest.raises(InputError, match=rf"{name}: .*altered"):
        load_model(tmp_path / "run")


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
