"""Exports of a run: what other programs load says what ours says."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file

from model import generate, load_model, pretrain
from model.export import model_tensors
from model.exporting import export
from samples import folder as samples_folder
from tests.support.models import OPTIONS, TINY_SHAPE, interrupt_at, sentences
from tokenizer import InputError, Tokenizer, train
from tokenizer.shards import write_shards

SHORT = {name: value for name, value in OPTIONS.items() if name != "tokenizer"} | {
    **{"preset": "nano", "shape": TINY_SHAPE, "tokens": 8 * 256}
}


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export")
    (path / "text.txt").write_text("\n".join(sentences(400)), "utf-8")
    write_shards(train(samples_folder(), 600, recipe="plain"), [str(path / "text.txt")], path / "shards")
    return path / "shards"


@pytest.fixture(scope="module")
def run(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "run"
    pretrain(shards, path, **SHORT)
    return path


def test_transformers_goes_on_as_gyeol_does(run: Path, tmp_path: Path) -> None:
    export(run, "hf", tmp_path / "out")
    for folder in (run, tmp_path / "out"):
        write = transformers.pipeline("text-generation", str(folder), device="cpu")
        for prompt in ("결을 따라", "오늘도 비가", "말했다"):
            ours = "".join(generate(folder, prompt, temperature=0, max_new_tokens=12, heal=False, device="cpu"))
            theirs = write(prompt, max_new_tokens=12, do_sample=False)[0]["generated_text"]
            assert theirs == prompt + ours


def test_the_folder_is_whole(run: Path, tmp_path: Path) -> None:
    said = export(run, "hf", tmp_path / "out")
    assert said.endswith("bytes of weights in model.safetensors")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        *("config.json", "generation_config.json", "model.safetensors", "README.md"),
        *("tokenizer.json", "tokenizer_config.json", "gyeol.json"),
    }
    assert json.loads((tmp_path / "out" / "config.json").read_text())["vocab_size"] == 600
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    assert (loaded.model_max_length, loaded.padding_side, len(loaded)) == (32, "left", 600)
    chat = loaded.apply_chat_template([{"role": "user", "content": "결"}], tokenize=False)
    assert chat == "<|endoftext|><|user|>결<|end|>"
    ends = transformers.GenerationConfig.from_pretrained(tmp_path / "out")
    special = Tokenizer.load(run).special_tokens
    assert ends.eos_token_id == [special["<|endoftext|>"], special["<|end|>"]]
    assert (ends.bos_token_id, ends.pad_token_id) == (special["<|endoftext|>"], special["<|pad|>"])
    with pytest.raises(InputError, match="already holds a model for Hugging Face"):
        export(run, "hf", tmp_path / "out")
    export(run, "hf", tmp_path / "out", force=True)


def test_an_unfinished_run_gives_its_newest_checkpoint(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_at(monkeypatch, 6)
    with pytest.raises(KeyboardInterrupt):
        pretrain(shards, tmp_path / "run", **SHORT)
    export(tmp_path / "run", "hf", tmp_path / "out")
    expected = model_tensors(load_model(tmp_path / "run"))
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name][: len(found[name])]) for name in found)
    assert len(found["model.embed_tokens.weight"]) == 600 < len(expected["model.embed_tokens.weight"])


def test_a_tokenizer_alone(tmp_path: Path) -> None:
    assert "102,400 ids" in export("gyeol-100k", "hf", tmp_path / "out")
    assert Tokenizer.load(tmp_path / "out").fingerprint == Tokenizer.load("gyeol-100k").fingerprint
    with pytest.raises(InputError, match=r"SentencePiece cannot give the same ids: .* \(484 tokens are parts"):
        export("gyeol-100k", "sentencepiece", tmp_path / "sentencepiece")
    with pytest.raises(InputError, match="unknown format 'onnx'; known: hf, tiktoken, gguf, sentencepiece"):
        export("gyeol-100k", "onnx", tmp_path / "onnx")
