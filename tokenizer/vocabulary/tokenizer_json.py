"""``tokenizer.json``, the form in which Hugging Face ``tokenizers``, ``transformers`` and vLLM load a vocabulary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenizer.pretokenize.grammars import pattern
from tokenizer.vocabulary.byte_level import spelled

if TYPE_CHECKING:
    from tokenizer.vocabulary.vocabulary import Vocabulary


def tokenizer_json(vocabulary: Vocabulary) -> str:
    """The content of ``tokenizer.json``.

    The tokens and merges are laid out here as ``json.dumps`` with an indent of 1 does it, a token at a time in Python
    and ten times as slow.
    """
    names = json.dumps(spelled(vocabulary.tokens), ensure_ascii=False)[1:-1].split(", ")  # no name has a space
    vocab = _block("{}", [f"   {name}: {i}" for i, name in enumerate(names)])
    merges = _block("[]", [f"   [\n    {names[left]},\n    {names[right]}\n   ]" for left, right in vocabulary.merges])
    frame = json.dumps(_frame(vocabulary), ensure_ascii=False, indent=1)
    before, behind = frame.split('"vocab": {},\n  "merges": []')  # within a string the quotes would be escaped
    return f'{before}"vocab": {vocab},\n  "merges": {merges}{behind}'


def _block(brackets: str, lines: list[str]) -> str:
    body = ",\n".join(lines)
    return f"{brackets[0]}\n{body}\n  {brackets[1]}" if lines else brackets


def _frame(vocabulary: Vocabulary) -> dict[str, Any]:
    """All of it but the tokens and merges."""
    special = sorted(vocabulary.special_tokens.items(), key=lambda item: item[1])
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    split = {
        "type": "Split",
        "pattern": {"Regex": pattern(vocabulary.grammar)},
        "behavior": "Isolated",
        "invert": False,
    }
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": token_id, "content": text, **flags} for text, token_id in special],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {},
            "merges": [],
        },
    }
