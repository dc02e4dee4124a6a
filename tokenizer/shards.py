"""Token files for pretraining: flat, memory-mappable, checked, resumable.

A folder of shards holds

* ``shard-00000.bin``: token ids, little-endian, uint16 for vocabularies of up to 65,536 ids, else uint32;
  every document ends with the end-of-text id;
* ``shard-00000.idx``: where each document starts in the shard, in tokens, as little-endian uint64, and one
  more entry, the number of tokens;
* ``tokenizer/``: the tokenizer that made them;
* ``manifest.json``: written last: counts, checksums, the tokenizer's fingerprint and the corpus.

While a run is unfinished ``progress.json`` stands in for the manifest: a run that was stopped goes on behind
the last whole shard, and gives the same files as one that was not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.corpus import Errors, documents, find_sources, total_size
from tokenizer.errors import InputError
from tokenizer.files import atomic_open, read_json, sha256_file, write_json
from tokenizer.progress import Step, step
from tokenizer.tokenizer import Tokenizer
from tokenizer.vocabulary import END_OF_TEXT

FORMAT, VERSION = "gyeol-shards", 1
SHARD_TOKENS = 100_000_000
BATCH_CHARACTERS = 2 << 20
TOTALS = ("tokens", "documents", "bytes", "characters")


def write_shards(
    tokenizer: Tokenizer,
    corpus: Sequence[str | Path],
    out: str | Path,
    *,
    text_key: str = "text",
    errors: Errors = "replace",
    shard_tokens: int = SHARD_TOKENS,
) -> dict[str, Any]:
    """Encode ``corpus`` into the folder ``out`` and return its manifest.

    A shard is closed behind the document that fills it to ``shard_tokens``. Called again after an
    interruption it goes on; called again when all is done it checks the files and returns. `InputError` when
    ``out`` holds shards of another tokenizer, corpus or options, or something else; nothing is overwritten then.
    """
    out = Path(out)
    if END_OF_TEXT not in tokenizer.special_tokens:
        raise InputError(f"tokenizer {tokenizer.name!r} has no {END_OF_TEXT}, which ends every document in a shard")
    plan = _plan(tokenizer, corpus, text_key, errors, shard_tokens)
    if (out / "manifest.json").exists():
        _check_plan(read_json(out / "manifest.json"), plan, out)
        return verify_shards(out)
    state = _resume(out, plan)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "progress.json", state)
    if not (out / "tokenizer").exists():
        tokenizer.save(out / "tokenizer")
    done = sum(shard["documents"] for shard in state["shards"])
    with step("Writing shards", total=total_size(corpus)) as progress:
        source = documents(corpus, text_key=text_key, errors=errors, on_progress=progress.advance)
        texts = (document.text for document in islice(source, done, None))
        encoded = _encoded(tokenizer, texts)
        while entry := _write_shard(out, len(state["shards"]), encoded, state["dtype"], shard_tokens, progress):
            state["shards"].append(entry)
            write_json(out / "progress.json", state)
    totals = {name: sum(shard[name] for shard in state["shards"]) for name in TOTALS}
    write_json(out / "manifest.json", state | totals)
    (out / "progress.json").unlink()
    return read_json(out / "manifest.json")  # type: ignore[no-any-return]


def verify_shards(folder: str | Path) -> dict[str, Any]:
    """The manifest of a folder of shards, once every file was found whole; `InputError` names the one that is not."""
    folder = Path(folder)
    manifest = read_manifest(folder)
    width = np.dtype(manifest["dtype"]).itemsize
    for shard in manifest["shards"]:
        sizes = {"ids": shard["tokens"] * width, "offsets": (shard["documents"] + 1) * 8}
        for kind, expected in sizes.items():
            path = folder / Path(shard[kind]).name
            if not path.is_file():
                raise InputError(f"{path}: missing; write the shards again")
            if path.stat().st_size != expected:
                raise InputError(
                    f"{path}: {path.stat().st_size:,} bytes instead of {expected:,}; write the shards again"
                )
            if sha256_file(path) != shard["sha256"][kind]:
                raise InputError(
                    f"{path}: checksum differs from manifest.json, the file was altered; write the shards again"
                )
        offsets = np.fromfile(folder / shard["offsets"], dtype="<u8")
        if offsets[0] != 0 or offsets[-1] != shard["tokens"] or (np.diff(offsets.astype(np.int64)) <= 0).any():
            raise InputError(
                f"{folder / shard['offsets']}: document offsets do not ascend from 0 to {shard['tokens']:,}"
            )
    return manifest


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of a folder of shards, the files themselves unchecked."""
    path = Path(folder) / "manifest.json"
    if (Path(folder) / "progress.json").exists() and not path.exists():
        raise InputError(f"{folder}: these shards are unfinished; run `gyeol shard` again to complete them")
    manifest = read_json(path)
    if not isinstance(manifest, dict) or (manifest.get("format"), manifest.get("version")) != (FORMAT, VERSION):
        raise InputError(f"{path}: not a manifest of {FORMAT} version {VERSION}")
    if missing := [key for key in ("dtype", "tokenizer", "shards", *TOTALS) if key not in manifest]:
        raise InputError(f"{path}: lacks {', '.join(missing)}; the file is damaged, write the shards again")
    return manifest


