"""Reads ``tokenizer.json`` as Hugging Face tokenizers do: any byte-level BPE, ours among them.

The format is that of https://github.com/huggingface/tokenizers. What is read gives the same ids there and here: of
merges that are named twice the last counts, an added token that the vocabulary has keeps the id it has there. Special
tokens are read out of a text only where `Tokenizer.encode` is asked to; with ``lstrip`` and ``rstrip`` their neighbours
are left as they are.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizer.errors import InputError
from tokenizer.vocabulary.byte_level import from_unicode, to_unicode
from tokenizer.vocabulary.roles import Roles
from tokenizer.vocabulary.splits import OTHERWISE, composes, read_splits
from tokenizer.vocabulary.vocabulary import Vocabulary

MOST_IDS = 1 << 20
"""Ids that a vocabulary may have."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNKNOWN = ("continuing_subword_prefix", "end_of_word_suffix", "dropout")


def parse_vocabulary(raw: Any, roles: Roles, provenance: dict[str, Any], path: Path) -> Vocabulary:
    """The vocabulary in the parsed JSON of ``path``; `InputError` for what is damaged, and by name for what Gyeol
    cannot encode with equal ids."""
    model = _field(raw, "model", dict, path)
    names = _field(model, "vocab", dict, path) if "vocab" in model or model.get("type") == "BPE" else {}
    _check_model(model, path)
    nfc, splits = composes(raw.get("normalizer"), path), read_splits(raw.get("pre_tokenizer"), path)
    if any(type(i) is not int or not 0 <= i < MOST_IDS for i in names.values()):
        raise InputError(f"{path}: the ids of model.vocab are not whole numbers from 0 to {MOST_IDS - 1:,}")
    if len(set(names.values())) < len(names):
        raise InputError(f"{path}: model.vocab has an id twice")
    specials, added = _added_tokens(_field(raw, "added_tokens", list, path), names, path)
    specials |= {text: names[text] for text in roles.named.values() if text in names and text not in specials}
    tokens = _tokens(names, specials, path)
    merges = _merges(_field(model, "merges", list, path), names, specials, path)
    ignore_merges = model.get("ignore_merges") is True
    if ignore_merges and splits.grammar in ("gyeol", "right3"):
        raise InputError(
            f"{path}: ignore_merges with the grammar {splits.grammar}, whose pre-tokens are sentences; set it false"
        )
    return Vocabulary(
        tokens,
        merges,
        specials,
        **splits._asdict(),
        nfc=nfc,
        provenance=provenance,
        ignore_merges=ignore_merges,
        added=added,
        **roles.of(raw.get("post_processor"), specials),
    )


def _check_model(model: dict[str, Any], path: Path) -> None:
    kind = model.get("type", "BPE" if "merges" in model else None)
    if kind != "BPE":
        raise InputError(f"{path}: a {kind} model, not byte-level BPE; {OTHERWISE}")
    if model.get("byte_fallback") is True:
        raise InputError(
            f"{path}: a SentencePiece vocabulary (BPE with byte_fallback), not byte-level BPE; {OTHERWISE}"
        )
    for name in _UNKNOWN:
        if model.get(name):
            raise InputError(f"{path}: model.{name} is {model[name]!r}, which byte-level BPE has not; {OTHERWISE}")


def _field(mapping: Any, name: str, kind: type, path: Path) -> Any:
    if not isinstance(mapping, dict) or not isinstance(mapping.get(name), kind):
        raise InputError(f"{path}: field {name!r} is missing or not of type {kind.__name__}; the file is damaged")
    return mapping[name]


