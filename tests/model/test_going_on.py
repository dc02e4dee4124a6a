"""A finished run goes on with more tokens, and a new one starts from the weights of another."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

import samples
from model import ModelConfig, dry_run, load_model, pretrain
from model.checkpoint import IDENTITY, RESULT
from model.data import Mixture, TokenStream, Windows
from model.export import model_tensors
from model.initial import check_shape, initialise
from model.plot import plot_runs, readable, ticks
from model.pretrain_config import PretrainResult
from model.transformer import Transformer
from tests.support.models import OPTIONS, interrupt_at, log
from tokenizer import Tokenizer, train
from tokenizer.errors import InputError
from tokenizer.shards import write_shards
from tokenizer.state_files import read_state, write_state

pytestmark = pytest.mark.usefixtures("tiny")

SHORT = {**OPTIONS, "tokens": 1024}
LONG = {**OPTIONS, "tokens": 2048}


def rates(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line["lr"] for line in lines if "lr" in line]


def test_a_finished_run_is_extended(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    first = pretrain(data, run, **SHORT)
    result = pretrain(data, run, extend=True, **LONG)
    assert (first.tokens, result.tokens) == (1024, 2048)
    assert [line["step"] for line in log(run) if "lr" in line] == list(range(1, result.steps + 1))
    course = rates(run)
    assert course[first.steps :] == course[: first.steps]  # the same course of the rate once more
    assert pretrain(data, run, **LONG) == result  # finished, and reported again
    with pytest.raises(InputError, match="holds another run"):
        pretrain(data, run, **SHORT)
    # killed in the middle, and between the two writes of the extension
    other = tmp_path / "other"
    pretrain(data, other, **SHORT)
    old = read_state(other / RESULT)
    with monkeypatch.context() as patch:
        interrupt_at(patch, first.steps + 1)
        with pytest.raises(KeyboardInterrupt):
            pretrain(data, other, extend=True, **LONG)
    write_state(other / RESULT, old)
    assert pretrain(data, other, **LONG).tokens == 2048
    assert log(other) == log(run)


def test_what_cannot_be_extended_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run to extend"):
        pretrain(data, tmp_path / "run", extend=True, **SHORT)
    pretrain(data, tmp_path / "run", **SHORT)
    before = read_state(tmp_path / "run" / IDENTITY)
    for options, message in (
        (SHORT, "has 1,024 tokens already"),
        ({**LONG, "max_seconds": 60.0}, "without a limit of time"),
        ({**LONG, "seed": 1}, "seed is 0 there, 1 here"),
    ):
        with pytest.raises(InputError, match=message):
            pretrain(data, tmp_path / "run", extend=True, **options)
    assert read_state(tmp_path / "run" / IDENTITY) == before
    assert (tmp_path / "run" / RESULT).exists()


@pytest.fixture(scope="module")
def vocabularies() -> tuple[Tokenizer, Tokenizer]:
    old = train(samples.folder(), 600, recipe="plain")
    return old, train(samples.folder(), 700, recipe="plain", continue_from=old)


def test_weights_of_another_vocabulary_are_mapped(
    vocabularies: tuple[Tokenizer, Tokenizer], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options: dict[str, Any] = {**SHORT, "context": 16, "batch_tokens": 64, "shape": {"tie_embeddings": False}}
    for name, tokenizer in zip(("old", "new"), vocabularies, strict=True):
        write_shards(tokenizer, [samples.folder()], tmp_path / f"data-{name}")
    pretrain(tmp_path / "data-old", tmp_path / "old", **{**options, "tokenizer": vocabularies[0]})
    start = tmp_path / "old"
    source = model_tensors(load_model(start))
    model = Transformer(load_model(start).config, seed=1)
    old, new = vocabularies
    rows = initialise(grown := Transformer(shape_of(model, 768), seed=1), start, new)
    assert rows == (600, 100)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weight = model_tensors(grown)[name]
        assert torch.equal(weight[:600], source[name][:600])
        spelled = old.encoder.encode(new.token_bytes(650).decode("utf-8", "replace"))
        assert torch.allclose(weight[650], source[name][torch.tensor(spelled)].mean(0), atol=1e-6)
    pretrain(tmp_path / "data-new", tmp_path / "new", **{**options, "tokenizer": new, "init_from": str(start)})
    assert "600 rows of the same tokens, 100 means of others" in caplog.text
    with pytest.raises(InputError, match=r"num_layers=1.*give --shape num_layers=2"):
        check_shape(start, shape_of(model, 768, num_layers=1))


def shape_of(model: Transformer, vocab_size: int, **changes: Any) -> ModelConfig:
    return replace(model.config, vocab_size=vocab_size, **changes)


def test_sharded_weights_are_read(data: Path, tmp_path: Path) -> None:
    pretrain(data, tmp_path / "run", **SHORT)
    whole = model_tensors(load_model(tmp_path / "run"))
    folder = tmp_path / "sharded"
    folder.mkdir()
    (folder / "config.json").write_bytes((tmp_path / "run" / "config.json").read_bytes())
    names = sorted(whole)
    places = {name: f"model-{number % 2}.safetensors" for number, name in enumerate(names)}
    for file in set(places.values()):
        save_file({name: whole[name].clone() for name in names if places[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    read = model_tensors(load_model(folder))
    assert all(torch.equal(read[name], whole[name]) for name in names)
    (folder / "model-1.safetensors").unlink()
    with pytest.raises(InputError, match=r"model-1\.safetensors: incomplete"):
        load_model(folder)


@pytest.mark.parametrize("weights", [[0.9996, 0.0004], [1e-4] * 40 + [1.0], [1.0] * 60])
def test_small_shares_hold_in_the_long_run(weights: list[float]) -> None:
    sources = [Windows(TokenStream([np.arange(101)]), 10, 1, f"s{number}") for number in range(len(weights))]
    mixture, shares = Mixture(sources, weights, seed=1), np.array(weights) / sum(weights)
    for blocks in (1, 2, 7, 50):
        given = mixture._given(blocks)
        assert (np.abs(given - shares * given.sum()) <= len(weights)).all()
        assert (mixture._given(blocks + 1) >= given).all()
    assert (mixture._given(50) > 0).all()


def test_a_share_that_is_never_read_is_refused(data: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(data, tmp_path / "copy")
    with pytest.raises(InputError, match=r"copy: a share of 0\.001 is less than one of the 32 windows of this run"):
        pretrain([f"{data}=0.999", f"{copy}=0.001"], tmp_path / "run", **SHORT)


def test_validation_on_training_data_is_said(data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    result = pretrain(data, tmp_path / "run", validation=data, **SHORT)
    assert result.validated_on_training_data
    assert "trained on too" in caplog.text
    assert not pretrain(data, tmp_path / "other", **SHORT).validated_on_training_data


def test_a_model_of_no_use_is_no_success() -> None:
    figures: dict[str, Any] = {
        name: 1 for name, field in PretrainResult.__dataclass_fields__.items() if name not in ("steps",)
    }
    good = PretrainResult(**{**figures, "steps": 20, "skipped_steps": 3, "finite_weights": True})
    assert good.failure is None
    assert "11 of 20 steps" in str(PretrainResult(**{**vars(good), "skipped_steps": 11}).failure)
    assert "NaN" in str(PretrainResult(**{**vars(good), "finite_weights": False}).failure)


def test_a_dry_run_measures_this_machine(data: Path) -> None:
    short = {name: value for name, value in SHORT.items() if name != "tokenizer"}
    plan = dry_run([data], **{**short, "tokens": None, "max_seconds": 3.0})
    assert plan.tokens_per_second
    assert plan.seconds
    assert plan.available_bytes
    assert plan.seconds <= 3.01
    assert plan.tokens == max(1, int(plan.tokens_per_second * 3.0)) or plan.seconds < 3.0
    large = dry_run([data], preset="ax-3.1", device="cpu")
    assert large.tokens_per_second is None
    assert large.total_bytes > (large.available_bytes or 0)


@given(st.floats(-1e6, 1e15), st.floats(1e-3, 1e15))
def test_ticks_are_few_and_round(low: float, size: float) -> None:
    found = ticks(low, low + size) if low + size > low else [low]
    assert 0 < len(found) <= 6
    for value in found:
        assert low - 1e-6 * size <= value <= low + size * (1 + 1e-6)


def test_numbers_as_people_write_them() -> None:
    assert [readable(value) for value in (0, 0.25, 1500, 20_000, 2.5e6, 3e13)] == [
        "0",
        "0.25",
        "1500",
        "20 k",
        "2.5 M",
        "30 T",
    ]


def test_losses_of_different_vocabularies_share_no_axis(
    data: Path, vocabularies: tuple[Tokenizer, Tokenizer], tmp_path: Path
) -> None:
    write_shards(vocabularies[0], [samples.folder()], tmp_path / "other")
    pretrain(data, tmp_path / "a", **SHORT)
    pretrain(tmp_path / "other", tmp_path / "b", **{**SHORT, "tokenizer": vocabularies[0]})
    plot_runs([tmp_path / "a", tmp_path / "b"], tmp_path / "curves.html")
    page = (tmp_path / "curves.html").read_text("utf-8")
    charts = page.split("<svg")[1:]
    assert [chart.count("<polyline") for chart in charts] == [2, 2, 2, 1, 1, 1, 1, 1, 1]
    assert "바이트당 비트" in charts[0]
    assert 'name="viewport"' in page
