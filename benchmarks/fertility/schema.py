"""The JSON schema of a fertility report, generated from the dataclasses of `benchmarks.fertility.results`.

    python -m benchmarks.fertility.schema        writes fertility.schema.json anew

Docstrings of classes and fields are the descriptions; a field whose default is None is optional.
"""

import inspect
import json
import types
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from benchmarks.fertility.results import Report
from tokenizer.files import atomic_open
from tokenizer.options import fields_of

PATH = Path(__file__).parent / "fertility.schema.json"
_SIMPLE: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0},
    float: {"type": "number"},
    str: {"type": "string"},
}


def schema() -> dict[str, Any]:
    """The schema of `Report` as `json.dumps` takes it, in the dialect 2020-12."""
    definitions: dict[str, Any] = {}
    report = _object(Report, definitions)
    title = {"title": "Output of `gyeol fertility --json`: `benchmarks.fertility.results.Report` as JSON"}
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | title | report | {"$defs": dict(sorted(definitions.items()))}


def _object(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """A dataclass; those that it holds are put into ``definitions``."""
    hints, docs = get_type_hints(cls), _field_docs(cls)
    own = {
        field.name: _of(hints[field.name], definitions)
        | ({"description": docs[field.name]} if field.name in docs else {})
        for field in fields(cls)
    }
    required = [field.name for field in fields(cls) if field.default is not None]
    shape = {"type": "object", "properties": own, "required": required, "additionalProperties": False}
    return shape | {"description": inspect.getdoc(cls)}


def _of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one type."""
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    if is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = _object(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is list:
        return {"type": "array", "items": _of(inner[0], definitions)}
    if origin is tuple:
        return {"type": "array", "items": _of(inner[0], definitions), "minItems": len(inner), "maxItems": len(inner)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(inner[1], definitions)}
    if origin in (Union, types.UnionType):
        if len(inner) == 2 and inner[0] in _SIMPLE:  # a null among the types says the same in a line
            return _SIMPLE[inner[0]] | {"type": [_SIMPLE[inner[0]]["type"], "null"]}
        return {"anyOf": [{"type": "null"} if one is type(None) else _of(one, definitions) for one in inner]}
    raise TypeError(f"no JSON schema for {hint}")


def _field_docs(cls: type) -> dict[str, str]:
    """The docstring under each field of a dataclass and of its bases."""
    bases = [base for base in cls.__mro__ if is_dataclass(base)]
    return {
        field.name: field.help
        for base in reversed(bases)
        for field in fields_of(base.__module__, base.__name__).values()
        if field.help
    }


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(schema(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    with atomic_open(PATH, "w") as handle:
        handle.write(text())
