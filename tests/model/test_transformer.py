"""The decoder is Llama, checked against transformers; presets are the sizes they claim."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from model import PRESETS, Transformer, preset
from model.attention import Cache
from model.config import padded_vocab_size
from model.export import llama_config, model_tensors, read_config
from model.weights import write_tensors
from tests.support.models import TINY
from tokenizer.errors import InputError
from tokenizer.files import write_json


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(0, TINY.vocab_size, (2, 40), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tie_embeddings": True},
        {"num_kv_heads": 4},
        {"num_kv_heads": 1, "rope_theta": 500_000.0, "norm_eps": 1e-6},
        {"qk_norm": True},
        {"rope_scaling": "linear", "rope_factor": 4.0},
        {"rope_scaling": "llama3", "rope_factor": 8.0, "rope_original_context": 16},
    ],
)
def test_logits_and_cached_logits_equal_transformers(tmp_path: Path, ids: torch.Tensor, changes: dict) -> None:
    config = replace(TINY, **changes)
    model = Transformer(config, seed=5).eval()
    with torch.no_grad():
        for weight in model.parameters():  # far from the tame initial values
            weight.mul_(3).add_(0.01 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)))
    write_json(tmp_path / "config.json", llama_config(config, end_of_text=3))
    write_tensors(tmp_path / "model.safetensors", model_tensors(model))
    reference = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert read_config(tmp_path / "config.json") == config
    with torch.no_grad():
        expected = reference(ids).logits
        torch.testing.assert_close(model(ids), expected, atol=1e-4, rtol=0)
        cache = Cache(config, batch=2)
        cached = [model(ids[:, :25], cache=cache)]
        cached += [model(ids[:, place : place + 1], cache=cache) for place in range(25, 40)]
        torch.testing.assert_close(torch.cat(cached, dim=1), expected, atol=1e-4, rtol=0)


def test_reads_what_transformers_writes(tmp_path: Path) -> None:
    from transformers import LlamaConfig

    settings = llama_config(TINY, end_of_text=3)
    LlamaForCausalLM(LlamaConfig(**settings)).save_pretrained(tmp_path)
    assert read_config(tmp_path / "config.json") == TINY


def test_gradients_equal_transformers(ids: torch.Tensor) -> None:
    from transformers import LlamaConfig

    model = Transformer(TINY, seed=5)
    reference = LlamaForCausalLM(LlamaConfig(**llama_config(TINY, end_of_text=3)))
    reference.load_state_dict(model.state_dict())
    loss = model(ids[:, :-1], ids[:, 1:])
    loss.backward()
    expected = reference(ids, labels=ids).loss
    expected.backward()
    torch.testing.assert_close(loss, expected)
    theirs = dict(reference.named_parameters())
    assert theirs.keys() == dict(model.named_parameters()).keys()
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight.grad, theirs[name].grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("name", "billions"), [("ax-3.1-light", 7.26), ("ax-3.1", 34.67)])
def test_presets_have_the_parameters_of_ax(name: str, billions: float) -> None:
    with torch.device("meta"):
        model = Transformer(preset(name, 102_400))
    count = sum(weight.numel() for weight in model.parameters())
    assert count == model.config.parameters
    assert round(count / 1e9, 2) == billions
    assert model.config.max_context == 32_768
    assert not model.config.tie_embeddings


@pytest.mark.parametrize("name", ["nano", "mini", "small"])
def test_small_presets_count_their_parameters(name: str) -> None:
    with torch.device("meta"):
        model = Transformer(preset(name, 32_768))
    assert sum(weight.numel() for weight in model.parameters()) == model.config.parameters


def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    first = Transformer(TINY, seed=9).state_dict()
    torch.manual_seed(1)
    second = Transformer(TINY, seed=9).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_heads": 5}, "hidden_size 64 is not a multiple of num_heads 5"),
        ({"num_kv_heads": 3}, "num_heads 4 is not a multiple of num_kv_heads 3"),
        ({"num_heads": 64, "num_kv_heads": 64}, "needs? an even number"),
        ({"num_layers": 0}, "num_layers is 0"),
    ],
)
def test_shapes_that_cannot_be_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(TINY, **changes)


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(InputError, match=f"'huge'; choose one of {', '.join(PRESETS)}"):
        preset("huge", 1000)
    with pytest.raises(InputError, match="'layers'; choose one of vocab_size"):
        preset("nano", 1000, layers=3)


def test_more_tokens_than_the_context_are_refused(ids: torch.Tensor) -> None:
    model = Transformer(TINY, seed=0)
    with pytest.raises(InputError, match="80 tokens exceed the context of 48"):
        model(torch.cat((ids, ids), dim=1))


def test_padded_vocab_size() -> None:
    assert [padded_vocab_size(size) for size in (1, 128, 129, 102_400)] == [128, 128, 256, 102_400]


@pytest.mark.gpu
def test_the_gpu_computes_what_the_cpu_does(ids: torch.Tensor) -> None:
    model = Transformer(TINY, seed=5)
    expected = model(ids, ids)
    torch.testing.assert_close(model.cuda()(ids.cuda(), ids.cuda()).cpu(), expected, atol=1e-4, rtol=1e-4)
