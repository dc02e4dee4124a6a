"""Extending a tokenizer keeps all old ids and the ids of all text without Hangul, and other engines agree."""

import json
import lzma
from pathlib import Path
from typing import NamedTuple

import pytest
import tokenizers
import transformers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken

import samples
from tests.support.foreign import PRE_TOKENIZERS, TEXTS, ids_of, published, saved, trained
from tokenizer import InputError, Tokenizer, train
from tokenizer.text import has_hangul
from tokenizer.training import extend, extend_folder

KINDS = ("Llama 3", "Qwen", "DeepSeek", "whole", "a space before", "Gyeol", "GPT-4o")
SPECIAL = (AddedToken("<|end|>", special=True), AddedToken("<think>", special=False))
ADD = 300
WITHOUT_HANGUL = st.one_of(st.text(), TEXTS).map(lambda text: "".join(c for c in text if not has_hangul(c)))
"""Texts of every script but Hangul."""
KOREAN = (samples.folder() / "essay.txt").read_text("utf-8")


class Pair(NamedTuple):
    """A tokenizer and what it was extended to."""

    base: Tokenizer
    extended: Tokenizer
    theirs: tokenizers.Tokenizer
    """The extended one, saved, in the package tokenizers."""


def made(base: Tokenizer, folder: Path) -> Pair:
    extended = extend(base, samples.folder(), ADD)
    extended.save(folder / "extended")
    return Pair(base, extended, tokenizers.Tokenizer.from_file(str(folder / "extended" / "tokenizer.json")))


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Of each kind of grammar, with special and other added tokens."""
    folder = tmp_path_factory.mktemp("extend")
    base = Tokenizer.load(saved(trained(PRE_TOKENIZERS[request.param], *SPECIAL, size=600), folder / "base"))
    return made(base, folder)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """With ``ignore_merges`` and tokens that no merge makes."""
    folder = tmp_path_factory.mktemp("llama")
    path = saved(trained(PRE_TOKENIZERS["Llama 3"], *SPECIAL, size=900), folder / "base")
    raw = json.loads((path / "tokenizer.json").read_text("utf-8"))
    raw["model"]["ignore_merges"] = True
    raw["model"]["merges"] = raw["model"]["merges"][::2]
    (path / "tokenizer.json").write_text(json.dumps(raw), "utf-8")
    return made(Tokenizer.load(path), folder)


def test_old_ids_stay(pair: Pair) -> None:
    base, extended = pair.base, pair.extended
    assert extended.vocab_size == base.vocab_size + ADD
    assert all(extended.token_bytes(i) == base.token_bytes(i) for i in range(base.vocab_size))
    assert extended.vocabulary.special_tokens == base.vocabulary.special_tokens
    assert extended.vocabulary.merges[: len(base.vocabulary.merges)] == base.vocabulary.merges
    assert extended.encode("<|end|>", allowed_special="all") == [base.special_tokens["<|end|>"]]
    assert len(extended.encode(KOREAN)) < 0.9 * len(base.encode(KOREAN))


@given(text=WITHOUT_HANGUL)
def test_text_without_hangul_has_the_ids_that_it_had(pair: Pair, text: str) -> None:
    assert pair.extended.encode(text) == pair.base.encode(text)


@given(text=TEXTS)
def test_the_package_tokenizers_gives_the_same_ids(pair: Pair, text: str) -> None:
    own = pair.extended.encode(text)
    assert [own] == ids_of(pair.theirs, [text])
    assert pair.extended.vocabulary.prefix_space or pair.extended.decode(own) == text


@given(text=WITHOUT_HANGUL)
def test_ignore_merges_stays_without_hangul(llama: Pair, text: str) -> None:
    assert llama.extended.encode(text) == llama.base.encode(text)


@given(text=TEXTS)
def test_ignore_merges_stays_as_the_package_has_it(llama: Pair, text: str) -> None:
    assert llama.extended.vocabulary.ignore_merges
    assert [llama.extended.encode(text)] == ids_of(llama.theirs, [text])


def test_samples_by_the_package(pair: Pair, llama: Pair) -> None:
    texts = [file.read_text("utf-8") for file in sorted(samples.folder().glob("*.txt"))]
    for extended, theirs in (pair[1:], llama[1:]):
        assert extended.encode_batch(texts) == ids_of(theirs, texts)


def superwords(base: Tokenizer, extended: Tokenizer) -> list[str]:
    new = [extended.token_bytes(i) for i in range(base.vocab_size, extended.vocab_size)]
    return [text for token in new if " " in (text := token.decode("utf-8", errors="replace")).strip()]


def test_superwords_only_where_the_grammar_has_them(pair: Pair) -> None:
    old = pair.base.vocabulary
    in_one = old.grammar == "gyeol" or (old.grammar == "regex" and not old.patterns)
    assert in_one or not superwords(pair.base, pair.extended)


def test_superwords_of_our_grammar() -> None:
    base = train(samples.folder(), 900)
    assert len(superwords(base, extend(base, samples.folder(), 2000))) > 10


def test_a_folder_says_what_it_extends_and_extends_again(tmp_path: Path) -> None:
    base = train(samples.folder(), 900)
    extended = extend_folder(base, [samples.folder()], tmp_path / "first", add=100)
    record = json.loads((tmp_path / "first" / "gyeol.json").read_text("utf-8"))
    assert record["name"] == "first"
    assert record["extends"] == {"name": base.name, "fingerprint": base.fingerprint, "ids": 900}
    again = extend_folder(Tokenizer.load(tmp_path / "first"), [samples.folder()], tmp_path / "second", add=100)
    assert Tokenizer.load(tmp_path / "second").fingerprint == again.fingerprint
    assert [again.token_bytes(i) for i in range(1000)] == [extended.token_bytes(i) for i in range(1000)]
    hub = transformers.AutoTokenizer.from_pretrained(tmp_path / "second")
    assert hub.encode(KOREAN, add_special_tokens=False) == again.encode(KOREAN)
    assert {text: hub.convert_tokens_to_ids(text) for text in base.special_tokens} == base.special_tokens


def test_what_cannot_be_extended(tmp_path: Path) -> None:
    base = train(samples.folder(), 700)
    with pytest.raises(InputError, match="add is 0"):
        extend(base, samples.folder(), 0)
    with pytest.raises(InputError, match="at most 1,048,575 fit"):
        extend(base, samples.folder(), 600_000)
    with pytest.raises(InputError, match="is strict"):
        extend(train(samples.folder(), 700, recipe="strict"), samples.folder(), 10)
    with pytest.raises(InputError, match="fills only 0 of the 10 ids to add"):
        extend(base, samples.folder() / "english.txt", 10)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="something other than a tokenizer"):
        extend_folder(base, [samples.folder()], tmp_path / "there", force=True)
    with pytest.raises(InputError, match="no such file"):
        extend_folder(base, [tmp_path / "missing"], tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


def test_as_many_as_the_corpus_fills() -> None:
    base = train(samples.folder(), 700)
    with pytest.raises(InputError, match=r"fills only [0-9,]+ of the 20,000 ids") as error:
        extend(base, samples.folder(), 20_000)
    found = extend(base, samples.folder(), 20_000, fill_what_you_can=True)
    assert f"only {found.vocab_size - 700:,} of" in str(error.value)


@pytest.mark.corpora
@pytest.mark.slow
@pytest.mark.parametrize("name", ["llama3", "qwen3", "o200k_base"])
def test_english_and_code_of_published_vocabularies(name: str, tmp_path: Path, corpora: Path) -> None:
    base = Tokenizer.load(saved(published(name), tmp_path / name))
    extended = extend(base, [samples.folder()], 500)
    extended.save(tmp_path / "extended")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "extended" / "tokenizer.json"))
    for file in sorted((corpora / "dev").glob("*.txt.xz")):
        text = lzma.decompress(file.read_bytes()).decode("utf-8")
        ids = extended.encode(text)
        assert [ids] == ids_of(theirs, [text]), file.name
        if file.name.startswith(("en_", "code_")):
            lines = [line for line in text.splitlines(keepends=True) if not has_hangul(line)]
            assert extended.encode_batch(lines) == base.encode_batch(lines), file.name
            assert has_hangul(text) or ids == base.encode(text), file.name
