"""Rules of resuming: the plan of a folder of shards, compared with its content."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tokenizer.corpus.find import STDIN, find_sources
from tokenizer.corpus.reading import Reading
from tokenizer.errors import InputError
from tokenizer.files import sha256_file
from tokenizer.outputs import is_empty, remove_folder
from tokenizer.shards.manifest import FORMAT, PROGRESS, VERSION, read_record, tokenizer_folder
from tokenizer.tokenizer import Tokenizer
from tokenizer.vocabulary.folder import TOKENIZER_FOLDER


def plan_shards(
    tokenizer: Tokenizer, corpus: Sequence[str | Path], reading: Reading, shard_tokens: int
) -> dict[str, Any]:
    """All that decides what the shards will be; files of the corpus by their SHA-256."""
    if tokenizer.eos_id is None:
        raise InputError(
            f"tokenizer {tokenizer.name!r} has no token to end a document with; name one as eos_token in its "
            "tokenizer_config.json"
        )
    if shard_tokens < 1:
        raise InputError(f"shard_tokens is {shard_tokens}; it must be 1 or more")
    files: list[dict[str, Any]] = []
    for source in find_sources(corpus):
        path = Path(source)
        known = {"size": path.stat().st_size, "sha256": sha256_file(path)} if path.is_file() else {}
        files.append({"name": path.name, **known})
    return {
        "format": FORMAT,
        "version": VERSION,
        "dtype": "uint16" if tokenizer.vocab_size <= 1 << 16 else "uint32",
        "tokenizer": {
            "name": tokenizer.name,
            "fingerprint": tokenizer.fingerprint,
            "vocab_size": tokenizer.vocab_size,
            "end_of_text": tokenizer.eos_id,
        },
        "corpus": files,
        "options": {**asdict(reading), "shard_tokens": shard_tokens},
        "encodings": {},
        "shards": [],
    }


def check_plan(found: dict[str, Any], plan: dict[str, Any], out: Path) -> None:
    """`InputError` when the shards that ``found`` describes are not those of ``plan``, or cannot be compared."""
    for key, what in (("tokenizer", "another tokenizer"), ("corpus", "another corpus"), ("options", "other options")):
        if found[key] != plan[key]:
            raise InputError(f"{out}: holds shards made with {what}; name another folder, or remove this one")
    if any("sha256" not in file for file in plan["corpus"]):
        raise InputError(
            f"{out}: already holds shards, and standard input or a dataset cannot be compared with what they were "
            "made of; name another folder, or remove this one"
        )


def resume(out: Path, plan: dict[str, Any]) -> dict[str, Any]:
    """The state to go on from: that of an unfinished run, or the start. What a killed run wrote of a corpus that
    cannot be read from its middle is removed."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder")
    if not out.exists() or is_empty(out):
        return plan
    if not (out / PROGRESS).exists():
        raise InputError(f"{out}: exists and holds no shards; name a new folder")
    state = read_record(out / PROGRESS)
    if not state["shards"] or str(STDIN) in [file["name"] for file in state["corpus"]]:
        clear(out, state)
        return plan
    check_plan(state, plan, out)
    for shard in state["shards"]:
        for kind in ("ids", "offsets"):
            path = out / Path(shard[kind]).name
            if not path.is_file() or sha256_file(path) != shard["sha256"].get(kind):
                raise InputError(f"{path}: missing or altered since it was written; remove {out} and start again")
    return state


def clear(out: Path, state: dict[str, Any]) -> None:
    """Remove what an unfinished run wrote."""
    for shard in state["shards"]:
        for kind in ("ids", "offsets"):
            (out / Path(shard[kind]).name).unlink(missing_ok=True)
    remove_folder(tokenizer_folder(out), TOKENIZER_FOLDER)
    (out / PROGRESS).unlink(missing_ok=True)
