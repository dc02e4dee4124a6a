"""A tokenizer's folder: four files in the ecosystem's own form.

* ``tokenizer.json``: what Hugging Face ``tokenizers``, ``transformers`` and vLLM load (`tokenizer_json`);
* ``tokenizer_config.json``: the names that ``transformers.AutoTokenizer`` looks for, and the chat template;
* ``gyeol.json``: what those have no place for: recipe, stages, corpus, versions, checksums;
* ``README.md``: the card that hubs show (`card`).
"""

import hashlib
import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizer.errors import InputError
from tokenizer.files import atomic_folder, parse_json, sha256_file, write_json
from tokenizer.outputs import Kind, check_free, locked
from tokenizer.pretokenize.grammars import PATTERNS
from tokenizer.vocabulary.card import tokenizer_card
from tokenizer.vocabulary.chat import chat_template
from tokenizer.vocabulary.huggingface import parse_vocabulary
from tokenizer.vocabulary.roles import Roles
from tokenizer.vocabulary.tokenizer_json import tokenizer_json
from tokenizer.vocabulary.vocabulary import Vocabulary, default_roles

FORMAT, FORMAT_VERSION = "gyeol-tokenizer", 1
FILES = ("tokenizer.json", "tokenizer_config.json")
CARD = "README.md"
TOKENIZER_FOLDER = Kind("tokenizer", ("gyeol.json",), FORMAT, (*FILES, CARD))
_OWN_FIELDS = {"format", "version", "grammar", "strict", "nfc", "adds_bos", "fingerprint", "sha256", "note"}
"""Fields of gyeol.json that are not provenance."""


def save_vocabulary(vocabulary: Vocabulary, folder: str | Path, *, force: bool = False) -> None:
    """Write the folder, whole or not at all.

    `InputError` when something is there already; with ``force`` an older tokenizer is replaced, and nothing else.
    """
    with locked(folder):
        check_free(folder, TOKENIZER_FOLDER, force)
        with atomic_folder(folder) as fresh:
            _write(vocabulary, fresh)


def _write(vocabulary: Vocabulary, fresh: Path) -> None:
    (fresh / "tokenizer.json").write_text(tokenizer_json(vocabulary), encoding="utf-8")
    write_json(fresh / "tokenizer_config.json", _config(vocabulary))
    write_json(fresh / "gyeol.json", _record(vocabulary, fresh))
    (fresh / CARD).write_text(tokenizer_card(vocabulary), encoding="utf-8")


def load_vocabulary(source: str | Path) -> Vocabulary:
    """Read a folder, or a file like ``tokenizer.json``; `InputError` names what is missing, altered or inconsistent.

    A folder without ``gyeol.json`` is read as any other of Hugging Face, also one of ours that transformers saved anew:
    the ids are the same, what we recorded of the training is gone. In a folder with ``gyeol.json`` files may have been
    rewritten as long as they give the same ids; if not, they are taken to be damaged.
    """
    folder = Path(source)
    if folder.is_file():
        return parse_vocabulary(parse_json(_read(folder), folder), Roles({}, None), {"name": folder.stem}, folder)
    path = folder / "tokenizer.json"
    if not (folder / "gyeol.json").is_file():
        name = folder.resolve().name
        return parse_vocabulary(parse_json(_read(path), path), Roles.read(folder), {"name": name}, path)
    record = _checked_record(folder / "gyeol.json")
    content = {name: _read(folder / Path(name).name) for name in record["sha256"]}
    altered = [name for name in content if hashlib.sha256(content[name]).hexdigest() != record["sha256"][name]]
    try:
        vocabulary = _recorded(record, parse_json(content["tokenizer.json"], path), path)
    except InputError as error:
        raise _altered(folder / altered[0]) if altered else error from None
    if vocabulary.fingerprint != record.get("fingerprint"):
        raise (
            _altered(folder / altered[0])
            if altered
            else InputError(
                f"{folder}: fingerprint differs from gyeol.json; the folder mixes two tokenizers, restore it"
            )
        )
    return vocabulary


