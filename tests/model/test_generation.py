"""Generation is reproducible, equals the uncached model, and never breaks a syllable."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model import PRESETS, Transformer, generate, generate_batch, load_model, pretrain
from model.defaults import RECIPES, Recipe
from model.generation import Row, Steps
from model.sampling import GenerationConfig, choose
from model.token_healing import Continuations
from tests.support.models import END, ByteTokenizer, sentences, write_shards
from tokenizer.errors import InputError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("generate")
    shape = {"hidden_size": 48, "intermediate_size": 96, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2}
    data = write_shards(folder / "data", [sentences(300)])
    torch.set_num_threads(1)  # a model this small is slower on more
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", {**shape, "max_context": 64})
        patch.setattr("tokenizer.Tokenizer", ByteTokenizer, raising=False)
        patch.setitem(RECIPES, "tiny", Recipe("adamw", 1e-2, 1024))
        options: dict[str, Any] = {"preset": "tiny", "device": "cpu", "precision": "fp32"}
        pretrain(data, folder / "run", tokens=150_000, eval_tokens=1000, **options)
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
    rows = [Row(list(range(30)), torch.Generator().manual_seed(0)), Row(list(range(9)), torch.Generator())]
    for _ in Steps(load_model(run), rows, 257, GenerationConfig(temperature=1.0, max_new_tokens=200)):
        pass
    assert [len(row.ids) >= row.prompt + 200 for row in rows] == [True, True]


def test_a_batch_gives_what_each_prompt_gives_alone(run: Path) -> None:
    prompts = ["결을", "나무를 다듬는 사람이", "오"]
    for options in ({"temperature": 0}, {"seed": 3}):
        alone = ["".join(generate(run, prompt, max_new_tokens=30, device="cpu", **options)) for prompt in prompts]
        assert generate_batch(run, prompts, max_new_tokens=30, device="cpu", **options) == alone
    assert generate_batch(run, []) == []


def test_greedy_text_is_that_of_transformers(run: Path) -> None:
    from transformers import AutoModelForCausalLM

    ids = [END, *"나무를".encode()]
    theirs = AutoModelForCausalLM.from_pretrained(run).generate(
        torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=40, do_sample=False
    )
    text = bytes(token for token in theirs[0, len(ids) :].tolist() if token < END).decode("utf-8", "ignore")
    assert "".join(generate(run, "나무를", temperature=0, max_new_tokens=40, heal=False, device="cpu")) == text


def test_stops_at_end_of_text(run: Path) -> None:
    rows, config = [Row([END], torch.Generator())], GenerationConfig(max_new_tokens=9)
    steps = Steps(_prefers(load_model(run), END), rows, 257, config, ends={END})
    assert list(steps) == [[None]]


def drawn(logits: torch.Tensor, before: tuple[int, ...] = (), **options: float | None) -> set[int]:
    generator = torch.Generator().manual_seed(0)
    sampling = GenerationConfig(**{"temperature": 1.0, "top_p": None, **options})  # type: ignore[arg-type]
    return {choose(logits, sampling, generator, before) for _ in range(300)}


def test_sampling_keeps_to_its_limits() -> None:
    logits = torch.log(torch.tensor([0.1, 0.5, 0.05, 0.3, 0.05]))
    assert drawn(logits) == {0, 1, 2, 3, 4}
    assert drawn(logits, top_k=2) == {1, 3}
    assert drawn(logits, top_p=0.85) == {0, 1, 3}
    assert drawn(logits, top_p=0.01) == {1}
    assert drawn(logits, min_p=0.5) == {1, 3}
    assert drawn(logits, temperature=0) == {1}
    assert drawn(logits, (1, 1), temperature=0, repetition_penalty=3.0) == {3}


@given(
    st.lists(st.integers(-9, 9), min_size=3, max_size=12, unique=True),
    st.sampled_from([0.7, 1.3]),
    st.sampled_from([0.05, 0.3]),
    st.integers(1, 5),
)
@settings(max_examples=30, deadline=None)
def test_sampling_allows_what_transformers_allows(values: list[int], penalty: float, min_p: float, top_k: int) -> None:
    from transformers import generation

    logits, before = torch.tensor(values).float(), torch.tensor([[0, 2]])
    scores = generation.RepetitionPenaltyLogitsProcessor(penalty)(before, logits[None])
    scores = generation.TopKLogitsWarper(top_k)(before, scores / 0.7)
    scores = generation.MinPLogitsWarper(min_p)(before, scores)  # type: ignore[arg-type]
    allowed = set(scores[0].isfinite().nonzero()[:, 0].tolist())
    options = {"repetition_penalty": penalty, "temperature": 0.7, "top_k": top_k, "min_p": min_p}
    assert drawn(logits, (0, 2), **options) <= allowed


TOKENS = [bytes([byte]) for byte in range(256)] + [b"ab", b"abc", b" ab", b" abc d", b""]
IDS = {raw: number for number, raw in enumerate(TOKENS)}


@pytest.mark.parametrize(
    ("prompt", "kept", "owed"),
    [
        ([b"x", b"ab"], [b"x"], b"ab"),  # "abc" begins with it
        ([b"x", b" ", b"ab"], [b"x"], b" ab"),  # " abc d" too, and swallows more
        ([b"x", b"abc"], [b"x", b"abc"], b""),
        ([b"", b" abc d"], [b"", b" abc d"], b""),
        ([b"a", b"", b"a"], [b"a", b""], b"a"),  # not across a special token
        ([], [], b""),
    ],
)
def test_a_prompt_is_taken_back_as_far_as_a_longer_token_reaches(
    prompt: list[bytes], kept: list[bytes], owed: bytes
) -> None:
    assert Continuations(TOKENS).back_off([IDS[raw] for raw in prompt]) == ([IDS[raw] for raw in kept], owed)


@given(st.lists(st.binary(min_size=1, max_size=4), max_size=30), st.binary(min_size=1, max_size=6))
def test_tokens_allowed_begin_with_the_bytes_owed_or_they_with_them(more: list[bytes], owed: bytes) -> None:
    tokens = [bytes([byte]) for byte in range(256)] + more
    expected = {number for number, raw in enumerate(tokens) if raw.startswith(owed) or owed.startswith(raw)}
    found = Continuations(tokens).allowed(owed)
    assert (set(found), len(found)) == (expected, len(expected))
    assert Continuations(tokens).extends(owed) == any(raw.startswith(owed) and raw != owed for raw in tokens)


class PairTokenizer(ByteTokenizer):
    """Bytes, and one token for the bytes of "를 " that `ByteTokenizer`'s encoding never uses."""

    vocab_size = 258

    def token_bytes(self, token: int) -> bytes:
        return "를 다".encode() if token == 257 else super().token_bytes(token)


