"""The curriculum learns inside morphemes first, keeps the vocabulary clean, and says what does not fit."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from tokenizer import InputError, Tokenizer, train
from tokenizer.corpus.reader import Document, documents
from tokenizer.inspection import describe_training, vocabulary_record
from tokenizer.pretokenize.grammars import pretokens
from tokenizer.pretokenize.morphemes import boundaries
from tokenizer.training import collect as collecting
from tokenizer.training import runs as run_store
from tokenizer.training.collect import Collection, collect
from tokenizer.training.counts import Counts
from tokenizer.training.curriculum import CurriculumOptions, FileFactors, Stage, source_records, source_weights
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
    assert not [token for token in tokens if re.search(r"\n\s*\S|\S[ \t]+$|\d{4}", token)]
    assert tokenizer.vocab_size == SIZE
    assert tokenizer.unreachable_tokens == 0
    emitted = np.bincount(np.concatenate(tokenizer.encode_batch(texts)), minlength=SIZE)
    assert np.count_nonzero(emitted[256 : len(tokenizer.vocabulary.tokens)] == 0) < 0.1 * SIZE  # of a tiny corpus


def test_digits_by_themselves(tokenizer: Tokenizer, texts: list[str]) -> None:
    """Tokens of right3 keep the rules that the pre-tokens of gyeol enforce, and so cut a document as its parts."""
    right3 = train(samples.folder(), SIZE, curriculum=CurriculumOptions(digits="right3"))
    assert (right3.vocabulary.grammar, right3.vocab_size, right3.unreachable_tokens) == ("right3", SIZE, 0)
    assert right3.vocabulary.provenance["options"]["digits"] == "right3"
    tokens = whole_tokens(right3)
    across = r"[\r\n]\s*\S|[.!?][ \t]"
    assert not [token for token in tokens if re.search(rf"{across}|\d\D|\D\d|\S[ \t]+$|\d{{4}}", token)]
    assert sum(re.search(r"\S \S", token) is not None for token in tokens) > 50
    for text in texts:
        parts = [part for part in re.split(r"(?<=[\r\n])(?=\S)|(?<=[.!?])(?=[ \t])", text) if part]
        assert list(chain.from_iterable(right3.encode_batch(parts))) == right3.encode(text)
    assert sum(map(len, right3.encode_batch(texts))) < 1.05 * sum(map(len, tokenizer.encode_batch(texts)))
    with pytest.raises(InputError, match=r"of the grammar right3, was not trained .* for the grammar gyeol"):
        train(samples.folder(), SIZE + 100, continue_from=right3)


def test_first_stage_stays_inside_morphemes() -> None:
    options = CurriculumOptions(stages=(Stage("morphemes", 0.9), *ENDS))
    tokenizer = train(samples.folder(), 3000, curriculum=options)
    words = collect(documents([samples.folder()])).words
    parts = Counts.of((part.encode(), 1) for word, _ in words.items() for part in pretokens(word.decode()))
    offsets, cuts = word_cuts(parts, 1, "Finding morphemes")
    pieces: set[bytes] = set()
    for i, (word, _) in enumerate(parts.items()):
        edges = [0, *cuts[offsets[i] : offsets[i + 1]], len(word)]
        pieces.update(word[a:b] for a, b in pairwise(edges))
    text = b"\n".join(pieces)
    first, until = 256, tokenizer.vocabulary.provenance["stages"][0]["tokens"]
    assert until - first > 1500
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


def test_superwords_take_fewer_tokens(texts: list[str]) -> None:
    """On the text trained on, phrases of a single document included."""
    plain = train(samples.folder(), SIZE, recipe="plain")
    superwords = train(samples.folder(), SIZE, curriculum=CurriculumOptions(min_documents=1))
    assert sum(map(len, superwords.encode_batch(texts))) < sum(map(len, plain.encode_batch(texts)))


def test_training_is_deterministic(tokenizer: Tokenizer) -> None:
    assert train(samples.folder(), SIZE, threads=3).fingerprint == tokenizer.fingerprint


def test_training_goes_on_from_a_tokenizer(tokenizer: Tokenizer, texts: list[str]) -> None:
    longer = train(samples.folder(), SIZE + 100, continue_from=tokenizer)
    for token_id in range(tokenizer.vocab_size):
        assert longer.token_bytes(token_id) == tokenizer.token_bytes(token_id)
    assert longer.special_tokens == tokenizer.special_tokens
    merges = len(tokenizer.vocabulary.merges)
    assert longer.vocabulary.merges[:merges] == tokenizer.vocabulary.merges
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
    sources = [
        Document(text, f"{i % 2}.txt", f"{i % 2}.txt")
        for i, text in sorted(enumerate(texts), key=lambda item: item[0] % 2)
    ]
    collection = collect(sources, threads=threads)
    assert sum(len(word.encode()) * count for word, count in words_of(collection).items()) == sum(
        len(text.encode()) for text in texts
    )
    runs = sorted(run for text in texts for run in pretokens(text, "gyeol"))
    singles = [run for run in runs if run.encode() in {word for word, _ in collection.words.items()}]
    found = []
    for source in collection.sources:
        for batch in source.runs:
            ends = batch.sizes.cumsum()
            for a, b in zip(ends - batch.sizes, ends, strict=True):
                found.append(b"".join(collection.words.string(i) for i in batch.words[a:b]).decode())
    assert sorted(found + singles) == runs


def sized(*files: tuple[str, str, str]) -> Collection:
    """A corpus of (text, file, source)."""
    factors = FileFactors([("en_*", 0.5)], [(name, origin) for _, name, origin in files])
    return collect([Document(*file) for file in files], factor_of=factors)


def test_sources_are_weighted_and_not_their_files() -> None:
    one = sized(("가" * 1000, "ko/big.txt", "ko"), ("가" * 10, "small.txt", "small.txt"), ("a", "en_x.txt", "en_x.txt"))
    equal = source_weights(one, 0.0).astype(float)
    assert equal[1] / equal[0] == pytest.approx(100, rel=0.01)
    assert source_weights(one, 1.0).tolist() == [100, 100, 50]
    parts = [("가" * 100, f"ko/{i}.txt", "ko") for i in range(10)]
    many = sized(*parts, ("가" * 10, "small.txt", "small.txt"), ("a", "en_x.txt", "en_x.txt"))
    assert source_weights(many, 0.5).tolist() == source_weights(one, 0.5).tolist()
    records = source_records(many, source_weights(many, 0.5))
    assert [(record.name, record.bytes) for record in records] == [("ko", 3000), ("small.txt", 30), ("en_x.txt", 1)]
    assert sum(record.share for record in records) == pytest.approx(1)


@pytest.mark.parametrize("pattern", ["한글*", "*/한글.txt", "말뭉치"])
def test_patterns_fit_names_however_they_are_composed(pattern: str) -> None:
    file = (normalize("NFD", "말뭉치/한글.txt"), normalize("NFD", "말뭉치"))
    factors = FileFactors([(pattern, 3.0)], [file])
    assert factors(Document("", *file)) == 3.0
    assert factors(Document("", "b.txt", "b.txt")) == 1.0
    with pytest.raises(InputError, match=r"'nothing\*' matches no file; files are named like"):
        FileFactors([("nothing*", 2.0)], [file])
    with pytest.raises(InputError, match=r"'\*' matches no file that an earlier pattern leaves"):
        FileFactors([(pattern, 2.0), ("*", 2.0)], [file])


def test_one_text_in_many_files_gives_one_vocabulary(tmp_path: Path, texts: list[str]) -> None:
    for name in ("one", "many"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "all.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    for number, text in enumerate(texts):
        (tmp_path / "many" / f"{number:02}.txt").write_text(text, "utf-8")
    (tmp_path / "other.txt").write_text("또 다른 글\n" * 50, "utf-8")
    one, many = (train([tmp_path / name, tmp_path / "other.txt"], 2000) for name in ("one", "many"))
    assert one.fingerprint == many.fingerprint
    lines = list(describe_training(vocabulary_record(one) | {"folder": "one"}))
    assert lines[1] == "  morphemes: no further pair was left; the next stage took the rest"
    assert re.search(r"  one: \d\d\.\d% of all counts \(x 0\.\d\d\)", lines[2])


def test_what_stands_once_is_no_token_however_it_is_weighted(tmp_path: Path) -> None:
    (tmp_path / "dump.txt").write_text("".join(p.read_text("utf-8") for p in samples.folder().glob("*.txt")), "utf-8")
    (tmp_path / "note.txt").write_text("쀍쀍뙇뙇한글암호", "utf-8")
    (tmp_path / "twice.txt").write_text("xq7zvw9k 비밀 xq7zvw9k " * 4, "utf-8")
    names = ["dump.txt", "note.txt", "twice.txt"]
    tokens = whole_tokens(train([tmp_path / name for name in names], 3000))
    assert not [token for token in tokens if {*token} & {*"쀍뙇"}]
    assert not [token for token in tokens if re.search("xq|qz|zv|vw", token)]
    spread = train([tmp_path / name for name in names], 3000, curriculum=CurriculumOptions(min_documents=1))
    assert [token for token in whole_tokens(spread) if re.search("xq|qz|zv|vw", token)]


def test_every_token_of_letters_stands_in_enough_documents(tmp_path: Path, texts: list[str]) -> None:
    trained = train(samples.folder(), 2500, curriculum=CurriculumOptions(min_documents=3))
    for token in trained.vocabulary.tokens[256:]:
        if re.search(rb"[a-zA-Z\x80-\xff]", token):
            assert sum(token in text.encode() for text in texts) >= 3, token


def test_an_exhausted_stage_hands_over_to_the_next() -> None:
    """Ordinary text whose morphemes do not fill their share."""
    options = CurriculumOptions(stages=(Stage("morphemes", 0.98), *ENDS))
    trained = train(samples.folder(), 4500, curriculum=options)
    stages = trained.vocabulary.provenance["stages"]
    assert [stage["exhausted"] for stage in stages] == [True, False]
    assert trained.vocab_size == 4500
    with pytest.raises(InputError, match=r"fills only [\d,]+ of 60,000 ids.*fill_what_you_can=True"):
        train(samples.folder(), 60_000)
    short = train(samples.folder(), 60_000, fill_what_you_can=True)
    assert 4500 < short.vocab_size < 60_000
    assert short.vocabulary.provenance["stages"][-1]["exhausted"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CurriculumOptions(stages=(Stage("words", 1.0),)), "unknown stage 'words'; known: morphemes"),
        (lambda: CurriculumOptions(stages=()), "stages none"),
        (lambda: CurriculumOptions(stages=(*ENDS, Stage("morphemes", 1.0))), "in the order morphemes"),
        (lambda: CurriculumOptions(stages=(Stage("morphemes", 0.5),)), "the last at 1"),
        (lambda: CurriculumOptions(stages=(Stage("morphemes", 1.0), *ENDS)), "must end after the one before"),
        (lambda: CurriculumOptions(temperature=2.0), "temperature 2.0: choose from 0"),
        (lambda: CurriculumOptions(weights=(("a", 0.0),)), "weight 0.0 for 'a' is not from 0.01 to 1000"),
        (lambda: CurriculumOptions(weights=(("a", math.inf),)), "weight inf for 'a' is not from 0.01 to 1000"),
        (lambda: CurriculumOptions(damping=0.0), "damping is 0.0; it must be above 0"),
        (lambda: CurriculumOptions(leave_out=("(",)), r"leave_out '\(' is no regular expression: missing \)"),
        (lambda: CurriculumOptions(min_sources=0), "min_sources is 0; it must be 1 or more"),
        (lambda: CurriculumOptions(surplus=-1.0), "surplus is -1.0; it must be from 0"),
        (lambda: CurriculumOptions(morpheme_bonus=math.nan), "morpheme_bonus is nan; it must be from 0"),
        (lambda: CurriculumOptions(min_documents=65), "min_documents is 65; it must be from 1 to 64"),
        (lambda: train(samples.folder(), 3000, min_count=10**18), "it must be from 1 to 1,000,000,000"),
        (lambda: train(samples.folder(), 3000, recipe="plain", curriculum=CurriculumOptions()), "takes no options"),
        (lambda: CurriculumOptions(digits="left3"), "digits is 'left3'; it must be gyeol or right3"),  # type: ignore[arg-type]
    ],
)
def test_options_that_do_not_fit_are_named(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_tokens_that_are_not_wanted_are_left_out() -> None:
    options = CurriculumOptions(leave_out=("[Rr]eturn", "다\\.\n"))
    with_all, without = train(samples.folder(), 3000), train(samples.folder(), 3000, curriculum=options)
    assert [token for token in whole_tokens(with_all) if re.search("[Rr]eturn|다\\.\n", token)]
    assert not [token for token in whole_tokens(without) if re.search("[Rr]eturn|다\\.\n", token)]
    assert without.vocab_size == 3000


def test_a_word_of_a_million_letters_makes_no_long_tokens(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-" * 1_000_000 + "\n" + "가" * 500_000, "utf-8")
    made = train(tmp_path, 2000, fill_what_you_can=True)
    assert max(map(len, made.vocabulary.tokens)) <= collecting.LONGEST_WORD


def test_runs_are_thinned_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(threads: int) -> tuple[int, list[bytes]]:
        collection = collect(documents([samples.folder()]), threads=threads)
        found = []
        for batch in collection.sources[0].runs:
            strings = iter([collection.words.string(i) for i in batch.words])
            found += [b"".join(islice(strings, size)) for size in batch.sizes]
        return collection.run_weight, sorted(found)

    weight, everything = kept(1)
    assert weight == 1
    monkeypatch.setattr(collecting, "BATCH_BYTES", 5000)
    assert kept(3) == (1, everything)
    monkeypatch.setattr(run_store, "RUN_WORDS", 1000)
    weight, some = kept(1)
    assert weight > 4
    assert 0 < len(some) < 2 * len(everything) / weight
    assert not Counter(some) - Counter(everything)
    assert kept(3) == (weight, some)
