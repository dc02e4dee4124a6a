"""A vocabulary and its saved form, which is the ecosystem's own.

A saved tokenizer is a folder with

* ``tokenizer.json``: what Hugging Face ``tokenizers``, ``transformers`` and vLLM load: byte-level BPE;
* ``tokenizer_config.json``: the names that ``transformers.AutoTokenizer`` looks for;
* ``gyeol.json``: what those have no place for: recipe, stages, corpus, versions, checksums.

Ids run: 256 bytes, then a token per merge in the order learnt, then the special tokens.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tokenizer.errors import InputError
from tokenizer.files import atomic_folder, parse_json, sha256_file, write_json
from tokenizer.pretokenize.grammars import PATTERNS
from tokenizer.vocabulary.byte_level import read_names
from tokenizer.vocabulary.token_bytes import made_in_order, token_bytes
from tokenizer.vocabulary.tokenizer_json import tokenizer_json

END_OF_TEXT = "<|endoftext|>"
PADDING = "<|pad|>"
RESERVED = 64
FORMAT, FORMAT_VERSION = "gyeol-tokenizer", 1


def default_special_tokens() -> list[str]:
    """End of text, padding, chat roles and `RESERVED` free ones, in the order of their ids."""
    chat = ["<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|end|>"]
    return [END_OF_TEXT, PADDING, *chat, *(f"<|reserved_{i}|>" for i in range(RESERVED))]


@dataclass(frozen=True)
class Vocabulary:
    """Everything that decides how text becomes ids."""

    tokens: list[bytes]
    """Ordinary tokens by id; all 256 single bytes are among them."""
    merges: list[tuple[int, int]]
    """Pairs of ids in order of rank; the bytes of both together are a token."""
    special_tokens: dict[str, int]
    """Text to id; the ids follow those of the ordinary tokens."""
    grammar: str = "o200k"
    """The pre-tokenization grammar, a name of `tokenizer.pretokenize.grammars.PATTERNS`."""
    strict: bool = False
    """Whether pre-tokens are also split at Kiwi's morpheme boundaries."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """Name, recipe, stages, corpus and versions, as found in ``gyeol.json``."""

    @property
    def size(self) -> int:
        """Number of ids, special tokens included."""
        return len(self.tokens) + len(self.special_tokens)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the ids of a text; not of names or provenance."""
        digest = hashlib.sha256(f"{self.grammar} {self.strict}\n".encode())
        digest.update(b"".join([len(token).to_bytes(4, "little") + token for token in self.tokens]))
        digest.update(json.dumps([self.merges, sorted(self.special_tokens.items())]).encode())
        return digest.hexdigest()

    def save(self, folder: str | Path) -> None:
        """Write the folder, whole or not at all; an older one is replaced."""
        if Path(folder).exists() and not (Path(folder) / "gyeol.json").exists() and any(Path(folder).iterdir()):
            raise InputError(f"{folder}: exists and holds no tokenizer; name a new or a tokenizer's folder")
        with atomic_folder(folder) as fresh:
            (fresh / "tokenizer.json").write_text(tokenizer_json(self), encoding="utf-8")
            write_json(fresh / "tokenizer_config.json", self._config())
            write_json(fresh / "gyeol.json", self._record(fresh))

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "model_max_length": 32768,
        }
        for role, text in (("eos_token", END_OF_TEXT), ("bos_token", END_OF_TEXT), ("pad_token", PADDING)):
            if text in self.special_tokens:
                config[role] = text
        return config

    def _record(self, folder: Path) -> dict[str, Any]:
        record: dict[str, Any] = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            **self.provenance,
            "grammar": self.grammar,
            "strict": self.strict,
            "fingerprint": self.fingerprint,
            "sha256": {name: sha256_file(folder / name) for name in ("tokenizer.json", "tokenizer_config.json")},
        }
        if self.strict:
            record["note"] = (
                "tokenizer.json alone does not reproduce this tokenizer: text is first split at Kiwi's morpheme "
                "boundaries, which only Gyeol does. Other engines give other, fewer tokens with it."
            )
        return record

    @classmethod
    def load(cls, folder: str | Path) -> Vocabulary:
        """Read a saved folder; `InputError` names whatever is missing, altered or inconsistent."""
        folder = Path(folder)
        record = parse_json(_read(folder / "gyeol.json"), folder / "gyeol.json")
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise InputError(f"{folder / 'gyeol.json'}: not the record of a Gyeol tokenizer")
        if record.get("version") != FORMAT_VERSION:
            raise InputError(
                f"{folder / 'gyeol.json'}: format version {record.get('version')!r}, but this Gyeol reads "
                f"{FORMAT_VERSION}: upgrade gyeol or train the tokenizer anew"
            )
        sums = record.get("sha256")
        if not isinstance(sums, dict) or "tokenizer.json" not in sums:
            raise InputError(f"{folder / 'gyeol.json'}: names no checksum of tokenizer.json; the file is damaged")
        content: dict[str, bytes] = {}
        for name, expected in sums.items():
            path = folder / Path(name).name
            content[name] = _read(path)
            if hashlib.sha256(content[name]).hexdigest() != expected:
                raise InputError(
                    f"{path}: checksum differs from gyeol.json; the file was altered or cut off, restore it"
                )
        path = folder / "tokenizer.json"
        vocabulary = _parse(parse_json(content["tokenizer.json"], path), record, path)
        if vocabulary.fingerprint != record.get("fingerprint"):
            raise InputError(
                f"{folder}: fingerprint differs from gyeol.json; the folder mixes two tokenizers, restore it"
            )
        return vocabulary


def _read(path: Path) -> bytes:
    """The bytes of a tokenizer's file, or of its ``.xz``, the form that vocabularies are shipped in."""
    packed = path.with_name(path.name + ".xz")
    if path.is_file():
        return path.read_bytes()
    if not packed.is_file():
        raise InputError(f"{path}: missing; the tokenizer's folder is not whole, restore it")
    try:
        return lzma.decompress(packed.read_bytes())
    except lzma.LZMAError as error:
        raise InputError(f"{packed}: damaged ({error}); restore it") from None


