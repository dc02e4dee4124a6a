"""GGUF files: what is in them, what is refused, and stock llama.cpp beside Gyeol."""

import json
import lzma
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import samples
from benchmarks.llama_cpp import LlamaCpp, largest_difference, llama_cpp_parity, with_random_model
from benchmarks.parity_texts import parity_texts
from model import ModelConfig, Transformer, generate, load_model
from model.export import llama_config, model_tensors
from model.gguf import export_gguf
from model.gguf_tensors import permuted, rope_factors
from model.gguf_tokenizer import PRE_TOKENIZERS
from model.weights import write_tensors, write_weights
from tests.support.models import TINY_SHAPE
from tokenizer import Tokenizer, train
from tokenizer.errors import InputError
from tokenizer.files import write_json
from tokenizer.training import CurriculumOptions
from tokenizer.vocabulary import to_unicode

gguf = pytest.importorskip("gguf")
PADDED = 2048 + 128
SHAPES: dict[str, dict[str, Any]] = {
    "llama": {},
    "tied": {"tie_embeddings": True},
    "linear": {"rope_scaling": "linear", "rope_factor": 4.0},
    "llama3": {"rope_scaling": "llama3", "rope_factor": 8.0, "rope_original_context": 32, "rope_theta": 500_000.0},
    "qwen2": {"qkv_bias": True},
    "qwen3": {"qk_norm": True, "head_size": 32},
    "qwen3 tied": {"qk_norm": True, "tie_embeddings": True},
}


@pytest.fixture(scope="session")
def plain() -> Tokenizer:
    """A small vocabulary of GPT-4o's grammar."""
    return train(samples.folder(), 2048, recipe="plain")


def write_model(folder: Path, tokenizer: Tokenizer, dtype: torch.dtype = torch.float32, **fields: Any) -> Path:
    """A folder with ``tokenizer`` and a model of random weights."""
    torch.manual_seed(0)
    shape = {**TINY_SHAPE, "tie_embeddings": False, "max_context": 128, "vocab_size": tokenizer.vocab_size, **fields}
    config = ModelConfig(**shape)
    model = Transformer(config)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3) if weight.dim() > 1 else torch.nn.init.uniform_(weight, 0.5, 1.5)
    tokenizer.save(folder)
    write_json(folder / "config.json", llama_config(config, tokenizer.bos_id or 0))
    tensors = {name: tensor.to(dtype) for name, tensor in model_tensors(model).items()}
    write_tensors(folder / "model.safetensors", tensors)
    return folder


def export(folder: Path) -> Path:
    """The folder as a GGUF file beside it."""
    out = folder.with_suffix(".gguf")
    export_gguf(folder, out)
    return out


def fields_of(path: Path) -> dict[str, Any]:
    return {name: field.contents() for name, field in gguf.GGUFReader(path).fields.items()}


