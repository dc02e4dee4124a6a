"""Options of commands from the fields of a configuration dataclass: type, default and help have one source.

The fields are read from the source file, by ``ast``, so that ``gyeol --help`` need not import torch or numba.
"""

import ast
import importlib.util
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click

from tokenizer.errors import InputError


@dataclass(frozen=True)
class Field:
    """One field of a configuration dataclass."""

    name: str
    """As in the dataclass."""
    kind: str
    """Its type as written, without ``| None``: int, float, bool, str ..."""
    choices: tuple[str, ...]
    """The values of a ``Literal``, else empty."""
    default: Any
    """The default value where it is a literal, else None."""
    help: str
    """The docstring under the field, on one line."""


@cache
def fields_of(module: str, name: str) -> dict[str, Field]:
    """The fields of the dataclass ``name`` in ``module`` (``model.pretrain_config``) by their names, in order."""
    package, _, rest = module.partition(".")
    spec = importlib.util.find_spec(package)
    assert spec
    assert spec.submodule_search_locations
    source = Path(spec.submodule_search_locations[0], *rest.split(".")).with_suffix(".py")
    tree = ast.parse(source.read_text("utf-8"))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name).body
    found = {}
    for node, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = _field(node.target.id, node, below)
    return found


def _field(name: str, node: ast.AnnAssign, below: ast.stmt | None) -> Field:
    text = ""
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
        text = " ".join(str(below.value.value).split())
    kind = ast.unparse(node.annotation).removesuffix(" | None")
    choices: tuple[str, ...] = ()
    if kind.startswith("Literal["):
        choices, kind = ast.literal_eval(f"({kind[len('Literal[') : -1]},)"), "str"
    try:
        default = ast.literal_eval(node.value) if node.value else None
    except ValueError:
        default = None
    return Field(name, kind, choices, default, text)


def option(field: Field, *flags: str) -> Callable[[Any], Any]:
    """The click option for a field, spelled as the field unless ``flags`` say otherwise."""
    spelled = "--" + field.name.replace("_", "-")
    if field.kind == "bool":
        names = flags or (spelled if field.default is False else f"{spelled}/--no-{spelled[2:]}",)
        return click.option(*names, field.name, default=field.default, is_flag=True, help=field.help)
    kind = click.Choice(field.choices) if field.choices else {"int": int, "float": float}.get(field.kind, str)
    settings: dict[str, Any] = {"default": field.default, "show_default": field.default is not None}
    return click.option(*(flags or (spelled,)), field.name, type=kind, help=field.help, **settings)


def options(fields: dict[str, Field], *names: str) -> Callable[[Any], Any]:
    """The click options for several fields, in order."""

    def add(command: Any) -> Any:
        for name in reversed(names):
            command = option(fields[name])(command)
        return command

    return add


def spelled(message: str, commands: Iterable[click.Command]) -> str:
    """``message`` with parameters of the library spelled as options: ``text_key`` and ``errors=replace`` become
    ``--text-key`` and ``--errors replace``."""
    flags = {
        p.name: p.opts[0] for command in commands for p in command.params if isinstance(p, click.Option) and p.name
    }
    message = re.sub(
        r"(?<![\w/.-])([a-z_]+)=(\w+)",
        lambda found: f"{flags[found[1]]} {found[2]}".removesuffix(" True") if found[1] in flags else found[0],
        message,
    )
    return re.sub(r"(?<![\w/.-])([a-z]+_[a-z_]+)(?![\w/.=])", lambda found: flags.get(found[1], found[1]), message)


class Words(click.ParamType):
    """A text on the command line: UTF-8 in any locale."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text; a usage error for bytes that are not UTF-8."""
        try:
            return os.fsencode(value).decode("utf-8")
        except UnicodeError:
            return self.fail(
                f"{value!r} is not UTF-8; write it in UTF-8, in a UTF-8 locale (such as C.UTF-8)", param, ctx
            )


def name_and_value(text: str, form: str) -> tuple[str, str]:
    """``NAME=VALUE`` parted at its last equals sign; `InputError` that shows the ``form`` where there is none."""
    name, equals, value = text.rpartition("=")
    if not equals:
        raise InputError(f"{text!r} is not of the form {form}")
    return name, value


def name_and_json(text: str, form: str) -> tuple[str, Any]:
    """As `name_and_value`, the value as JSON has it; a word alone is a string."""
    name, value = name_and_value(text, form)
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def whole_numbers(text: str | None) -> list[int]:
    """The numbers in ``16384,32768``; `InputError` for a part that is none, and for no text."""
    if text is None:
        raise InputError("eval_texts is text to measure several sizes on; name them, as in sizes=16384,32768,65536")
    parts = text.split(",")
    for part in parts:
        if not re.fullmatch(r"[0-9]{1,9}", part.strip(), re.ASCII):
            raise InputError(f"{part!r} is not a number of ids; give sizes as in sizes=16384,32768,65536")
    return [int(part) for part in parts]


def name_and_number(text: str, form: str) -> tuple[str, float]:
    """As `name_and_value`, the value a number."""
    name, value = name_and_value(text, form)
    try:
        return name, float(value)
    except ValueError:
        raise InputError(f"{text!r} is not of the form {form}") from None
