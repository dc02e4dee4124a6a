"""Llama, Mistral, Qwen2 and Qwen3 folders of transformers: the same logits, and by name what Gyeol does not run."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import AddedToken, processors

from model import ModelConfig, Transformer, generate, generate_batch, load_model, pretrain
from model.export import llama_config, model_tensors, read_config
from model.weights import write_tensors
from tests.support.foreign import PRE_TOKENIZERS, saved, trained
from tests.support.models import OPTIONS, TINY_SHAPE, sentences
from tokenizer import InputError, Tokenizer
from tokenizer.files import write_json
from tokenizer.shards import write_shards

SIZES: dict[str, Any] = {
    "vocab_size": 904,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
LLAMA3: dict[str, Any] = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LLAMA3["original_max_position_embeddings"] = 16
MODELS: dict[str, tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]] = {
    "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM, {}),
    "llama 3.1": (
        transformers.LlamaConfig,
        transformers.LlamaForCausalLM,
        {"rope_parameters": LLAMA3 | {"rope_theta": 5e5}},
    ),
    "llama 3.2": (
        transformers.LlamaConfig,
        transformers.LlamaForCausalLM,
        {"tie_word_embeddings": True, "head_dim": 16},
    ),
    "mistral": (transformers.MistralConfig, transformers.MistralForCausalLM, {"sliding_window": None}),
    "mistral nemo": (
        transformers.MistralConfig,
        transformers.MistralForCausalLM,
        {"head_dim": 20, "sliding_window": 64},
    ),
    "qwen2": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM, {}),
    "qwen2 small": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM, {"tie_word_embeddings": True}),
    "qwen3": (transformers.Qwen3Config, transformers.Qwen3ForCausalLM, {}),
    "qwen3 small": (
        transformers.Qwen3Config,
        transformers.Qwen3ForCausalLM,
        {"tie_word_embeddings": True, "head_dim": 8},
    ),
}


def reference(kind: str) -> Any:
    """A model of transformers with random weights, biases among them."""
    config, model, more = MODELS[kind]
    torch.manual_seed(3)
    made = model(config(**SIZES, **more)).eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.05 * torch.randn(weight.shape))
    return made


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(0, SIZES["vocab_size"], (2, 30), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", MODELS)
def test_logits_are_those_of_transformers(tmp_path: Path, ids: torch.Tensor, kind: str) -> None:
    theirs = reference(kind)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = load_model(tmp_path / "theirs")
    write_json(tmp_path / "config.json", llama_config(ours.config, end_of_text=3))
    write_tensors(tmp_path / "model.safetensors", model_tensors(ours))
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert again.config.model_type == kind.split()[0].replace("mistral", "llama")
    assert read_config(tmp_path / "config.json") == ours.config
    with torch.no_grad():
        expected = theirs(ids).logits
        torch.testing.assert_close(ours(ids), expected, atol=1e-4, rtol=0)
        torch.testing.assert_close(again(ids).logits, expected, atol=1e-4, rtol=0)
    assert sum(weight.numel() for weight in ours.parameters()) == ours.config.parameters


def test_weights_in_shards_and_bf16(tmp_path: Path, ids: torch.Tensor) -> None:
    reference("qwen3").to(torch.bfloat16).save_pretrained(tmp_path, max_shard_size="100KB")
    assert not (tmp_path / "model.safetensors").exists()
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    with torch.no_grad():
        torch.testing.assert_close(load_model(tmp_path)(ids), theirs(ids).logits, atol=1e-4, rtol=0)


def test_biases_begin_at_zero() -> None:
    sizes: dict[str, Any] = {"vocab_size": 384, **TINY_SHAPE}
    biases = [
        weight
        for name, weight in Transformer(ModelConfig(**sizes, qkv_bias=True), seed=0).named_parameters()
        if name.endswith("bias")
    ]
    assert len(biases) == 3 * TINY_SHAPE["num_layers"]
    assert not any(weight.any() for weight in biases)
    with pytest.raises(InputError, match="no architecture of transformers has both"):
        ModelConfig(**sizes, qkv_bias=True, qk_norm=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "gemma2"}, "model_type 'gemma2'; Gyeol runs Llama, Mistral, Qwen2 and Qwen3"),
        ({"model_type": "qwen3_moe"}, "model_type 'qwen3_moe'"),
        ({"model_type": "mistral"}, "sliding_window 4096"),
        ({"model_type": "mistral", "sliding_window": 63}, "sliding_window 63"),
        ({"model_type": "qwen2", "use_sliding_window": True, "sliding_window": 32}, "sliding_window 32"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "rope_type 'yarn'"),
        ({"rope_scaling": {"type": "dynamic", "factor": 4.0}}, "rope_type 'dynamic'"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
        ({"hidden_act": "gelu"}, "hidden_act 'gelu'"),
        ({"attention_bias": True}, "attention_bias True"),
        ({"mlp_bias": True}, "mlp_bias True"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
    ],
)
def test_what_the_transformer_has_not_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    context = {"max_position_embeddings": 8192 if "sliding_window" not in changes else 64}
    config = transformers.LlamaConfig(**SIZES).to_dict() | {"rope_parameters": None} | context | changes
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=message):
        read_config(tmp_path / "config.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen3 with a tokenizer of its own, as transformers saves both."""
    out = tmp_path_factory.mktemp("qwen3")
    specials = [AddedToken(text, special=True) for text in ("<s>", "</s>", "<pad>")]
    tokenizer = trained(PRE_TOKENIZERS["Qwen"], *specials, AddedToken("<think>", special=False))
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 901)])
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    fast.save_pretrained(out)
    reference("qwen3").save_pretrained(out)
    return out


