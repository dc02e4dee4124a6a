"""The format of a folder of shards, once.

A folder of shards holds

* ``shard-00000.bin``: token ids, little-endian, uint16 for vocabularies of up to 65,536 ids, else uint32;
  every document ends with the end-of-text id;
* ``shard-00000.idx``: where each document starts in the shard, in tokens, as little-endian uint64, and one
  more entry, the number of tokens;
* ``vocabulary/``: the tokenizer that made them (a folder named ``tokenizer`` would hide the package from
  ``python -m`` started beside it; older folders have one);
* ``manifest.json``: written last: counts, checksums, the tokenizer's fingerprint and the corpus.

While a run is unfinished ``progress.json`` stands in for the manifest.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tokenizer.errors import InputError
from tokenizer.outputs import Kind
from tokenizer.state_files import read_state

FORMAT, VERSION = "gyeol-shards", 1
MANIFEST, PROGRESS = "manifest.json", "progress.json"
SHARD_FOLDER = Kind(
    "folder of shards", (MANIFEST, PROGRESS), FORMAT, ("shard-*.bin", "shard-*.idx", "vocabulary/*", "tokenizer/*")
)
TOTALS = ("tokens", "documents", "bytes", "characters")
"""Totals of each shard and of all."""
OFFSETS: np.dtype[Any] = np.dtype("<u8")
"""The type of document offsets."""
_ENTRY: dict[str, type] = {"ids": str, "offsets": str, "sha256": dict, **dict.fromkeys(TOTALS, int)}
_RECORD: dict[str, type] = {"dtype": str, "tokenizer": dict, "corpus": list, "options": dict, "shards": list}


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of a folder of shards, the files themselves unchecked."""
    path = Path(folder) / MANIFEST
    if (Path(folder) / PROGRESS).exists() and not path.exists():
        raise InputError(f"{folder}: these shards are unfinished; run `gyeol shard` again to complete them")
    return read_record(path)


def read_record(path: Path) -> dict[str, Any]:
    """A manifest or the record of an unfinished run, every field there and of its type."""
    record = read_state(path)
    if (record.get("format"), record.get("version")) != (FORMAT, VERSION):
        raise InputError(f"{path}: not a manifest of {FORMAT} version {VERSION}; write the shards again")
    totals = {} if path.name == PROGRESS else dict.fromkeys(TOTALS, int)
    _check_fields(record, _RECORD | totals, path)
    _check_fields(record["tokenizer"], {"fingerprint": str, "vocab_size": int, "end_of_text": int}, path)
    for shard in record["shards"]:
        _check_fields(shard, _ENTRY, path)
    if record["dtype"] not in ("uint16", "uint32"):
        raise InputError(f"{path}: dtype {record['dtype']!r} is neither uint16 nor uint32; the file is damaged")
    return record


def tokenizer_folder(folder: str | Path) -> Path:
    """The tokenizer's folder inside a folder of shards."""
    older = Path(folder) / "tokenizer"
    return older if older.exists() else Path(folder) / "vocabulary"


def id_type(record: dict[str, Any]) -> np.dtype[Any]:
    """The little-endian type of the ids."""
    return np.dtype(record["dtype"]).newbyteorder("<")


def describe_shards(manifest: dict[str, Any]) -> str:
    """A manifest in a line for people."""
    return (
        f"{manifest['tokens']:,} tokens of {manifest['documents']:,} documents, "
        f"{manifest['bytes'] / manifest['tokens']:.2f} bytes a token, {len(manifest['shards'])} shard files"
    )


def _check_fields(record: Any, fields: dict[str, type], path: Path) -> None:
    for name, kind in fields.items():
        if not isinstance(record, dict) or not isinstance(record.get(name), kind):
            raise InputError(
                f"{path}: field {name!r} is missing or not of type {kind.__name__}; the file is damaged, write the "
                "shards again"
            )
