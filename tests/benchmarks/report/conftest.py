"""A small report and its page."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

import samples
from benchmarks.fertility.measuring import measure
from benchmarks.fertility.results import Report
from benchmarks.peers.adapters import Peer
from benchmarks.peers.load import load_peers
from benchmarks.report.html import write_report
from tests.support.texts import HOSTILE


@pytest.fixture(scope="session")
def peers() -> list[Peer]:
    return load_peers(["gyeol-100k", "qwen3", "o200k_base"])


@pytest.fixture(scope="session")
def result(peers: list[Peer], tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("texts")
    for name in ("news.txt", "story.txt", "english.txt", "code.txt"):
        shutil.copy(samples.folder() / name, folder)
    (folder / "<b>hostile.txt").write_text(HOSTILE, encoding="utf-8")
    (folder / "empty.txt").write_text("")
    return measure(peers[:2], [folder], against=peers[2:])


@pytest.fixture(scope="session")
def page(result: Report, peers: list[Peer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not all(map(find_spec, ("jinja2", "matplotlib"))):
        pytest.skip("needs the extra report")
    path = tmp_path_factory.mktemp("pages") / "report.html"
    write_report(path, result, peers)
    return path