def test_generation_is_that_of_transformers(folder: Path, tmp_path: Path) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    fast = transformers.AutoTokenizer.from_pretrained(folder)
    prompt = fast("결을 따라", return_tensors="pt")
    out = model.generate(**prompt, do_sample=False, max_new_tokens=20, eos_token_id=902, pad_token_id=903)
    expected = fast.decode(out[0][prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    assert "".join(generate(folder, "결을 따라", temperature=0, max_new_tokens=20, heal=False)) == expected
    ends = Path(shutil.copytree(folder, tmp_path / "ends"))
    fifth = int(out[0][prompt["input_ids"].shape[1] + 5])
    write_json(ends / "generation_config.json", {"eos_token_id": [902, fifth]})
    (text,) = generate_batch(ends, ["결을 따라"], temperature=0, max_new_tokens=20, heal=False)
    assert expected.startswith(text)
    assert len(text) < len(expected)


def test_pretraining_goes_on_from_it(folder: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(folder)
    (tmp_path / "text.txt").write_text("\n".join(sentences(400)), "utf-8")
    write_shards(tokenizer, [tmp_path / "text.txt"], tmp_path / "shards")
    shape: dict[str, Any] = {
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_layers": 2,
        "num_heads": 4,
        "num_kv_heads": 2,
    }
    options = {name: value for name, value in OPTIONS.items() if name not in ("preset", "tokenizer")}
    options |= {"preset": "nano", "tokens": 512, "init_from": str(folder)}
    shape |= {"qk_norm": True, "head_size": 128, "max_context": 32, "norm_eps": 1e-6, "tie_embeddings": False}
    result = pretrain(tmp_path / "shards", tmp_path / "run", shape=shape, **options)
    assert result.tokens == 512
    made = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "run")
    assert (made.config.model_type, made.config.head_dim) == ("qwen3", 128)
    assert Tokenizer.load(tmp_path / "run").fingerprint == tokenizer.fingerprint


def test_an_embedding_that_is_too_small_is_refused(folder: Path, tmp_path: Path) -> None:
    small = Path(shutil.copytree(folder, tmp_path / "small"))
    tokens = [AddedToken(f"<{number}>", special=True) for number in range(10)]
    saved(trained(PRE_TOKENIZERS["Qwen"], *tokens), small)
    with pytest.raises(InputError, match="the tokenizer has 910 ids, the model 904"):
        generate(small, "결을")
