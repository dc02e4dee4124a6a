"""Options are what the fields of the configurations say."""

from dataclasses import fields
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tokenizer import InputError
from tokenizer.options import Field, fields_of, name_and_json, name_and_number, option, spelled
from tokenizer.training import CurriculumOptions


def test_fields_are_those_of_the_dataclass() -> None:
    found = fields_of("tokenizer.training.curriculum", "CurriculumOptions")
    assert list(found) == [field.name for field in fields(CurriculumOptions)]
    assert found["temperature"].default == CurriculumOptions().temperature
    assert (found["temperature"].kind, found["max_eojeols"].kind) == ("float", "int")
    assert all(field.help for field in found.values())


@pytest.mark.parametrize(
    ("field", "arguments", "value"),
    [
        (Field("size", "int", (), 7, "How many."), [], 7),
        (Field("size", "int", (), 7, "How many."), ["--size", "9"], 9),
        (Field("top_p", "float", (), None, "A share."), ["--top-p", "0.5"], 0.5),
        (Field("mode", "str", ("a", "b"), "a", "One of two."), ["--mode", "b"], "b"),
        (Field("fast", "bool", (), False, "Whether."), ["--fast"], True),
        (Field("heal", "bool", (), True, "Whether."), ["--no-heal"], False),
        (Field("compile", "bool", (), None, "Whether."), [], None),
    ],
)
def test_an_option_gives_the_value_of_its_field(field: Field, arguments: list[str], value: Any) -> None:
    seen: list[dict[str, Any]] = []

    @click.command()
    @option(field)
    def command(**given: Any) -> None:
        seen.append(given)

    assert CliRunner().invoke(command, arguments).exit_code == 0
    assert seen == [{field.name: value}]
    assert field.help in CliRunner().invoke(command, ["--help"]).output


def test_pairs() -> None:
    assert name_and_number("a=b=0.5", "X=N") == ("a=b", 0.5)
    assert name_and_json("qk_norm=true", "X=V") == ("qk_norm", True)
    assert name_and_json("kind=yarn", "X=V") == ("kind", "yarn")
    for text in ("a", "a=b"):
        with pytest.raises(InputError, match=f"'{text}' is not of the form FILES=FACTOR"):
            name_and_number(text, "FILES=FACTOR")


def test_messages_are_spelled_for_the_command_line() -> None:
    @click.command()
    @click.option("--text-key")
    @click.option("--errors")
    @click.option("--recompute", is_flag=True)
    def command(**_: Any) -> None:
        pass

    for message, expected in (
        ("a.jsonl:1: name the field as text_key", "a.jsonl:1: name the field as --text-key"),
        ("replaced with errors=replace", "replaced with --errors replace"),
        ("errors in a/text_key/b.txt; use recompute=True", "errors in a/text_key/b.txt; use --recompute"),
        ("max_context=9 and 'FOLDER=WEIGHT'", "max_context=9 and 'FOLDER=WEIGHT'"),
    ):
        assert spelled(message, [command]) == expected
