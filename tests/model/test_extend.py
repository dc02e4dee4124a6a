"""Models whose tokenizer was extended: old weights stay bit for bit, new rows are what they are said to be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken

import samples
from model import extend as extending
from model.extend import extend_model, extend_with_model
from model.new_rows import BLOCK, new_rows
from tests.support.foreign import PRE_TOKENIZERS, saved, trained
from tokenizer import InputError, Tokenizer, train
from tokenizer.training import extend

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "initializer_range": 0.5,
}
IDS, ADD = 602, 120
TEXT = "def old(text): return text.strip()  # English, and 12345"
KINDS = {
    "llama": ("Llama 3", transformers.LlamaConfig, transformers.LlamaForCausalLM, IDS, {}),
    "llama of bf16, padded": ("Llama 3", transformers.LlamaConfig, transformers.LlamaForCausalLM, 640, {}),
    "qwen2, tied": (
        "Qwen",
        transformers.Qwen2Config,
        transformers.Qwen2ForCausalLM,
        768,
        {"tie_word_embeddings": True},
    ),
}


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of transformers with a model of random weights."""
    grammar, config, model, rows, more = KINDS[request.param]
    path = tmp_path_factory.mktemp("model") / "base"
    specials = AddedToken("<|end|>", special=True), AddedToken("<think>", special=False)
    saved(trained(PRE_TOKENIZERS[grammar], *specials, size=600), path)
    torch.manual_seed(1)
    made = model(config(vocab_size=rows, **SIZES, **more))
    made = made.bfloat16() if "bf16" in request.param else made
    made.save_pretrained(path, max_shard_size="40KB" if "padded" in request.param else "1GB")
    (path / "generation_config.json").write_text('{"eos_token_id": 600}')
    (path / "LICENSE").write_text("theirs")
    (path / "vocab.json").write_text("{}")
    return path


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Tokenizer:
    return extend(Tokenizer.load(folder), samples.folder(), ADD)


@pytest.fixture(scope="module")
def out(folder: Path, tokenizer: Tokenizer) -> Path:
    extend_model(folder, tokenizer, folder.with_name("extended"))
    return folder.with_name("extended")


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for file in folder.glob("*.safetensors") for name, tensor in load_file(file).items()}


def test_logits_of_old_ids_stay(folder: Path, out: Path) -> None:
    old, new = (transformers.AutoModelForCausalLM.from_pretrained(path, dtype="auto").eval() for path in (folder, out))
    hub = transformers.AutoTokenizer.from_pretrained(out)
    ids = hub(TEXT, return_tensors="pt").input_ids
    assert (
        ids.tolist() == transformers.AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt").input_ids.tolist()
    )
    assert new.config.vocab_size == new.get_input_embeddings().weight.shape[0] == max(IDS + ADD, old.config.vocab_size)
    assert new.dtype == old.dtype
    with torch.no_grad():
        assert torch.equal(new(ids).logits[..., :IDS], old(ids).logits[..., :IDS])
        korean = hub("결을 따라 자르면 매끄럽다.", return_tensors="pt").input_ids
        assert korean.max() >= IDS
        assert torch.isfinite(new(korean).logits).all()


def test_rows_and_other_weights(folder: Path, out: Path, tokenizer: Tokenizer) -> None:
    old, new = tensors(folder), tensors(out)
    base = Tokenizer.load(folder)
    assert old.keys() == new.keys()
    for name, tensor in new.items():
        assert tensor.dtype == old[name].dtype
        if name not in ("model.embed_tokens.weight", "lm_head.weight"):
            assert torch.equal(tensor, old[name])
            continue
        assert torch.equal(tensor[:IDS], old[name][:IDS])
        assert torch.equal(tensor[IDS + ADD :], old[name][IDS + ADD :])
        for i in range(IDS, IDS + ADD):
            (ids,) = base.encode_bytes([tokenizer.token_bytes(i)])
            mean = old[name][ids.tolist()].float().mean(0).to(tensor.dtype)
            assert torch.allclose(tensor[i], mean, rtol=torch.finfo(mean.dtype).eps, atol=1e-6)


