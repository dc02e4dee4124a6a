"""What a run can be asked for beyond the defaults: each option does what it says and no more."""

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model import PRESETS, Transformer, dry_run, load_model, preset, pretrain
from model.data import Mixture, TokenStream, Windows, open_data
from model.defaults import RECIPES, Recipe, recipe_for
from model.device import peak_flops, prepare_layers
from model.document_mask import DocumentMask
from model.optimizer import Optimizer
from model.plan import describe_plan, memory_errors
from model.plot import plot_runs
from model.pretrain_config import PretrainConfig
from tests.support.models import OPTIONS, TINY, interrupt_at, log, sentences, write_shards
from tokenizer.errors import InputError

pytestmark = pytest.mark.usefixtures("tiny")


def losses(run: Path) -> list[float | None]:
    return [line["loss"] for line in log(run) if "loss" in line]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_each_optimizer_learns_and_resumes_bit_for_bit(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    optimizer: str,
) -> None:
    options = {**OPTIONS, "optimizer": optimizer, "shape": {"tie_embeddings": False, "qk_norm": True}}
    pretrain(data, tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        interrupt_at(patch, step=7)
        with pytest.raises(KeyboardInterrupt):
            pretrain(data, tmp_path / "run", **options)
    pretrain(data, tmp_path / "run", **options)
    found = losses(tmp_path / "run")
    assert found == losses(tmp_path / "whole")
    assert (found[-1] or 0) < (found[0] or 0) - 0.5
    assert load_model(tmp_path / "run").config.qk_norm


def test_muon_takes_the_matrices_of_the_layers_alone() -> None:
    model = Transformer(TINY, seed=0)
    optimizer = Optimizer(model, "muon", 1e-3, 0.1)
    names = {name.partition(".")[::2] for name in optimizer.tensors()}
    muon = {name for slot, name in names if slot == "momentum_buffer"}
    assert muon == {name for name, weight in model.named_parameters() if ".layers." in name and weight.dim() == 2}
    assert {name for slot, name in names if slot == "exp_avg"} == dict(model.named_parameters()).keys() - muon
    decays = {group["weight_decay"]: len(group["params"]) for group in optimizer.adamw.param_groups}
    assert decays == {0.1: 1, 0.0: 2 + 2 * TINY.num_layers}  # the head; embedding, last norm, two norms a layer


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_documents_do_not_see_each_other(heads: int) -> None:
    model = Transformer(replace(TINY, num_kv_heads=heads), seed=1).eval()
    texts = [torch.randint(4, 384, (length,), generator=torch.Generator().manual_seed(length)) for length in (7, 1, 20)]
    ids = torch.cat([torch.cat((text, torch.tensor([3]))) for text in texts])[None]
    with torch.no_grad():
        together = model(ids, documents=DocumentMask(ids, 3))[0]
        alone = [model(torch.cat((text, torch.tensor([3])))[None])[0] for text in texts]
    # Rotary positions are relative, so a document later in the window is the same but for rounding.
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)


@pytest.mark.gpu
def test_flex_attention_is_the_loop_over_documents() -> None:
    model = Transformer(replace(TINY, max_context=256), seed=1)
    ids = torch.randint(0, 9, (2, 256), generator=torch.Generator().manual_seed(0))
    expected = model(ids, documents=DocumentMask(ids, 3))
    found = model.cuda()(ids.cuda(), documents=DocumentMask(ids.cuda(), 3))
    torch.testing.assert_close(found.cpu(), expected, atol=1e-3, rtol=1e-3)


@pytest.mark.gpu
def test_compiled_layers_have_the_same_loss() -> None:
    ids = torch.randint(0, TINY.vocab_size, (2, 41), generator=torch.Generator().manual_seed(1)).cuda()
    model = Transformer(TINY, seed=5).cuda()
    expected = model(ids[:, :-1], ids[:, 1:])
    prepare_layers(model, recompute=False, compiled=True)
    torch.testing.assert_close(model(ids[:, :-1], ids[:, 1:]), expected, atol=1e-4, rtol=1e-4)


