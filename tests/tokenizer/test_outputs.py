"""Output folders: nothing foreign is replaced, and one process writes at a time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tokenizer import InputError
from tokenizer.outputs import HTML_MARK, LOCK, Kind, check_file, check_free, locked, remove_folder

KIND = Kind("thing", ("thing.json",), "gyeol-thing", ("part-*.bin", "inner/*"))


def folder_with(folder: Path, *names: str, record: object = {"format": "gyeol-thing"}) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(record) if name.endswith("thing.json") else "x", encoding="utf-8")
    return folder


def test_a_new_and_an_empty_folder_are_free(tmp_path: Path) -> None:
    check_free(tmp_path / "new", KIND, force=False)
    check_free(tmp_path, KIND, force=False)
    check_free(folder_with(tmp_path, LOCK), KIND, force=False)


def test_a_folder_of_the_kind_needs_force(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "thing.json", "part-1.bin", "inner/a")
    with pytest.raises(InputError, match=r"already holds a thing.*force"):
        check_free(folder, KIND, force=False)
    check_free(folder, KIND, force=True)
    remove_folder(folder, KIND)
    assert not folder.exists()


@pytest.mark.parametrize("names", [["notes.txt"], ["inner/a"], ["part-1.bin"], ["other.json"]])
def test_another_folder_is_never_replaced(tmp_path: Path, names: list[str]) -> None:
    for folder in (
        folder_with(tmp_path / "bare", *names),
        folder_with(tmp_path / "x", "thing.json", *names, record=[]),
    ):
        for force in (False, True):
            with pytest.raises(InputError, match="something other than a thing"):
                check_free(folder, KIND, force)
        with pytest.raises(InputError):
            remove_folder(folder, KIND)
        assert (folder / names[0]).exists()


def test_foreign_files_inside_are_named(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "thing.json", "part-1.bin", "notes.txt", "deep/er.bin", "a/1", "a/2")
    (folder / "link").symlink_to(ROOT)
    with pytest.raises(InputError, match=r"a/1, a/2, deep/er.bin and 2 more"):
        check_free(folder, KIND, force=True)
    assert KIND.foreign(folder) == ["a/1", "a/2", "deep/er.bin", "link", "notes.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        check_free(tmp_path / "file", KIND, force=True)


def test_files_are_replaced_only_by_force_and_only_ours(tmp_path: Path) -> None:
    page, notes, empty = tmp_path / "page.html", tmp_path / "notes.html", tmp_path / "empty"
    page.write_bytes(b"<!DOCTYPE html><head>" + HTML_MARK)
    notes.write_text("<!DOCTYPE html>")
    empty.touch()
    for free in (empty, tmp_path / "new.html", Path("/dev/null")):
        check_file(free, HTML_MARK, force=False)
    check_file(page, HTML_MARK, force=True)
    with pytest.raises(InputError, match="already exists"):
        check_file(page, HTML_MARK, force=False)
    for force in (False, True):
        with pytest.raises(InputError, match="not written by Gyeol"):
            check_file(notes, HTML_MARK, force)
    with pytest.raises(InputError, match="is a folder"):
        check_file(tmp_path, HTML_MARK, force=True)
    with pytest.raises(InputError, match="no such folder"):
        check_file(tmp_path / "nowhere" / "page.html", HTML_MARK, force=False)


def test_a_second_process_is_told_who_is_writing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = f"from tokenizer.outputs import locked\nwith locked({str(out)!r}): print('in', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout
    assert holder.stdout.readline() == "in\n"
    with pytest.raises(InputError, match=rf"process {holder.pid} .*is writing it"), locked(out):
        pass
    holder.kill()
    holder.wait()
    with locked(out), locked(out):  # the lock went with the process, and is one for its owner
        assert (tmp_path / f".out{LOCK}").exists()
    assert list(tmp_path.iterdir()) == []
