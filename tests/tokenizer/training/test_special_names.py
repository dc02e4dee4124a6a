"""Special tokens of one's own beside the tokens that are there."""

from typing import Any

import pytest

from tests.support.texts import LINES
from tokenizer import InputError, train_from_iterator


def test_an_ordinary_token_cannot_become_a_special_one() -> None:
    """In tokenizer.json both would have one name, and the saved folder could not be loaded."""
    old = train_from_iterator(LINES, 1200, recipe="plain")
    ordinary = [token.decode() for token in old.vocabulary.tokens if token.isascii() and token.isalpha()]
    text = max(ordinary, key=len)
    assert len(text) > 1
    with pytest.raises(InputError, match=f"{text!r} is an ordinary token"):
        train_from_iterator(LINES, 1300, recipe="plain", continue_from=old, special_tokens=[text])


@pytest.mark.parametrize(
    ("wanted", "message"), [("<|mine|>", "is a single str"), (b"<|mine|>", "is a single bytes"), ([1], "not int 1")]
)
def test_special_tokens_that_are_no_texts(wanted: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        train_from_iterator(LINES, 1200, special_tokens=wanted)
