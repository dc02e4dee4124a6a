"""After `gyeol warm` nothing is compiled any more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import samples
from tests.conftest import ROOT


@pytest.mark.slow
def test_nothing_is_compiled_behind_it(tmp_path: Path) -> None:
    environment = os.environ | {"GYEOL_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}

    def gyeol(*arguments: str) -> str:
        command = [sys.executable, "-m", "gyeol", *arguments]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def compiled() -> set[str]:
        return {path.name for path in (tmp_path / "cache").rglob("*.nbc")}

    said = gyeol("warm")
    there = compiled()
    assert "kernels in" in said
    assert there
    corpus = str(samples.folder())
    for arguments in (
        ["train", corpus, "--vocab-size", "1000", "--out", "made", "--weight", "essay*=2"],
        ["train", corpus, "--vocab-size", "1000", "--out", "strict", "--recipe", "strict"],
        ["train", corpus, "--vocab-size", "1000", "--out", "right3", "--digits", "right3", "--memory", "4GB"],
        ["encode", "-t", "made", f"{corpus}/essay.txt"],
        ["inspect", "-t", "gyeol-200k", "결을 따라"],
        ["shard", "-t", "right3", corpus, "--out", "shards"],
    ):
        assert "compiling" not in gyeol(*arguments)
    assert compiled() == there
