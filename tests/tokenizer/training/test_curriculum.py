"""The curriculum learns inside morphemes first, keeps the vocabulary clean, and says what does not fit."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from tokenizer import InputError, Tokenizer, train
from tokenizer.corpus.reader import Document, documents
from tokenizer.pretokenize.grammars import pretokens
from tokenizer.pretokenize.morphemes import boundaries
from tokenizer.training.collect import Collection, collect
from tokenizer.training.curriculum import CurriculumOptions, Stage, file_weights
from tokenizer.training.morpheme_cuts import word_cuts

SIZE = 4000
ENDS = (Stage("superwords", 1.0),)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train(samples.folder(), SIZE)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [document.text for document in documents([samples.folder()])]


def whole_tokens(tokenizer: Tokenizer) -> list[str]:
    found = []
    for token in tokenizer.vocabulary.tokens:
        try:
            found.append(token.decode("utf-8"))
        except UnicodeDecodeError:
            assert re.fullmatch(rb"[\x80-\xff]|[\x80-\xbf]{2,3}|[\xe0-\xf4][\x80-\xbf]{1,2}", token), token
    return found


def test_vocabulary_is_clean(tokenizer: Tokenizer, texts: list[str]) -> None:
    tokens = whole_tokens(tokenizer)
    superwords = [token for token in tokens if re.search(r"\S \S", token)]
    assert len(superwords) > 50
    assert max(len(token.split(" ")) - token.startswith(" ") for token in superwords) <= 4
    assert not [token for token in tokens if re.search(r"[^\W\d_]\S*\n|\n\S*[^\W\d_]|\d{4}", token)]
    assert tokenizer.vocab_size == SIZE
    assert tokenizer.unreachable_tokens == 0
    emitted = np.bincount(np.concatenate(tokenizer.encode_batch(texts)), minlength=SIZE)
    assert np.count_nonzero(emitted[256 : len(tokenizer.vocabulary.tokens)] == 0) < 0.1 * SIZE  # of a tiny corpus


def test_first_stage_stays_inside_morphemes() -> None:
    options = CurriculumOptions(stages=(Stage("morphemes", 0.9), *ENDS))
    tokenizer = train(samples.folder(), 3000, curriculum=options)
    words = collect(documents([samples.folder()])).words
    offsets, cuts = word_cuts(words, 1, "Finding morphemes")
    pieces: set[bytes] = set()
    for i, (word, _) in enumerate(words.items()):
        edges = [0, *cuts[offsets[i] : offsets[i + 1]], len(word)]
        pieces.update(word[a:b] for a, b in pairwise(edges))
    text = b"\n".join(pieces)
    first, until = 256, tokenizer.vocabulary.provenance["stages"][0]["tokens"]
    assert until - first > 2000
    assert not [token.decode() for token in tokenizer.vocabulary.tokens[first:until] if token not in text]


@pytest.mark.slow
def test_morphemes_first_gives_more_boundaries_right(texts: list[str]) -> None:
    def precision(tokenizer: Tokenizer) -> float:
        right = predicted = 0
        for text in texts:
            for eojeol in re.findall("[가-힣]+", text):
                gold = {len(eojeol[:cut].encode()) for cut in boundaries([eojeol])[0]}
                ends = np.cumsum([len(tokenizer.token_bytes(i)) for i in tokenizer.encode(eojeol)])[:-1].tolist()
                right += len(gold.intersection(ends))
                predicted += len(ends)
        return right / predicted

    curriculum, plain = train(samples.folder(), 2500), train(samples.folder(), 2500, recipe="plain")
    assert precision(curriculum) > precision(plain) + 0.05


def test_superwords_take_fewer_tokens(tokenizer: Tokenizer, texts: list[str]) -> None:
    plain = train(samples.folder(), SIZE, recipe="plain")
    count = sum(map(len, tokenizer.encode_batch(texts)))
    assert count < sum(map(len, plain.encode_batch(texts)))


def test_training_is_deterministic(tokenizer: Tokenizer) -> None:
    assert train(samples.folder(), SIZE, threads=3).fingerprint == tokenizer.fingerprint


def test_training_goes_on_from_a_tokenizer(tokenizer: Tokenizer, texts: list[str]) -> None:
    longer = train(samples.folder(), SIZE + 100, continue_from=tokenizer)
    first = len(tokenizer.vocabulary.tokens)
    assert longer.vocabulary.tokens[:first] == tokenizer.vocabulary.tokens
    assert longer.vocabulary.merges[: first - 256] == tokenizer.vocabulary.merges
    assert longer.vocab_size == SIZE + 100
    assert longer.vocabulary.provenance["continued_from"] == tokenizer.fingerprint
    assert sum(map(len, longer.encode_batch(texts))) < sum(map(len, tokenizer.encode_batch(texts)))
    with pytest.raises(InputError, match="not trained by recipe 'plain'"):
        train(samples.folder(), SIZE + 100, recipe="plain", continue_from=tokenizer)


def test_all_three_stages_train(texts: list[str]) -> None:
    stages = (Stage("morphemes", 0.5), Stage("eojeols", 0.7), *ENDS)
    tokenizer = train(samples.folder(), 3000, curriculum=CurriculumOptions(stages=stages))
    assert [stage["stage"] for stage in tokenizer.vocabulary.provenance["stages"]] == [s.level for s in stages]
    assert tokenizer.unreachable_tokens == 0
    assert [tokenizer.decode(ids) for ids in tokenizer.encode_batch(texts)] == texts


def test_phrases_of_one_document_are_no_tokens(tmp_path: Path) -> None:
    for i in range(4):
        (tmp_path / f"{i}.txt").write_text("물은 흐르고 산은 높다\n" * 20, "utf-8")
    (tmp_path / "9.txt").write_text("무단 전재 금지\n" * 200, "utf-8")
    (tmp_path / "more.txt").write_text("".join(p.read_text("utf-8") for p in samples.folder().glob("*.txt")), "utf-8")
    tokens = whole_tokens(train(tmp_path, 2000))
    assert any("흐르고 산은" in token for token in tokens)
    assert not any("전재 금" in token for token in tokens)


def words_of(collection: Collection) -> dict[str, int]:
    return {string.decode(): count for string, count in collection.words.items()}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("가나 12.,!?\n'ab년", max_size=60), min_size=1, max_size=8), st.integers(1, 3))
def test_one_pass_finds_every_word_and_run(texts: list[str], threads: int) -> None:
    sources = [Document(text, f"{i % 2}.txt") for i, text in sorted(enumerate(texts), key=lambda item: item[0] % 2)]
    collection = collect(sources, threads=threads)
    assert sum(len(word.encode()) * count for word, count in words_of(collection).items()) == sum(
        len(text.encode()) for text in texts
    )
    runs = sorted(run for text in texts for run in pretokens(text, "gyeol"))
    singles = [run for run in runs if run.encode() in {word for word, _ in collection.words.items()}]
    found = []
    for source in collection.sources:
        for a, b in zip(source.run_offsets, source.run_offsets[1:], strict=False):
            found.append(b"".join(collection.words.string(i) for i in source.run_words[a:b]).decode())
    assert sorted(found + singles) == runs


def test_weights_follow_temperature_and_patterns() -> None:
    sources = [Document("가" * 1000, "big.txt"), Document("가" * 10, "small.txt"), Document("a" * 30, "en_x.txt")]
    collection = collect(sources)
    equal = file_weights(collection, CurriculumOptions(temperature=0.0)).astype(float)
    assert equal[1] / equal[0] == pytest.approx(100, rel=0.01)
    flat = file_weights(collection, CurriculumOptions(temperature=1.0, weights=(("en_*", 0.5),)))
    assert flat.tolist() == [100, 100, 50]
    with pytest.raises(InputError, match=r"'nothing\*' fits no file"):
        file_weights(collection, CurriculumOptions(weights=(("nothing*", 2.0),)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CurriculumOptions(stages=(Stage("words", 1.0),)), "unknown stage 'words'; known: morphemes"),
        (lambda: CurriculumOptions(stages=()), "stages none"),
        (lambda: CurriculumOptions(stages=(*ENDS, Stage("morphemes", 1.0))), "in the order morphemes"),
        (lambda: CurriculumOptions(stages=(Stage("morphemes", 0.5),)), "the last at 1"),
        (lambda: CurriculumOptions(stages=(Stage("morphemes", 1.0), *ENDS)), "must end after the one before"),
        (lambda: CurriculumOptions(temperature=2.0), "temperature 2.0: choose from 0"),
        (lambda: CurriculumOptions(weights=(("a", 0.0),)), "weight 0.0 for 'a' is below 0.01"),
        (lambda: train(samples.folder(), 3000, recipe="plain", curriculum=CurriculumOptions()), "takes no options"),
    ],
)
def test_options_that_do_not_fit_are_named(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
