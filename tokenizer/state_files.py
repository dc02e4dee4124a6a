"""Small JSON files in which commands keep their state, with a checksum of their own.

A flipped bit in a number is valid JSON of the right type, and would make a run go on differently in silence.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from tokenizer.errors import InputError
from tokenizer.files import read_json, write_json

T = TypeVar("T")
CHECKSUM = "checksum"


def write_state(path: str | Path, record: Mapping[str, Any]) -> None:
    """Write ``record`` as JSON with its checksum, atomically."""
    write_json(path, {**record, CHECKSUM: _checksum(record)})


def read_state(path: str | Path) -> dict[str, Any]:
    """The record in a file of `write_state`, without the checksum.

    `InputError` that names the file when it is missing, no JSON object, or not as it was written.
    """
    record = read_json(path)
    if not isinstance(record, dict):
        raise InputError(f"{path}: does not hold a JSON object; the file is damaged, restore or rebuild it")
    if CHECKSUM in record and record.pop(CHECKSUM) != _checksum(record):
        raise InputError(f"{path}: altered or damaged since it was written; restore or rebuild it")
    return record


def as_dataclass(kind: type[T], record: Mapping[str, Any], path: str | Path) -> T:
    """``record`` as a dataclass of plain types, further items left out; `InputError` for a field that does not fit."""
    types, values = get_type_hints(kind), {}
    for field in fields(kind):  # type: ignore[arg-type]
        value = record.get(field.name, MISSING if field.default is MISSING else field.default)
        accepted = int | float if types[field.name] is float else types[field.name] | int
        number = isinstance(value, bool) and types[field.name] is not bool  # True is an int
        if value is MISSING or number or not isinstance(value, accepted):
            raise InputError(f"{path}: field {field.name!r} is missing or of another type; the file is damaged")
        values[field.name] = value
    return kind(**values)


def _checksum(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
