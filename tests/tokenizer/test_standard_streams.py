"""Names and texts cannot command the terminal."""

import logging

import pytest

from tokenizer.standard_streams import PrintableFormatter, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("결을\t따라\n", "결을\t따라\n"),
        ("\x1b[31m\x07", "\\x1b[31m\\x07"),
        ("\x9b2J\x7f\r", "\\x9b2J\\x7f\\r"),
        ("a\u202etxt.exe", "a\\u202etxt.exe"),
    ],
)
def test_control_characters_are_spelled(text: str, shown: str) -> None:
    assert printable(text) == shown
    record = logging.LogRecord("gyeol", logging.WARNING, "", 0, "%s", (text,), None)
    assert PrintableFormatter("%(message)s").format(record) == shown
