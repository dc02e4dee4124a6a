"""A tokenizer with the normalizer nfc composes as other engines do, and finds its way back to the text."""

from unicodedata import normalize

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from tokenizer import InputError, Tokenizer, train
from tokenizer.reference import encode_text_by_definition
from tokenizer.text.composition import composed_with_origins

TEXT = st.text(st.sampled_from("가각힣\u1100\u1161\u11a8\u11af e\u0301\u0327ạ\u0323q\n.漢🙂"), max_size=40)


@pytest.fixture(scope="module")
def composing() -> Tokenizer:
    return train(samples.folder(), 1500, normalizer="nfc")


@pytest.fixture(scope="module")
def theirs(composing: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> tokenizers.Tokenizer:
    folder = tmp_path_factory.mktemp("tokenizers") / "nfc"
    composing.save(folder)
    assert Tokenizer.load(folder).fingerprint == composing.fingerprint
    assert Tokenizer.load(folder).vocabulary.nfc  # also from the cache
    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


@settings(max_examples=200, deadline=None)
@given(TEXT)
def test_ids_are_those_of_the_composed_text(composing: Tokenizer, theirs: tokenizers.Tokenizer, text: str) -> None:
    ids = composing.encode(text)
    assert ids == composing.encode(normalize("NFC", text)) == encode_text_by_definition(composing.vocabulary, text)
    assert [ids] == composing.encode_batch([text])
    assert ids == theirs.encode(text, add_special_tokens=False).ids
    assert composing.decode(ids) == normalize("NFC", text)
    for token_id, (start, end) in zip(*composing.encode_with_offsets(text), strict=True):
        part = normalize("NFC", text[start:end]).encode()
        assert composing.token_bytes(token_id) in part


@given(TEXT)
def test_origins(text: str) -> None:
    composed, origins = composed_with_origins(text)
    assert composed == normalize("NFC", text)
    assert len(origins) == len(composed)
    assert [start for start, _ in origins] == sorted(start for start, _ in origins)
    assert "".join(normalize("NFC", text[start:end]) for start, end in dict.fromkeys(origins)) == composed


def test_training_goes_on_composing(composing: Tokenizer) -> None:
    assert train(samples.folder(), 1600, continue_from=composing).vocabulary.nfc


def test_unknown_normalizers_are_refused() -> None:
    with pytest.raises(InputError, match="normalizer is 'nfkc'; it must be one of none, nfc"):
        train(samples.folder(), 1500, normalizer="nfkc")  # type: ignore[arg-type]
