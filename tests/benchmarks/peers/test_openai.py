"""Rank files of tiktoken without a network: built, checked, and written by several processes at once."""

import hashlib
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from benchmarks.peers.load import load_peer
from benchmarks.peers.openai import RANK_FILES, ensure_ranks, load_encoding
from tokenizer.errors import InputError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a network, and with no rank file in any cache."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GYEOL_CACHE", str(tmp_path / "user"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", _no_network)
    return tmp_path


def test_o200k_is_built_without_a_network(cut_off: Path) -> None:
    for name, sha256 in (
        ("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
        ("cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
    ):
        file = RANK_FILES[name]
        assert ensure_ranks(file) == cut_off / "cache"
        written = cut_off / "cache" / file.cache_name
        assert hashlib.sha256(written.read_bytes()).hexdigest() == sha256
        written.write_bytes(written.read_bytes()[:-100])  # a damaged copy is replaced
        ensure_ranks(file)
        assert hashlib.sha256(written.read_bytes()).hexdigest() == sha256
    assert os.environ["TIKTOKEN_CACHE_DIR"] == str(cut_off / "cache")


def test_a_cache_that_cannot_be_written_is_passed_over(cut_off: Path) -> None:
    (cut_off / "cache").write_text("not a folder")
    assert ensure_ranks(RANK_FILES["cl100k_base"]) == cut_off / "user" / "tiktoken"


def test_processes_that_build_o200k_at_once(tmp_path: Path) -> None:
    code = "from benchmarks.peers.openai import load_encoding; print(load_encoding('cl100k_base').encode('결'))"
    places = {"TIKTOKEN_CACHE_DIR": tmp_path / "cache", "GYEOL_CACHE": tmp_path / "user", "TMPDIR": tmp_path}
    environment = os.environ | {variable: str(place) for variable, place in places.items()}
    command = [sys.executable, "-c", code]
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = {process.communicate(timeout=60)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert outputs == {f"{load_encoding('cl100k_base').encode('결')}\n"}
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [RANK_FILES["cl100k_base"].cache_name]


def test_what_cannot_be_downloaded_is_named(cut_off: Path) -> None:
    with pytest.raises(InputError, match=r"p50k_base.*cannot be downloaded") as error:
        load_peer("p50k_base")
    assert str(cut_off / "cache") in str(error.value)


def _no_network(*args: object, **options: object) -> None:
    raise OSError("no network in this test")
