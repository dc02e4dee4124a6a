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
import logging
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from tokenizer.corpus.reader import Errors, documents, total_size
from tokenizer.errors import InputError
from tokenizer.files import atomic_open, sha256_file, write_json
from tokenizer.progress import Step, step
from tokenizer.shards.resume import TOTALS, check_plan, clear, id_type, plan_shards, read_record, resume
from tokenizer.streaming import Encoded, encode_in_order
from tokenizer.tokenizer import Tokenizer

logger = logging.getLogger("gyeol")

SHARD_TOKENS = 100_000_000


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
    interruption it goes on (from standard input it starts over); called again when all is done it checks the
    files, says so and returns. `InputError` when ``out`` holds shards of another tokenizer, corpus or
    options, or something else; nothing is overwritten then.
    """
    out = Path(out)
    plan = plan_shards(tokenizer, corpus, text_key, errors, shard_tokens)
    if (out / "manifest.json").exists():
        check_plan(read_manifest(out), plan, out)
        manifest = verify_shards(out)
        logger.warning("%s: complete already, and whole; nothing was written", out)
        return manifest
    state = resume(out, plan)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "progress.json", state)
    try:
        if not (out / "tokenizer").exists():
            tokenizer.save(out / "tokenizer")
        _write_all(tokenizer, corpus, out, state)
    except BaseException:
        if not state["shards"]:  # nothing to go on from
            clear(out, state)
        raise
    totals = {name: sum(shard[name] for shard in state["shards"]) for name in TOTALS}
    write_json(out / "manifest.json", state | totals)
    (out / "progress.json").unlink()
    return read_manifest(out)


def verify_shards(folder: str | Path) -> dict[str, Any]:
    """The manifest of a folder of shards, once every file was found whole; `InputError` names the one that is not."""
    folder = Path(folder)
    manifest = read_manifest(folder)
    if Tokenizer.load(folder / "tokenizer").fingerprint != manifest["tokenizer"]["fingerprint"]:
        raise InputError(f"{folder / 'tokenizer'}: not the tokenizer of these shards; write the shards again")
    width = id_type(manifest).itemsize
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
            if sha256_file(path) != shard["sha256"].get(kind):
                raise InputError(
                    f"{path}: checksum differs from manifest.json, the file was altered; write the shards again"
                )
        offsets = np.fromfile(folder / Path(shard["offsets"]).name, dtype="<u8")
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
    return read_record(path)


def _write_all(tokenizer: Tokenizer, corpus: Sequence[str | Path], out: Path, state: dict[str, Any]) -> None:
    """Write the shards that are missing; ``state`` grows by each."""
    done = sum(shard["documents"] for shard in state["shards"])
    options = state["options"]
    with step("Writing shards", total=total_size(corpus)) as progress:
        source = documents(corpus, text_key=options["text_key"], errors=options["errors"], on_progress=progress.advance)
        encoded = encode_in_order(tokenizer, (document.text for document in islice(source, done, None)))
        while entry := _write_shard(out, state, encoded, progress):
            state["shards"].append(entry)
            write_json(out / "progress.json", state)


@dataclass
class _Writer:
    """One shard being written: ids go to the file as they come; offsets, eight bytes a document, wait for the end."""

    handle: IO[bytes]
    dtype: np.dtype[Any]
    end_of_text: int
    offsets: array[int] = field(default_factory=lambda: array("Q", [0]))
    bytes: int = 0
    characters: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, encoded: Encoded) -> None:
        raw = np.append(encoded.ids, np.int32(self.end_of_text)).astype(self.dtype).data
        self.handle.write(raw)
        self.digest.update(raw)
        self.offsets.append(self.offsets[-1] + len(encoded.ids) + 1)
        self.bytes += encoded.size
        self.characters += len(encoded.text)


def _write_shard(out: Path, state: dict[str, Any], encoded: Iterator[Encoded], progress: Step) -> dict[str, Any] | None:
    """Write the next shard; its entry in the manifest, or None when there is no document left."""
    first = next(encoded, None)
    if first is None:
        return None
    number = len(state["shards"])
    names = {"ids": f"shard-{number:05d}.bin", "offsets": f"shard-{number:05d}.idx"}
    with atomic_open(out / names["ids"]) as handle:
        writer = _Writer(handle, id_type(state), state["tokenizer"]["end_of_text"])
        writer.add(first)
        while writer.offsets[-1] < state["options"]["shard_tokens"] and (document := next(encoded, None)):
            writer.add(document)
            progress.note(f"{writer.offsets[-1]:,} tokens in {names['ids']}")
    offsets = np.array(writer.offsets, dtype="<u8").tobytes()
    with atomic_open(out / names["offsets"]) as handle:
        handle.write(offsets)
    return {
        **names,
        "tokens": writer.offsets[-1],
        "documents": len(writer.offsets) - 1,
        "bytes": writer.bytes,
        "characters": writer.characters,
        "sha256": {"ids": writer.digest.hexdigest(), "offsets": hashlib.sha256(offsets).hexdigest()},
    }
