"""Every command and every line of Python in the READMEs works as written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import samples
from tests.conftest import ROOT

READMES = ("README.md", "README.ko.md")


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small corpus, in which the commands run one after another."""
    path = tmp_path_factory.mktemp("readme")
    (path / "corpus").mkdir()
    for sample in sorted(samples.folder().glob("*.txt")):
        shutil.copy(sample, path / "corpus")
    (path / "bin").mkdir()
    gyeol = path / "bin" / "gyeol"  # the installed command, whichever Python runs the tests
    gyeol.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m cli "$@"\n')
    gyeol.chmod(0o755)
    return path


def run(command: list[str] | str, folder: Path) -> str:
    environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, shell=isinstance(command, str), capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_commands_and_python(folder: Path) -> None:
    for block in blocks("README.md", "sh"):
        for command in block.strip().splitlines():
            output = run(command, folder)
            if command.startswith("gyeol decode"):
                assert output == "결을 따라 자르면 매끄럽다.\n"
    for block in blocks("README.md", "python"):
        run([sys.executable, "-c", block], folder)


def test_the_korean_readme_has_the_same_commands() -> None:
    for language in ("sh", "console", "python"):
        english, korean = ([re.sub(r" *#.*", "", block) for block in blocks(name, language)] for name in READMES)
        assert english == korean


def test_the_tree_has_every_file() -> None:
    found = {
        p.relative_to(ROOT).as_posix()
        for room in ("tokenizer", "model", "benchmarks")
        for p in (ROOT / room).rglob("*.py")
    }
    for name in READMES:
        (tree,) = blocks(name, "text")
        named, folders = set(), [""]
        for line in tree.splitlines():
            depth, entry = (len(line) - len(line.lstrip())) // 2, line.split()[0]
            folders[depth + 1 :] = [folders[depth] + entry]
            assert (ROOT / folders[-1]).exists(), f"{name}: {folders[-1]}"
            named.add(folders[-1])
        assert {path for path in found if "__" not in path} <= named, name


def test_links_lead_somewhere() -> None:
    for name in READMES:
        for target in re.findall(r"\]\((?!https?:|#)([^)]+)\)", (ROOT / name).read_text("utf-8")):
            assert (ROOT / target).exists(), f"{name}: {target}"
