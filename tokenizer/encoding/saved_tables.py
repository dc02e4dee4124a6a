"""Loaded tokenizers kept in the user's cache for the next process.

Parsing ``tokenizer.json``, checking it and building the encoder's tables takes half a second or more. The result is
kept under the checksum of the tokenizer's files, in a folder named after the sources of this program: neither a changed
file nor a changed program finds it. It can be deleted at any time.
"""

import hashlib
import json
import zipfile
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.cache import is_intact, seal, seal_of
from tokenizer.encoding.tables import Tables
from tokenizer.files import atomic_open
from tokenizer.native.compile import kernel_folder
from tokenizer.native.perfect_hash import PerfectTable
from tokenizer.text.unicode import class_table
from tokenizer.vocabulary.vocabulary import Vocabulary

KEPT = 8
"""Number of tokenizers kept; each takes some ten megabytes."""
_FILES = (
    *("gyeol.json", "tokenizer.json", "tokenizer.json.xz", "tokenizer_config.json"),
    *("special_tokens_map.json", "chat_template.jinja"),
)
_REST = [name.name for name in fields(Vocabulary) if name.name not in ("tokens", "merges")]
"""Fields of a vocabulary that the tables do not hold."""


def recall(source: Path) -> tuple[Vocabulary, Tables] | None:
    """The tokenizer in ``source``, a folder or a file, if it is kept."""
    path = _path(source)
    try:
        if path is None or not is_intact(path):
            return None
        with np.load(path, allow_pickle=False) as held:
            return _restored({name: held[name] for name in held.files})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # cut off or damaged: it is made anew
        return None


def keep(source: Path, vocabulary: Vocabulary, tables: Tables) -> None:
    """Keep the tokenizer in ``source`` for the next process, if the cache may be written."""
    path = _path(source)
    if path is None:
        return
    try:
        with atomic_open(path) as handle:
            np.savez(handle, **_arrays(vocabulary, tables))
        seal(path)
        others = sorted(path.parent.glob("*.npz"), key=lambda other: other.stat().st_mtime, reverse=True)
        for other in others[KEPT:]:
            other.unlink(missing_ok=True)
            seal_of(other).unlink(missing_ok=True)
    except OSError:  # a full disk or a read-only home: loading takes longer, nothing else
        return


def _path(source: Path) -> Path | None:
    """The path under which the tokenizer in ``source`` is kept, by the bytes of the folder's files, or of the file."""
    kernels = kernel_folder()
    if kernels is None:
        return None
    digest = hashlib.sha256()
    for path in [source] if source.is_file() else [source / name for name in _FILES]:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return kernels / f"{digest.hexdigest()}.npz"


def _arrays(vocabulary: Vocabulary, tables: Tables) -> dict[str, Any]:
    rest = {name: getattr(vocabulary, name) for name in _REST}
    arrays: dict[str, Any] = {
        "rest": np.frombuffer(json.dumps(rest).encode(), dtype=np.uint8),
        "merges": np.array(vocabulary.merges, dtype=np.int32).reshape(-1, 2),
    }
    for name, value in tables._replace(classes=np.empty(0, dtype=np.uint8))._asdict().items():
        if isinstance(value, PerfectTable):
            arrays |= {f"{name}.{part}": array for part, array in value._asdict().items()}
        else:
            arrays[name] = np.asarray(value)
    return arrays


def _restored(arrays: dict[str, NDArray[Any]]) -> tuple[Vocabulary, Tables]:
    rest = json.loads(arrays["rest"].tobytes())
    rest |= {name: tuple(rest[name]) for name in ("patterns", "added")}
    parts: dict[str, Any] = {}
    for name in Tables._fields:
        if f"{name}.slots" in arrays:
            parts[name] = PerfectTable(*(arrays[f"{name}.{part}"] for part in PerfectTable._fields))
        else:
            parts[name] = arrays[name] if arrays[name].ndim else arrays[name].item()
    tables = Tables(**parts)._replace(classes=class_table())
    data = tables.token_data.tobytes()
    tokens = [data[start:end] for start, end in pairwise(tables.token_offsets.tolist())]
    for text, token_id in rest["special_tokens"].items():
        if token_id < len(tokens):
            tokens[token_id] = text.encode()
    merges = list(map(tuple, arrays["merges"].tolist()))
    return Vocabulary(tokens, merges, **rest), tables
