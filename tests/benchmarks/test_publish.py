"""The command that writes the published figures."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import samples
from benchmarks import publish


def test_publish_writes_figures_tables_and_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(samples.folder().parent)
    monkeypatch.setattr(publish, "TOKENIZERS", ("gyeol-100k", "llama3"))
    done = CliRunner().invoke(publish.main, ["samples/news.txt", "samples/english.txt", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "fertility-unseen.json").read_text("utf-8"))
    assert found["provenance"]["command"].startswith("python -m benchmarks.publish")
    ratio = found["results"]["gyeol-100k"]["groups"]["Korean"]["ratio"]["o200k_base"]
    assert f"| gyeol-100k | 102,400 | {ratio:.3f} (" in (tmp_path / "fertility-unseen.md").read_text("utf-8")
    picture = (tmp_path / "fertility-unseen.svg").read_text("utf-8")
    assert "gyeol-100k" in picture
    assert "var(--" not in picture
    again = CliRunner().invoke(publish.main, ["samples/news.txt", "--out", str(tmp_path)])
    assert (again.exit_code, "already exists" in again.output) == (2, True)
    refused = CliRunner().invoke(publish.main, [str(tmp_path), "--out", str(tmp_path), "--force"])
    assert (refused.exit_code, "relative path" in refused.output) == (2, True)
