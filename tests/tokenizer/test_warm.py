"""After `gyeol warm` nothing is compiled any more."""

import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import samples
import tokenizer
from tests.conftest import ROOT


def kernels() -> set[str]:
    """Every kernel of the package, as numba names its files."""
    modules = [import_module(module.name) for module in pkgutil.walk_packages(tokenizer.__path__, "tokenizer.")]
    found = [value.py_func for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)]
    return {f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}" for function in found}


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
    kept = {name.rpartition("-")[0].replace(".locals.", ".<locals>.") for name in there}
    assert kernels() <= kept, "kernels that nothing in tokenizer/warm.py calls"
    corpus = str(samples.folder())
    for arguments in (
        ["train", corpus, "--vocab-size", "1000", "--out", "made", "--weight", "essay*=2"],
        ["train", corpus, "--vocab-size", "1000", "--out", "strict", "--recipe", "strict"],
        ["train", corpus, "--vocab-size", "1000", "--out", "right3", "--digits", "right3", "--memory", "4GB"],
        ["train", corpus, "--vocab-size", "1000", "--out", "plain", "--recipe", "plain"],
        ["extend", "cl100k_base", corpus, "--add", "100", "--out", "extended"],
        *(["encode", "-t", name, f"{corpus}/essay.txt"] for name in ("made", "strict", "right3", "plain", "extended")),
        ["inspect", "-t", "plain", "결을 따라"],
        ["inspect", "-t", "gyeol-200k", "결을 따라"],
        ["shard", "-t", "right3", corpus, "--out", "shards"],
    ):
        assert "compiling" not in gyeol(*arguments)
    assert compiled() == there