def test_files_of_the_folder(folder: Path, out: Path, tokenizer: Tokenizer) -> None:
    assert (out / "generation_config.json").read_text() == '{"eos_token_id": 600}'
    assert (out / "LICENSE").read_text() == "theirs"
    assert not (out / "vocab.json").exists()
    assert Tokenizer.load(out).fingerprint == tokenizer.fingerprint
    record = json.loads((out / "extension.json").read_text())
    assert record["base"] == {
        "name": "base",
        "tokenizer": Tokenizer.load(folder).fingerprint,
        "rows": record["base"]["rows"],
    }
    config = json.loads((folder / "config.json").read_text())
    assert json.loads((out / "config.json").read_text()) == config | {
        "vocab_size": max(IDS + ADD, config["vocab_size"])
    }


def test_large_models_come_in_several_files(
    folder: Path, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: Path
) -> None:
    monkeypatch.setattr(extending.write_weights, "__defaults__", (60_000,))
    extend_model(folder, tokenizer, tmp_path / "out")
    assert len(list((tmp_path / "out").glob("model-*-of-*.safetensors"))) > 1
    new, whole = tensors(tmp_path / "out"), tensors(out)
    assert new.keys() == whole.keys()
    assert all(torch.equal(new[name], whole[name]) for name in new)
    transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")


SPELLED = st.lists(st.lists(st.integers(0, 19), min_size=1, max_size=5), min_size=1, max_size=30)


@given(SPELLED, st.booleans())
def test_weighted_rows_by_the_definition(spelled: list[list[int]], head: bool) -> None:
    rows = torch.randn(20, 6, generator=torch.Generator().manual_seed(5))
    made = new_rows(rows, [np.array(ids) for ids in spelled], "weighted", head=head, std=0)
    for ids, row in zip(spelled, made, strict=True):
        weight = [np.exp((-2 if head else 2) * i) for i in range(len(ids))]
        expected = sum(w * rows[i] for w, i in zip(weight, ids, strict=True)) / sum(weight)
        assert torch.allclose(row, expected, atol=1e-5)


def test_rows_are_made_in_blocks() -> None:
    rows = torch.randn(50, 4)
    spelled = [np.array([i % 50, (i * 7) % 50]) for i in range(BLOCK + 3)]
    made = new_rows(rows, spelled, "mean", head=False, std=0)
    assert torch.allclose(made[-1], rows[spelled[-1].tolist()].mean(0))
    random = new_rows(rows, spelled, "random", head=False, std=0.5)
    assert random.shape == made.shape
    assert abs(random.std() - 0.5) < 0.05


def test_tokenizer_and_model_at_once_and_in_place_of_an_older_one(folder: Path, tmp_path: Path) -> None:
    base, out = Tokenizer.load(folder), tmp_path / "out"
    made = extend_with_model(base, [samples.folder()], folder, out, init="weighted", add=50)
    assert Tokenizer.load(out).fingerprint == made.fingerprint
    with pytest.raises(InputError, match="already holds a model with added tokens"):
        extend_with_model(base, [samples.folder()], folder, out, add=50)
    extend_model(folder, made, out, "random", force=True)
    assert json.loads((out / "extension.json").read_text())["init"] == "random"
    (out / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        extend_model(folder, made, out, force=True)


def test_what_cannot_be_extended(folder: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="init is 'best'; it must be one of mean, weighted, random"):
        extend_model(folder, tokenizer, tmp_path / "out", "best")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not those of"):
        extend_model(folder, train(samples.folder(), 700), tmp_path / "out")
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in folder.iterdir():
        if file.suffix != ".safetensors" and "index" not in file.name:
            (broken / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match="no model in safetensors files"):
        extend_model(broken, tokenizer, tmp_path / "out")
    small = {"model.embed_tokens.weight": torch.zeros(IDS - 1, 4)}
    save_file(small, broken / "model.safetensors")
    with pytest.raises(InputError, match="has 601 rows, but its tokenizer 602 ids"):
        extend_model(broken, tokenizer, tmp_path / "out")
    save_file({"transformer.wte.weight": torch.zeros(IDS, 4)}, broken / "model.safetensors")
    with pytest.raises(InputError, match="weights are not named as Llama's"):
        extend_model(broken, tokenizer, tmp_path / "out")
    assert not (tmp_path / "out").exists()
