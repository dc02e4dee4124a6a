"""Texts become the UTF-8 that Python makes of them, and zeros stand behind it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenizer import InputError
from tokenizer.text import transcode
from tokenizer.text.utf8 import texts_as_bytes


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), max_size=8), st.sampled_from([1, 30, 10_000]))
@settings(max_examples=300)
def test_texts_as_bytes(texts: list[str], chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transcode, "_CHUNK", chunk)
        data, ends = texts_as_bytes(texts)
    raw = [text.encode("utf-8") for text in texts]
    assert data.tobytes() == b"".join(raw)
    assert [data[start:end].tobytes() for start, end in pairwise([0, *ends.tolist()])] == raw


@given(st.text(max_size=30), st.integers(0xD800, 0xDFFF), st.text("a가😀", max_size=30))
@settings(max_examples=100)
def test_a_lone_surrogate_is_named_wherever_it_stands(before: str, code: int, behind: str) -> None:
    with pytest.raises(InputError, match="lone surrogate U\\+D"):
        texts_as_bytes(["가", before + chr(code) + behind])


def test_every_character_as_bytes() -> None:
    text = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF)
    for part in (text[:128], text[:256], text[:0xD800], text):  # each of the forms in which CPython holds characters
        assert texts_as_bytes([part])[0].tobytes() == part.encode("utf-8")


def test_memory_behind_a_text_is_zero() -> None:
    data, _ = texts_as_bytes(["가나다"])
    whole = np.lib.stride_tricks.as_strided(data, (data.size + 64,), (1,))
    assert not whole[data.size :].any()
