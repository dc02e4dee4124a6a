"""Generation is reproducible, equals the uncached model, and never breaks a syllable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_model_data import END, ByteTokenizer, sentences, write_shards

from model import PRESETS, generate, load_model, pretrain
from model.generate import choose, text_pieces
from tokenizer.errors import InputError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("generate")
    shape = {"hidden_size": 48, "intermediate_size": 96, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2}
    data = write_shards(folder / "data", [sentences(300)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", {**shape, "max_context": 64})
        patch.setattr("tokenizer.Tokenizer", ByteTokenizer, raising=False)
        options = {"preset": "tiny", "lr": 1e-2, "device": "cpu", "precision": "fp32"}
        pretrain(data, folder / "run", tokens=150_000, batch_tokens=1024, eval_tokens=1000, **options)
        yield folder / "run"


def test_a_seed_repeats_and_another_differs(run: Path) -> None:
    first, again, other = ("".join(generate(run, "결을", seed=seed, device="cpu")) for seed in (1, 1, 2))
    assert first == again != other


def test_greedy_equals_the_model_without_a_cache(run: Path) -> None:
    pieces = list(generate(run, "나무를", temperature=0, max_new_tokens=40, device="cpu"))
    model, ids = load_model(run), [END, *"나무를".encode()]
    for _ in range(40):
        ids.append(int(model(torch.tensor([ids]))[0, -1, :257].argmax()))
    text = bytes(ids[1:]).decode("utf-8", "ignore")
    assert "나무를" + "".join(pieces) == text
    assert len(pieces) > 5
    assert "\ufffd" not in text


def test_generation_goes_on_beyond_the_context(run: Path) -> None:
    ids = list(range(30))
    from model.generate import sample_tokens

    tokens = sample_tokens(
        load_model(run), ids, 257, temperature=1.0, top_k=None, top_p=None, generator=torch.Generator().manual_seed(0)
    )
    assert len([token for _, token in zip(range(200), tokens, strict=False)]) == 200


@given(st.text(min_size=1), st.data())
def test_pieces_are_whole_characters(text: str, data: st.DataObject) -> None:
    raw = text.encode("utf-8", "ignore")
    kept = data.draw(st.integers(0, len(raw)))
    pieces = list(text_pieces(ByteTokenizer(), iter(raw[:kept]), 10**6))
    assert "".join(pieces) == raw[:kept].decode("utf-8", "ignore")
    assert all(pieces)


def test_stops_at_end_of_text_and_at_the_limit() -> None:
    tokens = [*"가".encode(), END, *"나".encode()]
    assert "".join(text_pieces(ByteTokenizer(), iter(tokens), 100)) == "가"
    assert "".join(text_pieces(ByteTokenizer(), iter(b"abc"), 2)) == "ab"


def test_sampling_keeps_to_top_k_and_top_p() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.log(torch.tensor([0.1, 0.5, 0.05, 0.3, 0.05]))

    def drawn(**options: float | None) -> set[int]:
        settings = {"temperature": 1.0, "top_k": None, "top_p": None, **options}
        return {int(choose(logits, generator=generator, **settings)) for _ in range(300)}  # type: ignore[arg-type]

    assert drawn() == {0, 1, 2, 3, 4}
    assert drawn(top_k=2) == {1, 3}
    assert drawn(top_p=0.85) == {0, 1, 3}
    assert drawn(top_p=0.01) == {1}
    assert drawn(temperature=0) == {1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"temperature": -1}, "temperature is -1"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_p": 1.5}, "top_p is 1.5"),
    ],
)
def test_values_out_of_range_are_refused_at_once(run: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate(run, "결", **options)


def test_a_prompt_longer_than_the_context_is_refused(run: Path) -> None:
    with pytest.raises(InputError, match="the prompt is 301 tokens long; the model's context is 64"):
        generate(run, "가" * 100, device="cpu")
