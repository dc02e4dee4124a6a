"""Pretraining learns, reports honest bits per byte, and refuses what does not fit."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from model import load_model, pretrain
from model.checkpoint import TrainingState
from model.data import TokenStream
from model.evaluate import Validation, byte_lengths
from model.pretraining import default_tokens
from model.schedule import learning_rate
from tests.support.models import END, OPTIONS, ByteTokenizer, log, sentences, write_shards
from tokenizer.errors import InputError
from tokenizer.state_files import read_state, write_state

pytestmark = pytest.mark.usefixtures("tiny")


def test_a_run_learns_and_leaves_a_whole_folder(data: Path, tmp_path: Path) -> None:
    result = pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 100 * 256, "lr": 1e-2, "checkpoint_steps": 50})
    lines = log(tmp_path / "run")
    steps = [line for line in lines if "loss" in line]
    validations = [line for line in lines if "bits_per_byte" in line]
    assert [line["step"] for line in steps] == list(range(1, 101))
    assert [line["step"] for line in validations] == list(range(0, 101, 10))
    assert validations[0]["unigram_bits_per_byte"] == result.unigram_bits_per_byte
    assert validations[0]["validation_loss"] == pytest.approx(math.log(384), abs=0.1)
    assert result.bits_per_byte == validations[-1]["bits_per_byte"]
    assert result.bits_per_byte < 0.75 * result.unigram_bits_per_byte
    assert result.initial_bits_per_byte > result.unigram_bits_per_byte
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "gyeol.json", "result.json"} <= names
    kept = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert kept == ["step-000050", "step-000100"]


def test_transformers_loads_the_run(data: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    ids = torch.arange(20)[None]
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(tmp_path / "run")(ids).logits
        torch.testing.assert_close(load_model(tmp_path / "run")(ids), expected, atol=1e-4, rtol=0)


def test_micro_batches_add_up_to_the_whole_batch(data: Path, tmp_path: Path) -> None:
    for name, size in (("one", 256), ("four", 64)):
        pretrain(data, tmp_path / name, **{**OPTIONS, "micro_batch_tokens": size})
    for first, second in zip(log(tmp_path / "one"), log(tmp_path / "four"), strict=True):
        assert first == pytest.approx(second, rel=1e-4)


def test_a_finished_run_says_so(data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    result = pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    assert pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512}) == result
    assert "is finished" in caplog.text


def test_another_run_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=r"another run \(options\.lr is 0\.003 there, 0\.5 here\)"):
        pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512, "lr": 0.5})
    other = write_shards(tmp_path / "other", [sentences(200, 9)])
    with pytest.raises(InputError, match="data is"):
        pretrain(other, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(InputError, match="not empty"):
        pretrain(data, tmp_path / "mine", **OPTIONS)


@pytest.mark.slow
def test_the_clock_ends_a_run(data: Path, tmp_path: Path) -> None:
    result = pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 10**9, "max_seconds": 1.0})
    assert 0 < result.tokens < 10**7
    rates = [line["lr"] for line in log(tmp_path / "run") if "lr" in line]
    assert rates[-1] < 0.3 * max(rates)  # the schedule followed the clock
    assert max(rates) > 0.9 * 0.003  # the peak was reached, however long validation took


def test_bits_per_byte_is_total_bits_over_raw_bytes(data: Path, tmp_path: Path) -> None:
    text = "결을 따라 나무를 다듬는 사람"
    ids = np.array([END, *text.encode(), END], dtype=np.uint16)
    validation = Validation(TokenStream([ids]), 16, 10**6, byte_lengths(ByteTokenizer()))
    assert validation.bytes == len(text.encode())
    pretrain(data, tmp_path / "run", **{**OPTIONS, "tokens": 512})
    model = load_model(tmp_path / "run")
    found = validation.evaluate(model, torch.device("cpu"), "fp32")
    total = 0.0
    for start in range(0, len(ids) - 1, 16):
        window = torch.from_numpy(ids[start : start + 17].astype(np.int64))
        total += F.cross_entropy(model(window[None, :-1])[0], window[1:], reduction="sum").item()
    assert len(validation.targets) == len(ids) - 1
    assert found.bits_per_byte == pytest.approx(total / math.log(2) / len(text.encode()), rel=1e-5)
    counts = np.bincount(ids, minlength=257)
    expected = -sum(math.log2((counts[token] + 1) / (len(ids) + 257)) for token in ids[1:].tolist())
    assert validation.unigram(counts).bits_per_byte == pytest.approx(expected / len(text.encode()))


def test_a_validation_folder_is_used_and_must_share_the_tokenizer(data: Path, tmp_path: Path) -> None:
    other = write_shards(tmp_path / "other", [["다른 글이다."]])
    result = pretrain(data, tmp_path / "run", validation=other, **{**OPTIONS, "tokens": 512})
    assert result.bits_per_byte > 0
    manifest = read_state(other / "manifest.json")
    manifest["tokenizer"]["fingerprint"] = "cd" * 32
    write_state(other / "manifest.json", manifest)
    with pytest.raises(InputError, match=r"other was encoded by tokenizer cdcdcd"):
        pretrain(data, tmp_path / "again", validation=other, **OPTIONS)


def test_too_little_data_is_refused(tmp_path: Path) -> None:
    little = write_shards(tmp_path / "little", [["가나다"]])
    with pytest.raises(InputError, match=r"has 10 tokens; training with context 32 needs 66"):
        pretrain(little, tmp_path / "run", **OPTIONS)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_stops_the_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.trainer.learning_rate", lambda *_: math.inf)
    with pytest.raises(InputError, match=r"the loss is nan .* at step 2 .* lower lr"):
        pretrain(data, tmp_path / "run", **OPTIONS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": 0}, "tokens is 0"),
        ({"lr": -1.0}, "lr is -1.0"),
        ({"warmup": 1.0}, "warmup is 1.0"),
        ({"schedule": "linear"}, "'linear'; choose one of cosine, wsd"),
        ({"precision": "fp8"}, "'fp8'; choose one of auto, fp32, bf16"),
        ({"batch_tokens": 16}, "below one window of 32"),
        ({"seed": -1}, "seed is -1; it must be from 0"),
        ({"shape": {"num_layers": 10**6}}, "num_layers is 1,000,000; it must be at most 1,000"),
        ({"checkpoint_minutes": 0}, "checkpoint_minutes is 0"),
        ({"device": "meta"}, "it holds no numbers"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
        ({"preset": "huge"}, "unknown model preset 'huge'"),
    ],
)
def test_options_out_of_range_are_refused(data: Path, tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pretrain(data, tmp_path / "run", **{**OPTIONS, **options})
    assert not (tmp_path / "run").exists()


def test_default_tokens_are_twenty_a_parameter_or_four_epochs() -> None:
    from model import preset

    nano = preset("nano", 32_768)
    assert default_tokens(nano, 10**12) == 20 * nano.body_parameters
    assert default_tokens(nano, 10**6) == 4 * 10**6


def test_schedules() -> None:
    for schedule in ("cosine", "wsd"):
        assert learning_rate(schedule, 2.0, 0.1, 0.05) == pytest.approx(1.0)
        assert learning_rate(schedule, 2.0, 0.1, 0.1) == pytest.approx(2.0)
        assert learning_rate(schedule, 2.0, 0.1, 1.0) == pytest.approx(0.0)
    assert learning_rate("cosine", 2.0, 0.0, 0.5) == pytest.approx(1.0)
    assert learning_rate("wsd", 2.0, 0.1, 0.79) == 2.0
    assert learning_rate("wsd", 2.0, 0.1, 0.9) == pytest.approx(1.0)


def test_load_model_needs_a_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config\.json: no such file"):
        load_model(tmp_path)
    assert TrainingState().step == 0


def test_a_finished_folder_is_complete(data: Path, tmp_path: Path) -> None:
    pretrain(data, tmp_path / "run", **OPTIONS)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    weights = load_file(tmp_path / "run" / "model.safetensors")
    assert config["vocab_size"] == 257 == len(weights["model.embed_tokens.weight"])  # and none that fills up to 384
    ends = json.loads((tmp_path / "run" / "generation_config.json").read_text())
    assert ends == {"bos_token_id": 256, "eos_token_id": [256]}
    assert json.loads((tmp_path / "run" / "tokenizer_config.json").read_text()) == {"model_max_length": 32}
    assert "bits per byte" in (tmp_path / "run" / "README.md").read_text("utf-8")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "run")
    assert model.generation_config.eos_token_id == [256]