def test_the_tokenizer_in_a_file(tmp_path: Path, plain: Tokenizer) -> None:
    plain.save(tmp_path / "plain")
    export_gguf(tmp_path / "plain", tmp_path / "plain.gguf")
    found, vocabulary = fields_of(tmp_path / "plain.gguf"), plain.vocabulary
    names = [to_unicode(token) for token in vocabulary.tokens] + list(vocabulary.special_tokens)
    assert found["tokenizer.ggml.tokens"] == names
    assert found["tokenizer.ggml.merges"] == [f"{names[left]} {names[right]}" for left, right in vocabulary.merges]
    assert found["tokenizer.ggml.token_type"] == [1] * len(vocabulary.tokens) + [3] * len(vocabulary.special_tokens)
    assert (found["tokenizer.ggml.model"], found["tokenizer.ggml.pre"]) == ("gpt2", "gpt-4o")
    roles = {"bos": plain.bos_id, "eos": plain.eos_id, "padding": plain.pad_id, "eot": plain.special_tokens["<|end|>"]}
    assert {role: found[f"tokenizer.ggml.{role}_token_id"] for role in roles} == roles
    assert found["tokenizer.ggml.add_bos_token"] is True
    assert "<|assistant|>" in found["tokenizer.chat_template"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("sharded", [False, True])
def test_the_weights_in_a_file(tmp_path: Path, plain: Tokenizer, dtype: torch.dtype, sharded: bool) -> None:
    folder = write_model(tmp_path / "run", plain, dtype, vocab_size=PADDED)
    model = load_model(folder)
    own = {name: tensor.to(dtype) for name, tensor in model_tensors(model).items()}
    if sharded:
        sizes = {name: tensor.nbytes for name, tensor in own.items()}
        assert len(write_weights(folder, sizes, own.items(), limit=100_000)) > 2
    export_gguf(folder, tmp_path / "run.gguf")
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(tmp_path / "run.gguf").tensors}

    def read(name: str, kind: torch.dtype) -> torch.Tensor:
        raw = np.ascontiguousarray(tensors[name].data).view(np.uint8)
        return torch.frombuffer(bytearray(raw.tobytes()), dtype=kind)

    assert len(tensors) == len(own)
    embedding = own["model.embed_tokens.weight"]
    assert list(tensors["token_embd.weight"].shape) == list(reversed(embedding.shape))
    assert torch.equal(read("token_embd.weight", dtype).view_as(embedding), embedding)
    keys = permuted(own["model.layers.1.self_attn.k_proj.weight"], model.config.num_kv_heads)
    assert torch.equal(read("blk.1.attn_k.weight", dtype).view_as(keys), keys)
    assert torch.equal(read("output_norm.weight", torch.float32), own["model.norm.weight"].float())
    found = fields_of(tmp_path / "run.gguf")
    assert found["tokenizer.ggml.tokens"][plain.vocab_size :] == [f"[PAD{i}]" for i in range(plain.vocab_size, PADDED)]
    assert set(found["tokenizer.ggml.token_type"][plain.vocab_size :]) == {5}


def test_rotary_factors_are_those_of_llama_3_1() -> None:
    """Short waves as they are, long ones divided by the factor."""
    factors = rope_factors(ModelConfig(vocab_size=256, **TINY_SHAPE | SHAPES["llama3"] | {"hidden_size": 512}))
    assert factors[0] == 1
    assert factors[-1] == 8
    assert (np.diff(factors) >= 0).all()


def test_refused_tokenizers(tmp_path: Path, plain: Tokenizer) -> None:
    strict = Tokenizer(replace(plain.vocabulary, strict=True))
    nfc = Tokenizer(replace(plain.vocabulary, nfc=True))
    for name, tokenizer in {"strict": strict, "nfc": nfc, "gyeol": Tokenizer.load("gyeol-32k")}.items():
        tokenizer.save(tmp_path / name)
        with pytest.raises(InputError, match=r"llama\.cpp would give other ids; train .*right3.*gyeol-100k-gguf"):
            export_gguf(tmp_path / name, tmp_path / "out.gguf")
    assert not list(tmp_path.glob("*.gguf*"))