def build(
    tokens: list[bytes],
    merges: Iterable[tuple[int, int]],
    *,
    special_tokens: Iterable[str] | None = None,
    grammar: str = "o200k",
    strict: bool = False,
    provenance: dict[str, Any] | None = None,
) -> Vocabulary:
    """A vocabulary from learnt tokens, special tokens (the default ones) placed behind them."""
    names = default_special_tokens() if special_tokens is None else list(special_tokens)
    specials = {text: len(tokens) + i for i, text in enumerate(names)}
    return Vocabulary(list(tokens), list(merges), specials, grammar, strict, dict(provenance or {}))


def _parse(raw: Any, record: dict[str, Any], path: Path) -> Vocabulary:
    """A checked vocabulary from the JSON of tokenizer.json and gyeol.json."""
    model = _field(raw, "model", dict, path)
    names = _field(model, "vocab", dict, path)
    pairs = _field(model, "merges", list, path)
    if model.get("type") != "BPE":
        raise InputError(f"{path}: model type {model.get('type')!r}; Gyeol reads byte-level BPE only")
    if any(type(i) is not int for i in names.values()) or set(names.values()) != set(range(len(names))):
        raise InputError(f"{path}: the ids of model.vocab are not 0 to {len(names) - 1}, each once")
    try:
        tokens = read_names(sorted(names, key=names.__getitem__))
    except KeyError as error:
        raise InputError(f"{path}: model.vocab has the character {error}, which stands for no byte") from None
    if b"" in tokens:
        raise InputError(f"{path}: model.vocab has an empty token")
    if missing := {bytes([b]) for b in range(256)} - set(tokens):
        raise InputError(f"{path}: model.vocab lacks {len(missing)} of the 256 single bytes")
    grammar = record.get("grammar")
    if not isinstance(grammar, str) or grammar not in PATTERNS:
        raise InputError(f"{path.parent / 'gyeol.json'}: unknown grammar {grammar!r}; known: {', '.join(PATTERNS)}")
    own = {"format", "version", "grammar", "strict", "fingerprint", "sha256", "note"}
    return Vocabulary(
        tokens=tokens,
        merges=_parse_merges(pairs, names, tokens, path),
        special_tokens=_parse_specials(_field(raw, "added_tokens", list, path), len(tokens), path),
        grammar=grammar,
        strict=record.get("strict") is True,
        provenance={key: value for key, value in record.items() if key not in own},
    )


def _field(mapping: Any, name: str, kind: type, path: Path) -> Any:
    if not isinstance(mapping, dict) or not isinstance(mapping.get(name), kind):
        raise InputError(f"{path}: field {name!r} is missing or no {kind.__name__}; the file is damaged")
    return mapping[name]


def _parse_merges(pairs: list[Any], names: dict[str, int], tokens: list[bytes], path: Path) -> list[tuple[int, int]]:
    try:
        merges = [(names[left], names[right]) for left, right in pairs]
        if made_in_order(token_bytes(tokens), np.array(merges, dtype=np.int32).reshape(-1, 2)):
            return merges
        if all(left + right in names for left, right in pairs):
            return merges
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError(f"{path}: {_merge_fault(pairs, names)}")


def _merge_fault(pairs: list[Any], names: dict[str, int]) -> str:
    """What is wrong with the first bad merge."""
    for number, pair in enumerate(pairs):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) for name in pair)):
            return f"merge {number} is {pair!r}, not a pair of tokens"
        for name in (*pair, "".join(pair)):
            if name not in names:
                return f"merge {number} names {name!r}, which is not in model.vocab"
    raise AssertionError("no merge is bad")


def _parse_specials(added: list[Any], first: int, path: Path) -> dict[str, int]:
    specials: dict[str, int] = {}
    for token in added:
        text, token_id = _field(token, "content", str, path), _field(token, "id", int, path)
        if not text or text in specials:
            raise InputError(f"{path}: added token {text!r} is empty or named twice")
        specials[text] = token_id
    if sorted(specials.values()) != list(range(first, first + len(specials))):
        raise InputError(f"{path}: the ids of added_tokens are not {first} to {first + len(specials) - 1}, each once")
    return specials
