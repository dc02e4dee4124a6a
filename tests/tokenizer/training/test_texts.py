"""Training on texts of a program, and special tokens of one's own."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from unicodedata import normalize

import pytest
import tokenizers

from tests.support.texts import LINES
from tokenizer import InputError, Tokenizer, train, train_from_iterator
from tokenizer.vocabulary import default_special_tokens

TEXTS = [line + "\n" for line in LINES]


def test_texts_give_what_their_file_gives(tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), "utf-8")
    of_file = train(tmp_path / "texts.jsonl", 2000)
    read = 0

    def once() -> Iterator[list[str]]:
        nonlocal read
        for start in range(0, len(TEXTS), 50):
            read += 1
            yield TEXTS[start : start + 50]

    of_lists = train_from_iterator(once(), 2000)
    assert read == -(-len(TEXTS) // 50)
    assert of_lists.fingerprint == of_file.fingerprint == train_from_iterator(TEXTS, 2000).fingerprint
    assert of_lists.vocabulary.provenance["corpus"]["documents"] == sum(map(bool, TEXTS))


@pytest.mark.parametrize(
    ("texts", "kind", "message"),
    [
        ([], InputError, "gives no text"),
        (["", ""], InputError, "gives no text"),
        ([1], TypeError, "int"),
        ("결을 따라", TypeError, "a single str"),
        (["\ud800"], ValueError, "surrogate"),
    ],
)
def test_what_is_no_text_is_refused(texts: Iterable[str], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        train_from_iterator(texts, 400)


def test_options_of_reading_files_are_refused() -> None:
    with pytest.raises(InputError, match="leave out all options of reading but nfc"):
        train_from_iterator(TEXTS, 1200, encoding="cp949")
    decomposed = [normalize("NFD", text) for text in TEXTS]
    composed = train_from_iterator(TEXTS, 1200, recipe="plain")
    assert train_from_iterator(decomposed, 1200, recipe="plain", nfc=True).fingerprint == composed.fingerprint


def test_special_tokens_of_ones_own(tmp_path: Path) -> None:
    mine = ["<|mine|>", "<|내 것|>", "[X]"]
    made = train_from_iterator([*TEXTS, "<|mine|>[X]" * 50], 1200, recipe="plain", special_tokens=mine)
    count = len(default_special_tokens())
    assert [made.special_tokens[text] for text in mine] == [1197, 1198, 1199]
    assert made.vocab_size == 1200
    assert len(made.special_tokens) == count + 3
    made.save(tmp_path / "made")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "made" / "tokenizer.json"))
    for text in ("가<|내 것|>나[X]", "<|mine|>"):
        assert theirs.encode(text, add_special_tokens=False).ids == made.encode(text, allowed_special="all")
    assert Tokenizer.load(tmp_path / "made").special_tokens == made.special_tokens
    more = train_from_iterator(TEXTS, 1300, recipe="plain", continue_from=made, special_tokens=["<|more|>"])
    assert more.special_tokens["[X]"] == 1199
    assert more.special_tokens["<|more|>"] == 1299


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["<|end|>"], "is there already"),
        (["[X]", "[X]"], "is there already"),
        (["a"], "fewer than two bytes"),
        ([""], "fewer than two bytes"),
        (["x\ud800"], "no Unicode text"),
        (["Ġa"], "is the name of the bytes b' a'"),
    ],
)
def test_special_tokens_that_cannot_be(wanted: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train_from_iterator(TEXTS, 1200, special_tokens=wanted)
