"""The package in one import, and what it is described by."""

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

import gyeol
import tokenizer
from tests.conftest import ROOT


def test_every_public_name_is_there() -> None:
    assert dir(gyeol) == sorted(gyeol.__all__) == gyeol.__all__
    for name in gyeol.__all__:
        assert getattr(gyeol, name).__name__ == name
    with pytest.raises(AttributeError, match="'gyeol' has no attribute 'nothing'"):
        _ = gyeol.nothing  # type: ignore[attr-defined]


def test_python_m_gyeol_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "gyeol", "--version"], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith("gyeol, version ")


def test_packages_show_their_public_names() -> None:
    assert dir(tokenizer) == sorted(tokenizer.__all__) == ["InputError", "Tokenizer", "train", "train_from_iterator"]
    assert {"from_pretrained", "save_pretrained", "encode_ordinary", "n_vocab"} <= set(dir(gyeol.Tokenizer))


def test_names_of_transformers(tmp_path: Path) -> None:
    shipped = gyeol.Tokenizer.from_pretrained("gyeol-32k")
    assert shipped.fingerprint == tokenizer.Tokenizer.load("gyeol-32k").fingerprint
    shipped.save_pretrained(tmp_path / "saved")
    assert gyeol.Tokenizer.from_pretrained(tmp_path / "saved").fingerprint == shipped.fingerprint
    with pytest.raises(gyeol.InputError, match="force=True"):
        shipped.save_pretrained(tmp_path / "saved")
    shipped.save_pretrained(tmp_path / "saved", force=True)


def test_the_citation_has_the_version() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["authors"] == [{"name": "The Gyeol developers"}]
    assert (citation["version"], citation["license"]) == (setup["metadata"]["version"], setup["metadata"]["license"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_it(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gyeol"],
        env=os.environ | {"_GYEOL_COMPLETE": f"{shell}_source", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    if shell == "bash" and "bash" in done.stderr.lower():
        pytest.skip("click needs a newer bash")
    assert f"_GYEOL_COMPLETE={shell}_complete" in done.stdout


def test_commands_are_completed() -> None:
    words = {"_GYEOL_COMPLETE": "bash_complete", "COMP_WORDS": "gyeol tr", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "gyeol"], env=os.environ | words, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "plain,train\n"
