"""The chat template as transformers renders it, and what stands before and beside a text."""

import json
from pathlib import Path
from typing import Any

import jinja2
import pytest
import transformers

from tokenizer import Tokenizer
from tokenizer.vocabulary import build
from tokenizer.vocabulary.byte_level import byte_alphabet

SYSTEM = {"role": "system", "content": "짧게 답한다."}
ASKED = {"role": "user", "content": "오늘 날씨는?"}
TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "날씨", "parameters": {"type": "object", "properties": {}}},
}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {"city": "서울"}}}],
}
RESULT = {"role": "tool", "content": '{"sky": "맑음"}'}


@pytest.fixture
def loaded(saved: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(saved)


def chat(loaded: Any, messages: list[dict[str, Any]], **more: Any) -> str:
    return str(loaded.apply_chat_template(messages, tokenize=False, **more))


def test_turns(loaded: Any) -> None:
    text = "<|endoftext|><|system|>짧게 답한다.<|end|><|user|>오늘 날씨는?<|end|>"
    assert chat(loaded, [SYSTEM, ASKED]) == text
    assert chat(loaded, [SYSTEM, ASKED], add_generation_prompt=True) == text + "<|assistant|>"
    parts = {"role": "user", "content": [{"type": "text", "text": "오늘 "}, {"type": "text", "text": "날씨는?"}]}
    assert chat(loaded, [SYSTEM, parts]) == text
    with pytest.raises(jinja2.TemplateError, match="unknown role critic"):
        chat(loaded, [{"role": "critic", "content": "x"}])


def test_tools(loaded: Any) -> None:
    text = chat(loaded, [SYSTEM, ASKED, CALL, RESULT], tools=[TOOL], add_generation_prompt=True)
    system, rest = text.removeprefix("<|endoftext|><|system|>").split("<|end|>", 1)
    assert system.startswith("짧게 답한다.\n\nTools, one a line")
    assert json.loads(system.splitlines()[-1]) == TOOL
    call = '{"name": "weather", "arguments": {"city": "서울"}}'
    assert rest == (
        f'<|user|>오늘 날씨는?<|end|><|assistant|>{call}<|end|><|tool|>{{"sky": "맑음"}}<|end|><|assistant|>'
    )
    assert chat(loaded, [ASKED], tools=[TOOL]).startswith("<|endoftext|><|system|>Tools, one a line")


def test_the_ids_of_a_chat_are_those_of_its_turns(loaded: Any, plain: Tokenizer) -> None:
    ids = loaded.apply_chat_template([SYSTEM, ASKED], add_generation_prompt=True)["input_ids"]
    special = plain.special_tokens
    expected = [special["<|endoftext|>"]]
    for turn in (SYSTEM, ASKED):
        expected += [special[f"<|{turn['role']}|>"], *plain.encode(turn["content"]), special["<|end|>"]]
    assert ids == [*expected, special["<|assistant|>"]]


def test_batches_are_padded_on_the_left_behind_the_beginning_token(loaded: Any, plain: Tokenizer) -> None:
    texts = ["결을 따라", "결"]
    rows = loaded(texts, padding=True)["input_ids"]
    assert [row[-len(plain.encode(text)) :] for row, text in zip(rows, texts, strict=True)] == [
        plain.encode(text) for text in texts
    ]
    assert rows[0][0] == plain.bos_id == loaded.bos_token_id
    assert rows[1][: len(rows[0]) - 1 - len(plain.encode("결"))] == [plain.pad_id] * (
        len(rows[0]) - 1 - len(plain.encode("결"))
    )
    assert loaded("결", add_special_tokens=False)["input_ids"] == plain.encode("결")


def test_a_vocabulary_without_roles_has_no_template(tmp_path: Path) -> None:
    bare = Tokenizer(build(byte_alphabet(), [], special_tokens=["<s>"]))
    bare.save(tmp_path / "bare")
    config = json.loads((tmp_path / "bare" / "tokenizer_config.json").read_text())
    assert "chat_template" not in config
    assert bare.bos_id is bare.eos_id is bare.pad_id is None
    assert transformers.AutoTokenizer.from_pretrained(tmp_path / "bare")("a")["input_ids"] == bare.encode("a")


def test_the_card_says_how_to_load_it(saved: Path, plain: Tokenizer) -> None:
    card = (saved / "README.md").read_text("utf-8")
    assert 'AutoTokenizer.from_pretrained("FOLDER")' in card
    assert plain.fingerprint in card
    assert "## Licence" in card
