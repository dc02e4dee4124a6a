"""Writing token files for pretraining: flat, memory-mappable, checked, resumable (`tokenizer.shards.manifest`).

A run that was stopped goes on behind the last whole shard, and gives the same files as one that was not.
"""

from __future__ import annotations

import hashlib
import logging
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from tokenizer.corpus.reader import Document, documents, total_size
from tokenizer.corpus.reading import Reading
from tokenizer.files import atomic_open
from tokenizer.outputs import locked
from tokenizer.progress import progress_bar
from tokenizer.shards.manifest import MANIFEST, OFFSETS, PROGRESS, TOTALS, id_type, read_manifest, tokenizer_folder
from tokenizer.shards.read import verify_shards
from tokenizer.shards.resume import check_plan, clear, plan_shards, resume
from tokenizer.state_files import write_state
from tokenizer.streaming import Encoded, encode_in_order
from tokenizer.tokenizer import Tokenizer

logger = logging.getLogger("gyeol")

SHARD_TOKENS = 100_000_000
"""Tokens after which a shard is closed, behind the document that reaches them."""


def write_shards(
    tokenizer: Tokenizer,
    corpus: Sequence[str | Path],
    out: str | Path,
    *,
    shard_tokens: int = SHARD_TOKENS,
    **reading: Any,
) -> dict[str, Any]:
    """Encode ``corpus`` into the folder ``out`` and return its manifest.

    ``reading`` are fields of `tokenizer.corpus.Reading`. A shard is closed behind the document that fills it to
    ``shard_tokens``. Called again after an interruption it goes on (from standard input it starts over); called again
    when all is done it checks the files, says so and returns. `InputError` when ``out`` holds shards of another
    tokenizer, corpus or options, or something else; nothing is overwritten then.
    """
    out = Path(out)
    with locked(out):
        return _write(tokenizer, corpus, out, plan_shards(tokenizer, corpus, Reading(**reading), shard_tokens))


def _write(tokenizer: Tokenizer, corpus: Sequence[str | Path], out: Path, plan: dict[str, Any]) -> dict[str, Any]:
    if (out / MANIFEST).exists():
        check_plan(read_manifest(out), plan, out)
        manifest = verify_shards(out)
        logger.warning("%s: complete already, and whole; nothing was written", out)
        return manifest
    state, new = resume(out, plan), not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    write_state(out / PROGRESS, state)
    try:
        if not tokenizer_folder(out).exists():
            tokenizer.save(tokenizer_folder(out))
        _write_all(tokenizer, corpus, out, state)
    except BaseException:
        if not state["shards"]:  # nothing to go on from
            clear(out, state)
            if new:
                out.rmdir()
        raise
    totals = {name: sum(shard[name] for shard in state["shards"]) for name in TOTALS}
    write_state(out / MANIFEST, state | totals)
    (out / PROGRESS).unlink()
    return read_manifest(out)


def _write_all(tokenizer: Tokenizer, corpus: Sequence[str | Path], out: Path, state: dict[str, Any]) -> None:
    """Write the shards that are missing; ``state`` grows by each."""
    done = sum(shard["documents"] for shard in state["shards"])
    reading = {name: value for name, value in state["options"].items() if name != "shard_tokens"}
    with progress_bar("Writing shards", total=total_size(corpus)) as progress:
        source = _noted(documents(corpus, on_progress=progress.advance, **reading), state)
        encoded = _encoded(tokenizer, _behind(source, done))
        while entry := write_shard(out, state, encoded, progress.note):
            state["shards"].append(entry)
            write_state(out / PROGRESS, state)


def _noted(source: Iterable[Document], state: dict[str, Any]) -> Iterator[Document]:
    """The documents; ``state`` notes the encodings of files that are not UTF-8."""
    for document in source:
        if document.encoding != "utf-8":
            state["encodings"][Path(document.source).name] = document.encoding
        yield document


def _behind(source: Iterator[Document], done: int) -> Iterator[Document]:
    """What follows the first ``done`` documents, each of which may come in pieces."""
    while done and (document := next(source, None)):
        done -= document.last
    return source


def _encoded(tokenizer: Tokenizer, source: Iterator[Document]) -> Iterator[Encoded]:
    """The documents and pieces with their ids."""
    ends: deque[bool] = deque()

    def texts() -> Iterator[str]:
        held = ""  # pieces of a document that can only be encoded whole
        for document in source:
            if document.last or tokenizer.vocabulary.safe_to_cut:
                ends.append(document.last)
                yield held + document.text
                held = ""
            else:
                held += document.text

    for encoded in encode_in_order(tokenizer, texts()):
        yield encoded._replace(last=ends.popleft())


@dataclass
class _Writer:
    """One shard being written: ids go to the file as they come; offsets, eight bytes a document, wait for the end."""

    handle: IO[bytes]
    dtype: np.dtype[Any]
    end_of_text: int
    offsets: array[int] = field(default_factory=lambda: array("Q", [0]))
    tokens: int = 0
    bytes: int = 0
    characters: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, encoded: Encoded) -> None:
        ids = np.append(encoded.ids, np.int32(self.end_of_text)) if encoded.last else encoded.ids
        raw = ids.astype(self.dtype).data
        self.handle.write(raw)
        self.digest.update(raw)
        self.tokens += len(ids)
        if encoded.last:
            self.offsets.append(self.tokens)
        self.bytes += encoded.size
        self.characters += len(encoded.text)


def write_shard(
    out: Path, state: dict[str, Any], encoded: Iterator[Encoded], note: Callable[[str], None] = lambda _: None
) -> dict[str, Any] | None:
    """Write the next shard; its entry in the manifest, or None when there is no document left."""
    first = next(encoded, None)
    if first is None:
        return None
    number = len(state["shards"])
    names = {"ids": f"shard-{number:05d}.bin", "offsets": f"shard-{number:05d}.idx"}
    with atomic_open(out / names["ids"]) as handle:
        writer = _Writer(handle, id_type(state), state["tokenizer"]["end_of_text"])
        document: Encoded | None = first
        while document:
            writer.add(document)
            note(f"{writer.tokens:,} tokens in {names['ids']}")
            full = document.last and writer.tokens >= state["options"]["shard_tokens"]
            document = None if full else next(encoded, None)
    offsets = np.array(writer.offsets, dtype=OFFSETS).tobytes()
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