def _recorded(record: dict[str, Any], parsed: Any, path: Path) -> Vocabulary:
    """The vocabulary of a folder of ours; ``record`` is the content of its gyeol.json."""
    provenance = {key: value for key, value in record.items() if key not in _OWN_FIELDS}
    vocabulary = parse_vocabulary(parsed, Roles.read(path.parent), provenance, path)
    grammar = record["grammar"]
    if vocabulary.grammar != grammar:
        raise InputError(
            f"{path}: cuts text by another pattern than the grammar {grammar!r} of this version of Gyeol: an older one "
            "trained it; train it anew, or remove gyeol.json to read it as any Hugging Face tokenizer"
        )
    if (vocabulary.strict, vocabulary.nfc) != (record.get("strict") is True, record.get("nfc") is True):
        raise InputError(
            f"{path.parent}: fingerprint differs from gyeol.json; the folder mixes two tokenizers, restore it"
        )
    roles = default_roles(vocabulary.special_tokens) | vocabulary.roles
    return replace(vocabulary, roles=roles, adds_bos=record.get("adds_bos", "bos" in roles) is True)


def _altered(path: Path) -> InputError:
    return InputError(
        f"{path}: checksum differs from gyeol.json; the file was altered or cut off, restore it; if another program "
        "saved a tokenizer here, remove gyeol.json"
    )


def _config(vocabulary: Vocabulary) -> dict[str, Any]:
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "padding_side": "left",  # a model goes on from the last token of a row
    }
    for role in ("eos", "bos", "pad"):
        if role in vocabulary.roles:
            config[f"{role}_token"] = vocabulary.roles[role]
    if vocabulary.adds_bos:
        config["add_bos_token"] = True  # transformers.js leaves it out otherwise; others have it from tokenizer.json
    if template := chat_template(vocabulary):
        config["chat_template"] = template
    return config


def _record(vocabulary: Vocabulary, folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        **vocabulary.provenance,
        "grammar": vocabulary.grammar,
        "strict": vocabulary.strict,
        "nfc": vocabulary.nfc,
        "adds_bos": vocabulary.adds_bos,
        "fingerprint": vocabulary.fingerprint,
        "sha256": {"tokenizer.json": sha256_file(folder / "tokenizer.json")},
    }
    if vocabulary.strict:
        record["note"] = (
            "tokenizer.json alone does not reproduce this tokenizer: text is first split at Kiwi's morpheme "
            "boundaries, which only Gyeol does. Other engines refuse it for its pre-tokenizer KiwiMorphemes."
        )
    return record


def _checked_record(path: Path) -> dict[str, Any]:
    """The content of gyeol.json, of this format and version, with checksums and a known grammar."""
    record = parse_json(_read(path), path)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"{path}: not the record of a Gyeol tokenizer")
    if record.get("version") != FORMAT_VERSION:
        raise InputError(
            f"{path}: format version {record.get('version')!r}, but this Gyeol reads {FORMAT_VERSION}: "
            "upgrade gyeol or train the tokenizer anew"
        )
    if not isinstance(record.get("sha256"), dict) or "tokenizer.json" not in record["sha256"]:
        raise InputError(f"{path}: names no checksum of tokenizer.json; the file is damaged")
    grammar = record.get("grammar")
    if not isinstance(grammar, str) or grammar not in (*PATTERNS, "regex"):
        raise InputError(f"{path}: unknown grammar {grammar!r}; known: {', '.join(PATTERNS)}, regex")
    return record


def _read(path: Path) -> bytes:
    """The bytes of a tokenizer's file, or of its ``.xz``, the form that vocabularies are shipped in."""
    packed = path.with_name(path.name + ".xz")
    if path.is_file():
        return path.read_bytes()
    if not packed.is_file():
        raise InputError(f"{path}: missing; the tokenizer's folder is incomplete, restore it")
    try:
        return lzma.decompress(packed.read_bytes())
    except lzma.LZMAError as error:
        raise InputError(f"{packed}: damaged ({error}); restore it") from None