def _added_tokens(added: list[Any], names: Mapping[str, int], path: Path) -> tuple[dict[str, int], tuple[str, ...]]:
    """All added tokens by id, and those of them that are not special."""
    specials: dict[str, int] = {}
    ordinary: list[str] = []
    for token in added:
        text, token_id = _field(token, "content", str, path), _field(token, "id", int, path)
        if not text or text in specials or _SURROGATE.search(text):
            raise InputError(f"{path}: added token {text!r} is empty, named twice or no Unicode text")
        specials[text] = names.get(text, token_id)
        if not 0 <= specials[text] < MOST_IDS:
            raise InputError(f"{path}: added token {text!r} has the id {token_id}, not one from 0 to {MOST_IDS - 1:,}")
        if token.get("special") is False:
            ordinary.append(text)
            if strange := [name for name in ("single_word", "lstrip", "rstrip") if token.get(name) is True]:
                raise InputError(
                    f"{path}: added token {text!r} has {strange[0]}, which takes more than itself; {OTHERWISE}"
                )
    if len(set(specials.values())) < len(specials):
        raise InputError(f"{path}: two of added_tokens have the same id")
    return specials, tuple(ordinary)


def _tokens(names: Mapping[str, int], specials: Mapping[str, int], path: Path) -> list[bytes]:
    """Tokens by id, with nothing where no token has the id; special tokens are among them unless they follow all."""
    tokens = [b""] * (max(names.values(), default=-1) + 1)
    try:
        for name, token_id in names.items():
            tokens[token_id] = name.encode("utf-8") if name in specials else from_unicode(name)
    except KeyError as error:
        raise InputError(
            f"{path}: model.vocab has the character {error}, which stands for no byte: not byte-level; {OTHERWISE}"
        ) from None
    if "" in names:
        raise InputError(f"{path}: model.vocab has an empty token")
    if missing := {bytes([b]) for b in range(256)} - set(tokens):
        raise InputError(f"{path}: model.vocab lacks {len(missing)} of the 256 single bytes; train it with all of them")
    return with_special_tokens(tokens, {text: i for text, i in specials.items() if text not in names}, path)


def with_special_tokens(tokens: list[bytes], outside: Mapping[str, int], path: Path) -> list[bytes]:
    """``tokens`` as a vocabulary has them with these special tokens besides: as they are if their ids follow all others
    without a hole, else with the special tokens in their places. `InputError` for an id that a token has too."""
    if sorted(outside.values()) == list(range(len(tokens), len(tokens) + len(outside))) and b"" not in tokens:
        return tokens
    tokens = tokens + [b""] * (max(outside.values(), default=-1) + 1 - len(tokens))
    for text, token_id in outside.items():
        if tokens[token_id]:
            raise InputError(f"{path}: special token {text!r} has the id {token_id}, which another token has too")
        tokens[token_id] = text.encode()
    return tokens


def _merges(
    pairs: list[Any], names: Mapping[str, int], specials: Mapping[str, int], path: Path
) -> list[tuple[int, int]]:
    """Merges as pairs of ids, from pairs of names or, as older files have them, names with a space between."""
    if pairs and isinstance(pairs[0], str):
        pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in pairs if pair != "#version: 0.2"]
    apart = {text for text in specials if text in names and to_unicode(text.encode("utf-8")) != text}
    try:
        if all(left + right in names for left, right in pairs) and not _any_of(apart, pairs):
            merges = [(names[left], names[right]) for left, right in pairs]
            last = {pair: rank for rank, pair in enumerate(merges)}
            return merges if len(last) == len(merges) else sorted(last, key=last.__getitem__)
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError(f"{path}: {_merge_fault(pairs, names, apart)}")


def _any_of(apart: set[str], pairs: list[Any]) -> bool:
    return bool(apart) and any(not apart.isdisjoint((left, right, left + right)) for left, right in pairs)


def _merge_fault(pairs: list[Any], names: Mapping[str, int], apart: set[str]) -> str:
    """The fault of the first bad merge."""
    for number, pair in enumerate(pairs):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) for name in pair)):
            return f"merge {number} is {pair!r}, not a pair of tokens"
        for name in (*pair, "".join(pair)):
            if name not in names:
                return f"merge {number} names {name!r}, which is not in model.vocab"
            if name in apart:
                return f"merge {number} names {name!r}, which is a special token and stands for no bytes"
    raise AssertionError("no merge is bad")
