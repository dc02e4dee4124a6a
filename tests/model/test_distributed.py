"""Runs of several processes, runs that are killed, and both: the losses are those of one undisturbed process."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import samples
from model.parallel import Workers, check_parallel
from tests.conftest import ROOT
from tokenizer import train
from tokenizer.errors import InputError
from tokenizer.shards.write import write_shards

STEPS = 20
SHAPE = ("hidden_size=32", "intermediate_size=64", "num_layers=2")
OPTIONS = [
    *(word for part in SHAPE for word in ("--shape", part)),
    *("--context", "32", "--tokens", str(STEPS * 256), "--batch-tokens", "256", "--micro-batch-tokens", "64"),
    *("--device", "cpu", "--precision", "fp32"),
    *("--optimizer", "adamw", "--lr", "0.003"),  # Muon cannot be sharded, and its bfloat16 makes more of rounding
]
KILLED = """
import os, signal, sys
from dataclasses import replace
import cli
from model.trainer import Trainer

def killed(self, step=Trainer._step):
    step(self)
    if self.state.step == int(os.environ["KILL_AT"]):
        os.kill(os.getpid(), signal.SIGKILL)

def often(self, *arguments, begin=Trainer.__init__, **rest):
    begin(self, *arguments, **rest)
    self.config = replace(self.config, checkpoint_steps=5)

Trainer._step, Trainer.__init__ = killed, often
cli.main()
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distributed")
    write_shards(train(samples.folder(), 600, recipe="plain"), [str(samples.folder())], folder / "data")
    return folder / "data"


@pytest.fixture(scope="module")
def whole(data: Path) -> Path:
    """A run of one process that nothing disturbed."""
    run = data.parent / "whole"
    assert pretrain(data, run).returncode == 0
    return run


def pretrain(
    data: Path, run: Path, *options: str, processes: int = 1, kill_at: int | None = None
) -> subprocess.CompletedProcess[str]:
    python = [sys.executable]
    if processes > 1:
        python += ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    script = data.parent / "killed.py"
    script.write_text(KILLED)
    what = ["-m", "cli"] if kill_at is None else [str(script)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "KILL_AT": str(kill_at)}
    command = [*python, *what, "pretrain", "--data", str(data), "--out", str(run), *OPTIONS, *options]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=run.parent)


def losses(run: Path) -> list[float]:
    records = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    return [record["loss"] for record in records if "loss" in record]


@pytest.mark.slow
def test_killed_and_resumed_is_bit_for_bit_the_same(data: Path, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert pretrain(data, run, kill_at=13).returncode == -signal.SIGKILL
    assert len(losses(run)) == 13
    assert not (run / "model.safetensors").exists()
    assert pretrain(data, run).returncode == 0
    assert losses(run) == losses(whole)
    for name in ("model.safetensors", "checkpoints/step-000020/optimizer.safetensors"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_are_killed_and_one_goes_on(data: Path, whole: Path, tmp_path: Path, parallel: str) -> None:
    run = tmp_path / "run"
    assert pretrain(data, run, "--parallel", parallel, processes=2, kill_at=8).returncode != 0
    files = sorted(path.name for path in (run / "checkpoints" / "step-000005").iterdir())
    assert [name for name in files if name.startswith("shard-")] == (files[:2] if parallel == "fsdp" else [])
    assert pretrain(data, run).returncode == 0
    assert losses(run) == pytest.approx(losses(whole), abs=2e-5)


@pytest.mark.slow
def test_one_process_is_killed_and_two_sharded_ones_go_on(data: Path, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert pretrain(data, run, kill_at=8).returncode != 0
    done = pretrain(data, run, "--parallel", "fsdp", "--json", processes=2)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == STEPS  # the first process speaks, and it alone
    assert losses(run) == pytest.approx(losses(whole), abs=2e-5)


def test_what_processes_cannot_share_is_refused() -> None:
    with pytest.raises(InputError, match="muon needs whole matrices"):
        check_parallel(4, Workers(count=2), "muon", sharded=True)
    with pytest.raises(InputError, match="5 windows, which 2 processes cannot share evenly"):
        check_parallel(5, Workers(count=2), "adamw", sharded=False)
