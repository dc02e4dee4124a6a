"""Files and folders that are whole or not there, and keep what they replace as it was."""

import os
import stat
from pathlib import Path

import pytest

from tokenizer.files import OLD, PART, atomic_folder, atomic_open, leftovers
from tokenizer.outputs import locked


def write(path: Path, text: str = "new") -> None:
    with atomic_open(path, "w") as handle:
        handle.write(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError])
def test_a_file_that_fails_leaves_the_older_one(tmp_path: Path, failure: type[BaseException]) -> None:
    write(tmp_path / "a", "old")
    with pytest.raises(failure), atomic_open(tmp_path / "a", "w"):
        raise failure
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_mode_of_an_older_file_is_kept_and_never_wider(tmp_path: Path) -> None:
    path = tmp_path / "private"
    write(path, "old")
    path.chmod(0o600)
    with atomic_open(path, "w") as handle:
        assert stat.S_IMODE(os.fstat(handle.fileno()).st_mode) == 0o600
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o660)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_new_files_have_the_umask_which_is_never_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0o027)
    try:
        with monkeypatch.context() as patch:
            patch.delattr(os, "umask")
            write(tmp_path / "file")
            with atomic_folder(tmp_path / "folder"):
                pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o750


def test_a_device_is_written_to_and_stays_one() -> None:
    before = os.stat(os.devnull)
    write(Path(os.devnull))
    assert os.stat(os.devnull).st_mode == before.st_mode
    assert os.stat(os.devnull).st_ino == before.st_ino


def test_links_are_followed(tmp_path: Path) -> None:
    write(tmp_path / "file", "old")
    (tmp_path / "link").symlink_to("file")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"
    (tmp_path / "folder").mkdir()
    (tmp_path / "to").symlink_to("folder")
    with atomic_folder(tmp_path / "to") as fresh:
        write(fresh / "inside")
    assert (tmp_path / "to").is_symlink()
    assert names(tmp_path / "folder") == ["inside"]


def test_what_killed_processes_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    dead, foreign = tmp_path / f".a.0123abcd{PART}", [".a.part", ".a.x.gyeol-part", f".b.0123abcd{PART}"]
    for name in (dead.name, *foreign):
        (tmp_path / name).write_text("x")
    with atomic_open(tmp_path / "a") as handle:
        write(tmp_path / "a", "another at the same time")
        assert Path(handle.name).exists()  # it is locked
    assert names(tmp_path) == sorted([*foreign, "a"])


def test_a_folder_that_fails_leaves_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, rename = tmp_path / "folder", os.rename
    with atomic_folder(path) as fresh:
        write(fresh / "old")

    def interrupted(source: Path, target: Path) -> None:
        if Path(target) == path and Path(source).name.endswith(PART):
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_folder(path) as fresh:
        write(fresh / "new")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["folder"]


def test_a_folder_killed_between_its_renames_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    (tmp_path / f".folder.0123abcd{OLD}").mkdir()
    write(tmp_path / f".folder.0123abcd{OLD}" / "old")
    (tmp_path / f".folder.89abcdef{PART}").mkdir()
    with locked(path):
        assert names(path) == ["old"]
    assert names(tmp_path) == ["folder"]
    assert leftovers(path) == []


def test_a_mount_point_is_filled_file_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, rename = tmp_path / "mounted", os.rename
    path.mkdir()

    def busy(source: Path, target: Path) -> None:
        if Path(target) == path:
            raise OSError(16, "Device or resource busy")
        rename(source, target)

    monkeypatch.setattr(os, "rename", busy)
    with atomic_folder(path) as fresh:
        write(fresh / "inside")
    assert names(path) == ["inside"]
    assert names(tmp_path) == ["mounted"]
