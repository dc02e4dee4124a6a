"""The package in one import, and what it is described by."""

import os
import re
import subprocess
import sys
from configparser import ConfigParser

import pytest

import gyeol
from tests.conftest import ROOT
from tokenizer import Tokenizer


def test_every_public_name_is_there() -> None:
    assert dir(gyeol) == sorted(gyeol.__all__) == gyeol.__all__
    for name in gyeol.__all__:
        assert getattr(gyeol, name).__name__ == name
    with pytest.raises(AttributeError, match="'gyeol' has no attribute 'nothing'"):
        _ = gyeol.nothing  # type: ignore[attr-defined]


def test_python_m_gyeol_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "gyeol", "--version"], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith("gyeol, version ")


def test_names_of_transformers() -> None:
    tokenizer = gyeol.Tokenizer.from_pretrained("gyeol-32k")
    assert tokenizer.fingerprint == Tokenizer.load("gyeol-32k").fingerprint


def test_the_citation_has_the_version() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    citation = dict(re.findall(r"^(\S+): (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE))
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
