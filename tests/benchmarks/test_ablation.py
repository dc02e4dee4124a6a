"""The ablation trains and measures each variant once, and says which it could not."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

import samples
from benchmarks import ablation
from tokenizer import InputError


@pytest.mark.slow
def test_variants_are_trained_measured_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, path = [str(samples.folder())], tmp_path / "ablation.json"
    names = ["plain", "Hugging Face BpeTrainer", "curriculum"]
    first = ablation.run(corpus, corpus, 2000, names, path, timeout=300)
    plain, peer = first["variants"]["plain"], first["variants"]["Hugging Face BpeTrainer"]
    assert plain["tokens"] == peer["tokens"] == 2000 - 71
    assert plain["ratio"] == pytest.approx(peer["ratio"], rel=0.01)  # the same algorithm, ties apart
    assert set(plain["ratio"]) >= {"Korean", "English"}
    assert 0 < plain["precision"] < 1
    assert plain["round_trip"]["lossless"]
    assert first["variants"]["curriculum"]["ratio"]["Korean"] > plain["ratio"]["Korean"]
    assert json.loads(path.read_text("utf-8")) == first

    monkeypatch.setattr(ablation, "measure_in_child", lambda *_: pytest.fail("trained again"))
    again = ablation.run(corpus, corpus, 2000, names[:2], path, timeout=300)
    assert again["variants"] == first["variants"]
    console = Console(record=True, width=160)
    ablation.print_ablation(again, console)
    assert "Hugging Face BpeTrainer" in console.export_text()


@pytest.mark.slow
def test_sources_are_held_out_in_turn(tmp_path: Path) -> None:
    corpus = [str(path) for path in sorted(samples.folder().glob("*.txt"))]
    found = ablation.run(corpus, [], 1500, ["plain"], tmp_path / "folds.json", timeout=300, folds=True)
    row = found["variants"]["plain"]
    assert len(row["folds"]) == 5
    measured = [name for fold in row["folds"] for name in fold["files"]]
    assert sorted(measured) == sorted(Path(name).stem for name in corpus)
    assert row["seconds"] == pytest.approx(sum(fold["seconds"] for fold in row["folds"]) / 5)
    assert 0 < row["ratio"]["Korean"] < 2


def test_texts_or_folds_and_not_both() -> None:
    for arguments in (["c.txt", "--json", "a.json"], ["c.txt", "--dev", "d", "--folds", "sources", "--json", "a.json"]):
        result = CliRunner().invoke(ablation.main, arguments)
        assert result.exit_code == 2
        assert "one of both" in result.output


def test_other_settings_and_unknown_variants_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown variant 'magic'"):
        ablation.run([], [], 2000, ["magic"], tmp_path / "a.json", 1)
    (tmp_path / "a.json").write_text('{"settings": {"vocab_size": 1}}')
    with pytest.raises(InputError, match="other settings"):
        ablation.run([], [], 2000, ["plain"], tmp_path / "a.json", 1)