def test_refused_models(tmp_path: Path, plain: Tokenizer) -> None:
    small = write_model(tmp_path / "small", plain, vocab_size=1024)
    with pytest.raises(InputError, match="1,024 rows, fewer than the 2,048 ids"):
        export_gguf(small, tmp_path / "out.gguf")
    run = write_model(tmp_path / "run", plain)
    config = json.loads((run / "config.json").read_text())
    write_json(run / "config.json", config | {"num_hidden_layers": 3})
    with pytest.raises(InputError, match=r"not those of its config.json \(model.layers.2"):
        export_gguf(run, tmp_path / "out.gguf")
    (run / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(InputError, match="incomplete"):
        export_gguf(run, tmp_path / "out.gguf")
    (run / "model.safetensors").unlink()
    with pytest.raises(InputError, match="finish the pretraining"):
        export_gguf(run, tmp_path / "out.gguf")
    assert not list(tmp_path.glob("*.gguf*"))


def test_only_files_of_gyeol_are_replaced(tmp_path: Path, plain: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    plain.save(tmp_path / "plain")
    out = tmp_path / "out.gguf"
    export_gguf(tmp_path / "plain", out)
    before = out.read_bytes()
    with pytest.raises(InputError, match="force=True"):
        export_gguf(tmp_path / "plain", out)
    export_gguf(tmp_path / "plain", out, force=True)
    assert out.read_bytes() == before
    out.write_bytes(b"GGUF of another program")
    with pytest.raises(InputError, match="not written by Gyeol"):
        export_gguf(tmp_path / "plain", out, force=True)
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(InputError, match=r"gyeol\[gguf\]"):
        export_gguf(tmp_path / "plain", tmp_path / "other.gguf")


class TestLlamaCpp:
    """Stock llama.cpp, in the package xllamacpp."""

    @pytest.fixture(autouse=True)
    def needed(self) -> None:
        pytest.importorskip("xllamacpp")

    @pytest.mark.parametrize("grammar", sorted(PRE_TOKENIZERS))
    def test_ids_are_equal(self, tmp_path: Path, plain: Tokenizer, grammar: str) -> None:
        tokenizer = (
            plain
            if grammar == "o200k"
            else train(samples.folder(), 2048, curriculum=CurriculumOptions(digits="right3"))
        )
        tokenizer.save(tmp_path / grammar)
        rng = np.random.default_rng(0)
        parts = np.array([*"가나ㅋ aB 漢!?.,:-_/'\"()\t\n\u3000\u0085½٣Ⅷ１é\u0301\0", *"0123456789" * 2, "😀", "\r\n"])
        mixed = ["".join(rng.choice(parts, size=rng.integers(1, 40))) for _ in range(500)]
        parity = llama_cpp_parity(tmp_path / grammar, parity_texts() + mixed)
        assert parity.texts > 270
        assert parity.differing == []

    @pytest.mark.slow
    @pytest.mark.corpora
    def test_ids_of_the_shipped_vocabulary_are_equal(self, corpora: Path) -> None:
        texts = [lzma.decompress(path.read_bytes()).decode() for path in sorted((corpora / "dev").glob("*.xz"))]
        pieces = [text[i : i + 20_000] for text in texts for i in range(0, len(text), 20_000)]
        assert llama_cpp_parity("gyeol-100k-gguf", pieces).differing == []

    def test_chats_are_those_of_transformers(self, tmp_path: Path, plain: Tokenizer) -> None:
        from transformers import AutoTokenizer

        engine = LlamaCpp(export(with_random_model(plain, tmp_path / "run")))
        roles, texts = ("system", "user", "assistant", "user"), ("친절하게.", " 안녕?\n", "안녕하세요.", "<b>1</b>")
        messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
        theirs = AutoTokenizer.from_pretrained(tmp_path / "run").apply_chat_template(
            messages, add_generation_prompt=True, return_dict=False
        )
        assert engine.chat(messages) == theirs

    @pytest.mark.parametrize("name", SHAPES)
    @pytest.mark.usefixtures("one_thread")
    def test_logits_and_continuations(self, tmp_path: Path, plain: Tokenizer, name: str) -> None:
        run = write_model(tmp_path / "run", plain, **SHAPES[name])
        engine = LlamaCpp(export(run), context=128)
        prompt = "나는 결을 따라 나무를 다듬는다."
        text = (samples.folder() / "essay.txt").read_text("utf-8")[:400]
        largest = largest_difference(engine, load_model(run), plain, [text])
        print(f"{name}: largest difference of a log-probability {largest:.1e}")
        assert largest < 1e-3
        ids = engine.encode(prompt, begin=True)
        assert ids == [plain.bos_id, *plain.encode(prompt)]
        special = plain.special_tokens.values()
        continued = [token for token in engine.generate(ids, 24) if token not in special]  # text shows none of them
        pieces = generate(run, prompt, max_new_tokens=24, temperature=0, heal=False, device="cpu")
        assert plain.decode(continued).rstrip("\ufffd") == "".join(pieces).rstrip("\ufffd")
