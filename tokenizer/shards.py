"""Token files for pretraining: flat, memory-mappable, checked, resumable.

A folder of shards holds

* ``shard-00000.bin``: token ids, little-endian, uint16 for vocabularies of up to 65,536 ids, else uint32;
  every document ends with the end-of-text id;
* ``shard-00000.idx``: where each document starts in the shard, in tokens, as little-endian uint64, and one
  more entry, the number of tokens;
* ``tokenizer/``: the tokenizer that made them;
* ``manifest.json``: written last: counts, checksums, the tokenizer's fingerprint, the corpus and the options.

While a run is unfinished ``progress.json`` stands in for the manifest: a run that was stopped goes on behind
the last whole shard, and gives the same files as one that was not. Memory holds one batch of documents.

A long text file comes in pieces (`tokenizer.corpus`), each of which counts as a document.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from time import perf_counter
from typing import IO, Any

import numpy as np

from tokenizer.corpus import documents, total_size
from tokenizer.errors import InputError
from tokenizer.files import atomic_open, read_json, sha256_file, write_json
from tokenizer.progress import Step, step
from tokenizer.shard_plan import FORMAT, VERSION, ShardTokenizer, check_plan, check_tokenizer, make_plan
from tokenizer.text_readers import Errors

__all__ = ["ShardTokenizer", "check_tokenizer", "read_manifest", "verify_shards", "write_shards"]

logger = logging.getLogger("gyeol")

SHARD_TOKENS = 100_000_000
BATCH_CHARACTERS = 2 << 20
TOTALS = ("tokens", "documents", "bytes", "characters")
DTYPES: dict[str, np.dtype[Any]] = {"uint16": np.dtype("<u2"), "uint32": np.dtype("<u4")}
OFFSETS: np.dtype[Any] = np.dtype("<u8")
AGAIN = "write the shards again"
_LEFTOVER = re.compile(r"\.(shard-\d+\.(bin|idx)|progress\.json|manifest\.json|tokenizer)\.(.+\.part|old\..+)")


def write_shards(
    tokenizer: ShardTokenizer,
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
    if shard_tokens < 1:
        raise InputError(f"{shard_tokens:,} tokens a shard is below 1; the usual is {SHARD_TOKENS:,}")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder")
    plan = make_plan(tokenizer, corpus, text_key=text_key, errors=errors, shard_tokens=shard_tokens)
    if (out / "manifest.json").exists():
        return _finished(out, plan)
    state = _resume(out, plan)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "progress.json", state)
    if not state["shards"] or not (out / "tokenizer").exists():
        tokenizer.save(out / "tokenizer")
    done = sum(shard["documents"] for shard in state["shards"])
    with step("Writing shards", total=total_size(corpus)) as progress:
        source = documents(corpus, text_key=text_key, errors=errors, on_progress=progress.advance)
        texts = (document.text for document in islice(source, done, None))
        encoded = _encoded(tokenizer, texts, progress)
        while entry := _write_shard(out, state, encoded):
            state["shards"].append(entry)
            write_json(out / "progress.json", state)
    manifest = state | {name: sum(shard[name] for shard in state["shards"]) for name in TOTALS}
    write_json(out / "manifest.json", manifest)
    (out / "progress.json").unlink()
    return manifest


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of a folder of shards, the files themselves unchecked; `InputError` when it is not a sound one."""
    path = Path(folder) / "manifest.json"
    if (Path(folder) / "progress.json").exists() and not path.exists():
        raise InputError(f"{folder}: these shards are unfinished; run `gyeol shard` again to complete them")
    manifest = _read_state(path)
    for name in TOTALS:
        if manifest.get(name) != sum(shard[name] for shard in manifest["shards"]):
            raise InputError(f"{path}: {name} is not the sum over the shards; the file was altered, {AGAIN}")
    return manifest


def verify_shards(folder: str | Path) -> dict[str, Any]:
    """The manifest of a folder of shards, once every file was found whole; `InputError` names the one that is not."""
    folder = Path(folder)
    manifest = read_manifest(folder)
    with step("Checking shards", total=len(manifest["shards"])) as progress:
        for shard in manifest["shards"]:
            _check_files(folder, shard, DTYPES[manifest["dtype"]])
            progress.advance()
    if not (folder / "tokenizer").is_dir():
        raise InputError(f"{folder / 'tokenizer'}: missing; save the tokenizer there, or {AGAIN}")
    return manifest