def _plan(
    tokenizer: Tokenizer, corpus: Sequence[str | Path], text_key: str, errors: Errors, shard_tokens: int
) -> dict[str, Any]:
    """All that decides what the shards will be."""
    files = []
    for source in find_sources(corpus):
        size = Path(source).stat().st_size if Path(source).is_file() else None
        files.append({"name": Path(source).name, "size": size})
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
        "corpus": files,
        "options": {"text_key": text_key, "errors": errors, "shard_tokens": shard_tokens},
        "shards": [],
    }


def _check_plan(found: dict[str, Any], plan: dict[str, Any], out: Path) -> None:
    for key, what in (("tokenizer", "another tokenizer"), ("corpus", "another corpus"), ("options", "other options")):
        if found.get(key) != plan[key]:
            raise InputError(f"{out}: holds shards made with {what}; name another folder, or remove this one")


def _resume(out: Path, plan: dict[str, Any]) -> dict[str, Any]:
    """The state to go on from: that of an unfinished run, or the start."""
    if not out.exists() or not any(out.iterdir()):
        return plan
    if not (out / "progress.json").exists():
        raise InputError(f"{out}: exists and holds no shards; name a new folder")
    state = read_json(out / "progress.json")
    _check_plan(state, plan, out)
    for shard in state["shards"]:
        for kind in ("ids", "offsets"):
            path = out / shard[kind]
            if not path.is_file() or sha256_file(path) != shard["sha256"][kind]:
                raise InputError(f"{path}: missing or altered since it was written; remove {out} and start again")
    return state  # type: ignore[no-any-return]


def _encoded(tokenizer: Tokenizer, texts: Iterator[str]) -> Iterator[tuple[str, list[int]]]:
    """Each text with its ids, encoded a batch at a time on all cores."""
    batch: list[str] = []
    held = 0
    for text in texts:
        batch.append(text)
        held += len(text)
        if held >= BATCH_CHARACTERS:
            yield from zip(batch, tokenizer.encode_batch(batch), strict=True)
            batch, held = [], 0
    yield from zip(batch, tokenizer.encode_batch(batch), strict=True)


@dataclass
class _Writer:
    """One shard being written: ids go to the file as they come, offsets stay in memory."""

    handle: IO[bytes]
    dtype: np.dtype[Any]
    end_of_text: int
    offsets: list[int] = field(default_factory=lambda: [0])
    bytes: int = 0
    characters: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, text: str, ids: list[int]) -> None:
        raw = np.array([*ids, self.end_of_text], dtype=self.dtype).tobytes()
        self.handle.write(raw)
        self.digest.update(raw)
        self.offsets.append(self.offsets[-1] + len(ids) + 1)
        self.bytes += len(text.encode("utf-8"))
        self.characters += len(text)


def _write_shard(
    out: Path,
    number: int,
    encoded: Iterator[tuple[str, list[int]]],
    dtype: str,
    shard_tokens: int,
    progress: Step,
) -> dict[str, Any] | None:
    """Write the next shard; its entry in the manifest, or None when there is no document left."""
    first = next(encoded, None)
    if first is None:
        return None
    names = {"ids": f"shard-{number:05d}.bin", "offsets": f"shard-{number:05d}.idx"}
    end_of_text = read_json(out / "progress.json")["tokenizer"]["end_of_text"]
    with atomic_open(out / names["ids"]) as handle:
        writer = _Writer(handle, np.dtype(dtype).newbyteorder("<"), end_of_text)
        writer.add(*first)
        while writer.offsets[-1] < shard_tokens and (document := next(encoded, None)):
            writer.add(*document)
            progress.note(f"{writer.offsets[-1]:,} tokens in {names['ids']}")
    offsets: NDArray[np.uint64] = np.array(writer.offsets, dtype="<u8")
    with atomic_open(out / names["offsets"]) as handle:
        handle.write(offsets.tobytes())
    return {
        **names,
        "tokens": writer.offsets[-1],
        "documents": len(writer.offsets) - 1,
        "bytes": writer.bytes,
        "characters": writer.characters,
        "sha256": {"ids": writer.digest.hexdigest(), "offsets": hashlib.sha256(offsets.tobytes()).hexdigest()},
    }
