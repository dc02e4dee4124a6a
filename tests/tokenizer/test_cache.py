"""The cache is used only where it can be trusted, and its files only where they are whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tokenizer import cache
from tokenizer.cache import cache_folder, distrusted, is_intact, seal, seal_of


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GYEOL_CACHE", str(tmp_path / "named"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()


def test_a_new_cache_is_for_its_user_alone(tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "named"
    assert (tmp_path / "named").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o722])
def test_a_cache_that_others_may_write_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    (tmp_path / "named").mkdir()
    (tmp_path / "named" / "planted").write_text("machine code")
    (tmp_path / "named").chmod(mode)
    folder = cache_folder()
    assert folder == tmp_path / "temporary" / f"gyeol-{os.getuid()}"
    assert list(folder.iterdir()) == []
    assert "may be written by other users; using" in caplog.text


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_cache_of_another_user_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "named").mkdir(mode=0o700)
    os.chown(tmp_path / "named", 12345, 12345)
    assert cache_folder() == tmp_path / "temporary" / "gyeol-0"
    assert "belongs to another user" in caplog.text
    (tmp_path / "link").symlink_to(tmp_path)
    assert distrusted(tmp_path / "link") == "is not a folder"


def test_what_a_read_only_cache_holds_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "named" / "kernels").mkdir(parents=True)
    (tmp_path / "named" / "kernels" / "a.nbc").write_text("machine code")
    (tmp_path / "named").chmod(0o700)
    unusable = cache._unusable
    monkeypatch.setattr(
        cache, "_unusable", lambda folder: "is read-only" if folder.name == "named" else unusable(folder)
    )
    folder = cache_folder()
    assert folder
    assert (folder / "kernels" / "a.nbc").read_text() == "machine code"


def test_without_any_place_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(cache, "_unusable", lambda folder: f"{folder} cannot be written")
    assert cache_folder() is None
    assert "nothing is kept" in caplog.text


def test_a_user_without_a_home_has_a_temporary_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("GYEOL_CACHE")
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder() == tmp_path / "temporary" / f"gyeol-{os.getuid()}"


def test_a_file_is_intact_while_its_checksum_fits(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    assert not is_intact(path)
    seal(path)
    assert is_intact(path)
    path.write_bytes(b"contenu")
    assert not is_intact(path)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["flip", "empty"])
def test_damaged_kernels_are_compiled_again(tmp_path: Path, damage: str) -> None:
    """numba would run them: SIGSEGV, or other ids in silence."""
    code = (
        "from tokenizer.text.unicode import class_table\n"
        "from tokenizer.pretokenize.o200k import next_pretoken\n"
        "import numpy as np\n"
        "data = np.frombuffer('나는 집에 간다.....'.encode() , np.uint8)\n"
        "print(next_pretoken(data, 0, data.size - 3, class_table()), sum(next_pretoken.stats.cache_hits.values()))\n"
    )
    environment = os.environ | {"GYEOL_CACHE": str(tmp_path / "own")}

    def run() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    assert run() == ["6", "0"]
    assert run() == ["6", "1"]
    for path in (tmp_path / "own").rglob("*.nb?"):
        assert seal_of(path).exists()
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(b"" if damage == "empty" else raw)
    assert run() == ["6", "0"]
    assert run() == ["6", "1"]