def _read_state(path: Path) -> dict[str, Any]:
    """``manifest.json`` or ``progress.json``, its form checked."""
    state = read_json(path)
    if not isinstance(state, dict) or (state.get("format"), state.get("version")) != (FORMAT, VERSION):
        raise InputError(f"{path}: not a manifest of {FORMAT} version {VERSION}")
    try:
        sound = state["dtype"] in DTYPES
        for number, shard in enumerate(state["shards"]):
            sound &= (shard["ids"], shard["offsets"]) == _names(number) and all(
                int(shard[name]) >= 0 for name in TOTALS
            )
            sound &= {len(shard["sha256"][kind]) for kind in ("ids", "offsets")} == {64}
        sound &= len(state["tokenizer"]["fingerprint"]) == 64 and {"corpus", "options"} <= state.keys()
    except (KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise InputError(f"{path}: an entry is missing or wrong; the file is damaged, {AGAIN}")
    return state


def _check_files(folder: Path, shard: dict[str, Any], dtype: np.dtype[Any]) -> None:
    sizes = {"ids": shard["tokens"] * dtype.itemsize, "offsets": (shard["documents"] + 1) * OFFSETS.itemsize}
    for kind, expected in sizes.items():
        path = folder / shard[kind]
        if not path.is_file():
            raise InputError(f"{path}: missing; {AGAIN}")
        if (size := path.stat().st_size) != expected:
            raise InputError(f"{path}: {size:,} bytes instead of {expected:,}; {AGAIN}")
        if sha256_file(path) != shard["sha256"][kind]:
            raise InputError(f"{path}: checksum differs from the one recorded, the file was altered; {AGAIN}")
    offsets = np.fromfile(folder / shard["offsets"], dtype=OFFSETS)
    if offsets[0] != 0 or offsets[-1] != shard["tokens"] or (offsets[1:] <= offsets[:-1]).any():
        raise InputError(
            f"{folder / shard['offsets']}: document starts do not ascend from 0 to {shard['tokens']:,}; {AGAIN}"
        )


def _finished(out: Path, plan: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a folder in which nothing is left to do."""
    check_plan(read_manifest(out), plan, out)
    manifest = verify_shards(out)
    (out / "progress.json").unlink(missing_ok=True)  # stopped right behind the manifest
    logger.info("%s: already complete, %d shards verified", out, len(manifest["shards"]))
    return manifest


def _resume(out: Path, plan: dict[str, Any]) -> dict[str, Any]:
    """The state to go on from: that of an unfinished run, or the start where it has finished no shard."""
    leftovers = [path for path in out.glob(".*") if _LEFTOVER.fullmatch(path.name)]
    if (out / "progress.json").exists():
        state = _read_state(out / "progress.json")
        if state["shards"]:
            check_plan(state, plan, out)
        else:
            state = plan
        for shard in state["shards"]:
            _check_files(out, shard, DTYPES[state["dtype"]])
    elif out.exists() and set(out.iterdir()) - set(leftovers):
        raise InputError(f"{out}: exists and holds no shards; name a new folder")
    else:
        state = plan
    for path in leftovers:  # of a run that was killed
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return state


def _encoded(tokenizer: ShardTokenizer, texts: Iterator[str], progress: Step) -> Iterator[tuple[str, list[int]]]:
    """Each text with its ids, encoded a batch at a time."""
    tokens, started = 0, 0.0
    for batch in _batches(texts):
        started = started or perf_counter()  # behind the documents of finished shards
        encoded = tokenizer.encode_batch(batch)
        tokens += sum(map(len, encoded))
        progress.note(f"{tokens / (perf_counter() - started):,.0f} tokens/s")
        yield from zip(batch, encoded, strict=True)


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    held = 0
    for text in texts:
        batch.append(text)
        held += len(text)
        if held >= BATCH_CHARACTERS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


class _Shard:
    """One shard being written; ids and document starts go to the files as they come."""

    def __init__(self, ids: IO[bytes], offsets: IO[bytes], dtype: np.dtype[Any], end_of_text: int) -> None:
        self._files = {"ids": ids, "offsets": offsets}
        self._digests = {kind: hashlib.sha256() for kind in self._files}
        self._dtype, self._end_of_text = dtype, end_of_text
        self.totals = dict.fromkeys(TOTALS, 0)
        self._write("offsets", np.zeros(1, dtype=OFFSETS))

    def add(self, text: str, ids: list[int]) -> None:
        """Write a document."""
        self._write("ids", np.array([*ids, self._end_of_text], dtype=self._dtype))
        for name, amount in zip(TOTALS, (len(ids) + 1, 1, len(text.encode("utf-8")), len(text)), strict=True):
            self.totals[name] += amount
        self._write("offsets", np.array([self.totals["tokens"]], dtype=OFFSETS))

    def checksums(self) -> dict[str, str]:
        """SHA-256 of both files so far."""
        return {kind: digest.hexdigest() for kind, digest in self._digests.items()}

    def _write(self, kind: str, values: np.ndarray) -> None:
        raw = values.tobytes()
        self._files[kind].write(raw)
        self._digests[kind].update(raw)


def _write_shard(out: Path, plan: dict[str, Any], encoded: Iterator[tuple[str, list[int]]]) -> dict[str, Any] | None:
    """Write the next shard; its entry in the manifest, or None when there is no document left."""
    first = next(encoded, None)
    if first is None:
        return None
    ids_name, offsets_name = _names(len(plan["shards"]))
    with atomic_open(out / ids_name) as ids, atomic_open(out / offsets_name) as offsets:
        shard = _Shard(ids, offsets, DTYPES[plan["dtype"]], plan["tokenizer"]["end_of_text"])
        for text, tokens in chain([first], encoded):
            shard.add(text, tokens)
            if shard.totals["tokens"] >= plan["options"]["shard_tokens"]:
                break
    return {"ids": ids_name, "offsets": offsets_name, **shard.totals, "sha256": shard.checksums()}


def _names(number: int) -> tuple[str, str]:
    return f"shard-{number:05d}.bin", f"shard-{number:05d}.idx"