def test_recomputed_layers_have_the_same_loss_and_gradients() -> None:
    ids = torch.randint(0, TINY.vocab_size, (2, 41), generator=torch.Generator().manual_seed(1))
    plain, thrifty = Transformer(TINY, seed=5), Transformer(TINY, seed=5)
    prepare_layers(thrifty, recompute=True, compiled=False)
    found = [model(ids[:, :-1], ids[:, 1:]) for model in (plain, thrifty)]
    assert torch.equal(*found)
    for loss in found:
        loss.backward()
    for one, other in zip(plain.parameters(), thrifty.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)  # type: ignore[arg-type]
    assert plain.state_dict().keys() == thrifty.state_dict().keys()


@pytest.mark.parametrize("weights", [[1.0], [1.0, 1.0], [0.7, 0.2, 0.1]])
def test_a_mixture_keeps_its_weights_and_every_source_its_order(weights: list[float]) -> None:
    streams = [TokenStream([np.arange(source * 10_000, source * 10_000 + 5001)]) for source in range(len(weights))]
    sources = [Windows(stream, context=10, seed=1) for stream in streams]
    batch = Mixture(sources, weights, seed=1).batch(0, 2000)
    drawn = (batch[:, 0] // 10_000).tolist()
    assert Counter(drawn) == {source: round(2000 * weight / sum(weights)) for source, weight in enumerate(weights)}
    for source, windows in enumerate(sources):
        own = batch[torch.tensor(drawn) == source]
        assert torch.equal(own, windows.batch(0, len(own)))
    assert torch.equal(Mixture(sources, weights, seed=1).batch(1234, 5), batch[1234:1239])  # any position at once


def test_several_sources_train_and_are_part_of_the_run(data: Path, tmp_path: Path) -> None:
    other = write_shards(tmp_path / "other", [sentences(100, 5)])
    options = {**OPTIONS, "tokens": 1024, "documents": True, "z_loss": 1e-4}
    pretrain([f"{data}=2", other], tmp_path / "run", **options)
    with pytest.raises(InputError, match="data is"):
        pretrain([data, other], tmp_path / "run", **options)
    for given, message in (
        (f"{data}=0", "weight of .* is 0"),
        (f"{data}=x", "not of the form"),
        ("no=1", "no such file"),
    ):
        with pytest.raises(InputError, match=message):
            open_data([given])


def test_a_step_without_a_finite_loss_can_be_skipped(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from model.trainer import Trainer

    gradients = Trainer._gradients
    monkeypatch.setattr(Trainer, "_gradients", lambda self: gradients(self) * (math.nan if self.state.step == 3 else 1))
    pretrain(data, tmp_path / "run", **{**OPTIONS, "nonfinite": "skip"})
    steps = [line for line in log(tmp_path / "run") if "loss" in line]
    assert [line["step"] for line in steps if "skipped" in line] == [4]
    assert steps[3]["loss"] is None
    assert json.loads((tmp_path / "run/checkpoints/step-000020/training.json").read_text())["updates"] == 19


def test_running_out_of_memory_says_what_to_lower() -> None:
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate")):
        with (
            pytest.raises(InputError, match="micro_batch_tokens 4,096: lower micro_batch_tokens"),
            memory_errors({"micro_batch_tokens": 4096}),
        ):
            raise error
    with pytest.raises(RuntimeError, match="else"), memory_errors({}):
        raise RuntimeError("something else")


def test_a_dry_run_of_the_largest_preset() -> None:
    plan = dry_run(gpus=64, preset="ax-3.1", recompute=True)
    assert plan.parameters == preset("ax-3.1", 102_400).parameters == 34_670_911_488
    assert plan.state_bytes == 16 * plan.parameters // 64
    assert (plan.sharded, plan.processes) == (True, 64)
    assert plan.flops_per_token > 6 * (plan.parameters - 102_400 * 8192)
    assert any("sharded by FSDP2" in line for line in describe_plan(plan))
    muon = dry_run(gpus=1, preset="small", optimizer="muon")
    assert muon.state_bytes < dry_run(gpus=1, preset="small", optimizer="adamw").state_bytes
    with pytest.raises(InputError, match="gpus is 0"):
        dry_run(gpus=0)


@pytest.mark.parametrize(("name", "millions"), [("small", 154), ("base", 375), ("large", 1292)])
def test_presets_are_as_large_as_they_say(name: str, millions: int) -> None:
    assert round(preset(name, 102_400).parameters / 1e6) == millions


def test_the_peak_of_an_unknown_device_is_not_guessed() -> None:
    assert peak_flops(torch.device("cpu"), "bf16") is None


def test_curves_are_one_file(data: Path, tmp_path: Path) -> None:
    for name, lr in (("a<b", 1e-3), ("c", 1e-2)):
        pretrain(data, tmp_path / name, **{**OPTIONS, "tokens": 1024, "lr": lr})
    plot_runs([tmp_path / "a<b", tmp_path / "c"], tmp_path / "curves.html")
    text = (tmp_path / "curves.html").read_text("utf-8")
    assert (text.count("<svg"), text.count("<polyline")) == (6, 12)
    assert "a&lt;b" in text
    assert "http" not in text
    with pytest.raises(InputError, match="is not a run"):
        plot_runs([tmp_path], tmp_path / "other.html")
    with pytest.raises(InputError, match="already exists"):
        plot_runs([tmp_path / "c"], tmp_path / "curves.html")
    plot_runs([tmp_path / "c"], tmp_path / "curves.html", force=True)


def test_tensorboard_is_asked_for_by_name(data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {**OPTIONS, "tokens": 512, "tensorboard": True}
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match=r"pip install 'gyeol\[tensorboard\]'"):
            pretrain(data, tmp_path / "run", **options)
    else:
        pretrain(data, tmp_path / "run", **options)
        assert list((tmp_path / "run" / "tensorboard").iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"context": 64}, "context 64 is longer than the 32 of tiny.*max_context=64"),
        ({"shape": {"num_kv_heads": 3}}, "num_heads 4 is not a multiple of num_kv_heads 3"),
        ({"shape": {"num_layers": "two"}}, "num_layers is 'two'; it must be of the kind int"),
        ({"shape": {"qk_norm": 1}}, "qk_norm is 1"),
        ({"shape": {"depth": 1}}, "unknown model field 'depth'"),
        ({"shape": {"rope_factor": 2.0}}, "rope_factor 2.0 needs rope_scaling"),
        ({"shape": {"rope_scaling": "llama3"}}, "rope_original_context goes with"),
        ({"shape": {"rope_scaling": "yarn"}}, "unknown rope_scaling 'yarn'"),
        ({"optimizer": "sgd"}, "unknown optimizer 'sgd'"),
        ({"z_loss": -1.0}, "z_loss is -1.0"),
        ({"keep": 0}, "keep is 0"),
        ({"device": "cuda:99"}, "device 'cuda:99' cannot be used"),
    ],
)
def test_options_that_cannot_be_are_refused(
    data: Path,
    tmp_path: Path,
    options: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(InputError, match=message):
        pretrain(data, tmp_path / "run", **{**OPTIONS, **options})
    assert not (tmp_path / "run").exists()


def test_each_preset_has_a_recipe_that_options_override() -> None:
    assert set(PRESETS) - {"tiny"} <= set(RECIPES)
    assert recipe_for(PretrainConfig(preset="nano"), context=512) == RECIPES["nano"]
    assert recipe_for(PretrainConfig(preset="nano"), context=9000).batch_tokens == 9000
    asked = PretrainConfig(preset="nano", optimizer="adamw", lr=0.1, batch_tokens=512)
    assert recipe_for(asked, context=512) == Recipe("adamw", 0.1, 512)
