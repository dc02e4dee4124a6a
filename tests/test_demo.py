"""`gyeol demo` writes into a folder of its own, and removes nothing but what a demo wrote."""

import json
from pathlib import Path

import pytest

import samples
from samples.demo import demo_commands, open_demo
from tokenizer import InputError, train


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_the_user_is_left_alone(tmp_path: Path, marked: bool, force: bool) -> None:
    for name in ("vocabulary", "shards", "run"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "source.py").write_text("mine")
    if marked:
        (tmp_path / "demo.json").write_text(json.dumps({"format": "gyeol-demo"}))
        (tmp_path / "notes.txt").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="something other than a demo"):
        open_demo(tmp_path, force)
    assert contents(tmp_path) == before


def test_force_starts_anew_and_spares_what_is_foreign(tmp_path: Path) -> None:
    open_demo(tmp_path, force=False)
    train(samples.folder(), 600, recipe="plain").save(tmp_path / "vocabulary")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "source.py").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="something other than a run"):
        open_demo(tmp_path, force=True)
    assert contents(tmp_path) == before
    (tmp_path / "run" / "source.py").unlink()
    open_demo(tmp_path, force=False)  # goes on
    assert demo_commands(tmp_path, 1.0)[0][0] == "shard"
    open_demo(tmp_path, force=True)
    assert list(contents(tmp_path)) == ["demo.json"]
    assert demo_commands(tmp_path, 1.0)[0][0] == "train"
