"""The byte alphabet is GPT-2's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from tokenizer.vocabulary.byte_level import byte_alphabet, from_unicode, to_unicode


def test_the_letters_are_those_of_tokenizers() -> None:
    assert {to_unicode(token) for token in byte_alphabet()} == set(pre_tokenizers.ByteLevel.alphabet())


@given(st.text(st.characters(codec="utf-8")))
def test_names_are_what_tokenizers_makes_of_a_text(text: str) -> None:
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    assert to_unicode(text.encode()) == "".join(name for name, _ in byte_level.pre_tokenize_str(text))


@given(st.binary())
def test_names_are_read_again(token: bytes) -> None:
    assert from_unicode(to_unicode(token)) == token


def test_other_characters_are_refused() -> None:
    with pytest.raises(KeyError):
        from_unicode("가")