def test_a_prompt_inside_a_superword_goes_on_with_its_bytes(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenizer.Tokenizer", PairTokenizer)
    monkeypatch.setattr(
        sys.modules["model.generation"], "load_model", lambda run, device: _prefers(load_model(run), 257)
    )
    assert "".join(generate(run, "나무를", temperature=0, max_new_tokens=1, device="cpu")) == " 다"
    assert "".join(generate(run, "나무를", temperature=0, max_new_tokens=1, heal=False, device="cpu")) == "를 다"


def _prefers(model: Transformer, token: int) -> Transformer:
    """``model`` with ``token``, the last that it has a row for or one behind them, always the likeliest."""
    forward, model.config = model.forward, replace(model.config, vocab_size=max(token + 1, model.config.vocab_size))

    def preferring(*arguments: object, **options: object) -> torch.Tensor:
        logits = forward(*arguments, **options)  # type: ignore[arg-type]
        return torch.nn.functional.pad(logits[..., :token], (0, 1), value=1e4)

    model.forward = preferring  # type: ignore[method-assign]
    return model


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"temperature": -1}, "temperature is -1"),
        ({"temperature": 1e-40}, "from 0.01 to 100"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"repetition_penalty": 1e-45}, "repetition_penalty is 1e-45"),
        ({"device": "meta"}, "device 'meta' cannot be used"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_p": 1.5}, "top_p is 1.5"),
        ({"min_p": 0.0}, "min_p is 0.0"),
        ({"repetition_penalty": 0}, "repetition_penalty is 0"),
    ],
)
def test_values_out_of_range_are_refused_at_once(run: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate(run, "결", **options)


def test_a_prompt_longer_than_the_context_is_refused(run: Path) -> None:
    with pytest.raises(InputError, match="the prompt is 301 tokens long; the model's context is 64"):
        generate(run, "가" * 100, device="cpu")
