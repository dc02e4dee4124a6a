"""What decides the content of shards: tokenizer, corpus, options. Folders of another plan are left alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol

from tokenizer.corpus import STDIN, find_sources
from tokenizer.errors import InputError
from tokenizer.files import sha256_file
from tokenizer.progress import step
from tokenizer.vocabulary import END_OF_TEXT

FORMAT, VERSION = "gyeol-shards", 1


class ShardTokenizer(Protocol):
    """What shards need of a tokenizer; `tokenizer.Tokenizer` is one."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def vocab_size(self) -> int: ...
    @property
    def special_tokens(self) -> dict[str, int]: ...
    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]: ...
    def save(self, folder: str | Path) -> None: ...


def make_plan(tokenizer: ShardTokenizer, corpus: Sequence[str | Path], **options: Any) -> dict[str, Any]:
    """The plan as it stands in ``progress.json`` and ``manifest.json``, with no shard yet.

    Files count by name, size and SHA-256, wherever they lie; datasets by name alone.
    """
    if END_OF_TEXT not in tokenizer.special_tokens:
        raise InputError(f"tokenizer {tokenizer.name!r} has no {END_OF_TEXT}, which ends every document in a shard")
    return {
        "format": FORMAT,
        "version": VERSION,
        "dtype": "uint16" if tokenizer.vocab_size <= 1 << 16 else "uint32",
        "tokenizer": {
            "name": tokenizer.name,
            "fingerprint": tokenizer.fingerprint,
            "vocab_size": tokenizer.vocab_size,
            "end_of_text": tokenizer.special_tokens[END_OF_TEXT],
        },
        "corpus": _corpus_record(corpus),
        "options": options,
        "shards": [],
    }


def check_plan(found: dict[str, Any], plan: dict[str, Any], out: Path) -> None:
    """Raise `InputError` that names the difference when shards made by the plan ``found`` are not ``plan``'s."""
    if difference := _difference(found, plan):
        raise InputError(f"{out}: holds shards of another {difference}; name another folder, or remove this one")


def check_tokenizer(manifest: dict[str, Any], tokenizer: ShardTokenizer) -> None:
    """Raise `InputError` when the shards of ``manifest`` were not made with ``tokenizer``."""
    if difference := _tokenizer_difference(manifest["tokenizer"], tokenizer.name, tokenizer.fingerprint):
        raise InputError(f"the shards were made with another {difference}; use theirs, or encode the corpus again")


def _corpus_record(corpus: Sequence[str | Path]) -> list[dict[str, Any]]:
    sources = find_sources(corpus)
    files = [source for source in sources if isinstance(source, Path) and source != STDIN]
    sizes = {path: path.stat().st_size for path in files}
    with step("Fingerprinting the corpus", total=sum(sizes.values())) as progress:
        checksums = {}
        for path in files:
            checksums[path] = sha256_file(path)
            progress.advance(sizes[path])
    return [
        {"name": source.name, "size": sizes[source], "sha256": checksums[source]}
        if source in sizes and isinstance(source, Path)
        else {"name": str(source)}
        for source in sources
    ]


def _difference(found: dict[str, Any], plan: dict[str, Any]) -> str | None:
    tokenizer = plan["tokenizer"]
    if difference := _tokenizer_difference(found["tokenizer"], tokenizer["name"], tokenizer["fingerprint"]):
        return difference
    for number, (old, new) in enumerate(zip_longest(found["corpus"], plan["corpus"]), start=1):
        if old != new:
            return f"corpus (file {number} was {_describe(old)}, is {_describe(new)})"
        if old["name"] == str(STDIN):
            return "corpus perhaps (standard input cannot be compared with what it was)"
    for key, value in plan["options"].items():
        if found["options"].get(key) != value:
            return f"{key} ({found['options'].get(key)!r}, not {value!r})"
    return None


def _tokenizer_difference(found: dict[str, Any], name: str, fingerprint: str) -> str | None:
    if found["fingerprint"] == fingerprint:
        return None
    return f"tokenizer ({found['name']}, fingerprint {found['fingerprint'][:12]}, not {name}, {fingerprint[:12]})"


def _describe(file: dict[str, Any] | None) -> str:
    if file is None:
        return "none"
    if "sha256" not in file:
        return str(file["name"])
    return f"{file['name']} of {file['size']:,} bytes, SHA-256 {file['sha256'][:12]}"
