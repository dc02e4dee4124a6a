"""``tokenizer.json``, written and read: the form in which ``tokenizers``, ``transformers`` and vLLM load a vocabulary.

The format is that of https://github.com/huggingface/tokenizers: byte-level BPE, merges in order of rank, the grammar as
the pattern of a ``Split`` before ``ByteLevel``.
"""

import json
from pathlib import Path
from typing import Any

from tokenizer.errors import InputError
from tokenizer.pretokenize.grammars import pattern
from tokenizer.vocabulary.byte_level import from_unicode, to_unicode
from tokenizer.vocabulary.vocabulary import Vocabulary

STRICT_SPLIT = {"type": "KiwiMorphemes"}
"""The pre-tokenizer of strict vocabularies, which no other engine knows: it refuses the file, where without it it would
give other ids."""


def tokenizer_json(vocabulary: Vocabulary) -> str:
    """The content of ``tokenizer.json``."""
    names = list(map(to_unicode, vocabulary.tokens))
    special = vocabulary.special_ids
    for token_id, text in special.items():
        names[token_id : token_id + 1] = [text] if token_id < len(names) else []
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    split = {
        "type": "Split",
        "pattern": {"Regex": pattern(vocabulary.grammar)},
        "behavior": "Isolated",
        "invert": False,
    }
    splits = [split, STRICT_SPLIT] if vocabulary.strict else [split]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": token_id, "content": text, **flags} for token_id, text in special.items()],
        "normalizer": {"type": "NFC"} if vocabulary.nfc else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*splits, byte_level]},
        "post_processor": _post_processor(vocabulary),
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
            "vocab": {name: i for i, name in enumerate(names)},
            "merges": [[names[left], names[right]] for left, right in vocabulary.merges],
        },
    }
    return json.dumps(content, ensure_ascii=False, separators=(",\n", ": "))  # `indent` takes three times as long


def _post_processor(vocabulary: Vocabulary) -> dict[str, Any] | None:
    """What puts the beginning token before a text, where a model sees it there."""
    if not vocabulary.adds_bos:
        return None
    bos = vocabulary.roles["bos"]
    special = {"SpecialToken": {"id": bos, "type_id": 0}}
    first, second = ({"Sequence": {"id": name, "type_id": i}} for i, name in enumerate("AB"))
    return {
        "type": "TemplateProcessing",
        "single": [special, first],
        "pair": [special, first, second],
        "special_tokens": {bos: {"id": bos, "ids": [vocabulary.special_tokens[bos]], "tokens": [bos]}},
    }


def check_pattern(raw: Any, grammar: str, path: Path) -> None:
    """`InputError` unless the parsed JSON of ``path`` cuts text by the pattern that ``grammar`` has today."""
    parts = _field(_field(raw, "pre_tokenizer", dict, path), "pretokenizers", list, path)
    patterns = [part["pattern"] for part in parts if isinstance(part, dict) and "pattern" in part]
    if patterns != [{"Regex": pattern(grammar)}]:
        raise InputError(
            f"{path}: cuts text by another pattern than the grammar {grammar!r} of this version of Gyeol: an older one "
            "trained it; train it anew, or read the file with Hugging Face tokenizers, which take any pattern"
        )


def parse_tokenizer_json(raw: Any, path: Path) -> tuple[list[bytes], list[tuple[int, int]], dict[str, int]]:
    """Tokens, merges and special tokens from the parsed JSON of ``path``; `InputError` for what does not fit."""
    model = _field(raw, "model", dict, path)
    names = _field(model, "vocab", dict, path)
    pairs = _field(model, "merges", list, path)
    if model.get("type") != "BPE":
        raise InputError(f"{path}: model type {model.get('type')!r}; Gyeol reads byte-level BPE only")
    if any(type(i) is not int for i in names.values()) or set(names.values()) != set(range(len(names))):
        raise InputError(f"{path}: the ids of model.vocab are not 0 to {len(names) - 1}, each once")
    specials = _specials(_field(raw, "added_tokens", list, path), path)
    try:
        tokens = [
            name.encode() if specials.get(name) == names[name] else from_unicode(name)
            for name in sorted(names, key=names.__getitem__)
        ]
    except KeyError as error:
        raise InputError(f"{path}: model.vocab has the character {error}, which stands for no byte") from None
    if b"" in tokens:
        raise InputError(f"{path}: model.vocab has an empty token")
    if missing := {bytes([b]) for b in range(256)} - set(tokens):
        raise InputError(f"{path}: model.vocab lacks {len(missing)} of the 256 single bytes")
    behind = sorted(token_id for text, token_id in specials.items() if names.get(text) != token_id)
    if behind != list(range(len(names), len(names) + len(behind))):
        last = len(names) + len(behind) - 1
        raise InputError(f"{path}: the ids of added_tokens are not {len(names)} to {last}, each once")
    return tokens, _merges(pairs, names, specials, path), specials


def _field(mapping: Any, name: str, kind: type, path: Path) -> Any:
    if not isinstance(mapping, dict) or not isinstance(mapping.get(name), kind):
        raise InputError(f"{path}: field {name!r} is missing or not of type {kind.__name__}; the file is damaged")
    return mapping[name]


def _merges(pairs: list[Any], names: dict[str, int], specials: dict[str, int], path: Path) -> list[tuple[int, int]]:
    try:
        if all(left + right in names and left + right not in specials for left, right in pairs):
            return [(names[left], names[right]) for left, right in pairs]
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError(f"{path}: {_merge_fault(pairs, names, specials)}")


def _merge_fault(pairs: list[Any], names: dict[str, int], specials: dict[str, int]) -> str:
    """The fault of the first bad merge."""
    for number, pair in enumerate(pairs):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) for name in pair)):
            return f"merge {number} is {pair!r}, not a pair of tokens"
        for name in (*pair, "".join(pair)):
            if name not in names:
                return f"merge {number} names {name!r}, which is not in model.vocab"
        if "".join(pair) in specials:
            return f"merge {number} makes the special token {''.join(pair)!r} of ordinary text"
    raise AssertionError("no merge is bad")


def _specials(added: list[Any], path: Path) -> dict[str, int]:
    specials: dict[str, int] = {}
    for token in added:
        text, token_id = _field(token, "content", str, path), _field(token, "id", int, path)
        if not text or text in specials:
            raise InputError(f"{path}: added token {text!r} is empty or named twice")
        specials[text] = token_id
    return specials
