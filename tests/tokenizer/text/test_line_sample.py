"""Samples of lines: the definition, in parts and joined, as records, and the share of lines that two texts have."""

import json
import random
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenizer import InputError
from tokenizer.text import LineSample, LineSampler, joined_samples, line_sample
from tokenizer.text.line_sample import BITS, SHORTEST
from tokenizer.text.utf8 import joined

LINE = "결을 따라 자르면 매끄럽다는 말은 오래 나무를 다룬 사람에게서 들었다."
OF_LINE = 0x3A8AC84377

words = st.text(alphabet="가나\n\r\t a", max_size=12)
texts = st.lists(st.one_of(words, st.just(LINE), st.just(LINE + "\n"), st.integers(0, 9).map(lambda n: f"{n}{LINE}\n")))


def sample_of(parts: Iterable[str]) -> LineSample:
    sampler = LineSampler()
    for part in parts:
        sampler.add_text(part.encode())
    return sampler.sample()


def same(one: LineSample, other: LineSample) -> bool:
    return (one.lines, one.below, one.hashes.tolist()) == (other.lines, other.below, other.hashes.tolist())


def slow_hash(raw: bytes) -> int:
    """The hash in whole numbers."""
    golden, ones = 0x9E3779B97F4A7C15, (1 << 64) - 1
    h = len(raw)
    for word in (*(raw[i : i + 8] for i in range(0, len(raw) - 8, 8)), raw[-8:]):
        h = (h ^ int.from_bytes(word, "little")) * golden & ones
        h ^= h >> 29
    h = h * golden & ones
    return (h ^ h >> 32) >> (64 - BITS)


def test_hashes_of_saved_samples_never_change() -> None:
    assert sample_of([LINE]).hashes.tolist() == [slow_hash(LINE.encode())] == [OF_LINE]


@given(texts)
def test_the_sample_has_the_lines_of_the_definition(parts: list[str]) -> None:
    text = "".join(parts)
    lines = [line for line in (line.strip("\n\r\t ").encode() for line in text.split("\n")) if len(line) >= SHORTEST]
    found = sample_of([text])
    assert found.whole
    assert found.lines == len(lines)
    assert found.hashes.tolist() == sorted({slow_hash(line) for line in lines})


@given(texts)
def test_texts_of_one_array_are_texts_of_their_own(parts: list[str]) -> None:
    sampler, raw = LineSampler(), [part.encode() for part in parts]
    sampler.add(joined(raw), np.cumsum([len(part) for part in raw], dtype=np.int64))
    assert same(sampler.sample(), sample_of(parts))


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.integers(1, 400), st.integers(1, 400))
def test_a_bounded_sample_has_the_lowest_hashes(random: random.Random, one: int, other: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_sample, "KEPT", 50)
        lines = [f"{number} {LINE}" for number in range(one)]
        more = [f"{number} {LINE}" for number in range(one // 2, one // 2 + other)]
        together = sample_of(lines + more)
        hashes = sorted({slow_hash(line.encode()) for line in lines + more})
        assert together.hashes.tolist() == hashes[:50]
        assert together.whole == (len(hashes) <= 50)
        shuffled = random.sample(lines + more, len(lines + more))
        assert same(sample_of(shuffled), together)
        assert same(joined_samples([sample_of(lines), sample_of(more)]), together)
        record = json.loads(json.dumps(together.record))
        assert same(LineSample.of_record(record), together)
        found, sampled = sample_of(lines).found_in(sample_of(more))
        below = min(sample_of(lines).below, sample_of(more).below)
        low = [line for line in lines if slow_hash(line.encode()) < below]
        assert (found, sampled) == (len(set(low) & set(more)), len(low))


def test_the_share_is_estimated_without_bias() -> None:
    known, new = ([f"{number} {kind} {LINE}" for number in range(30_000)] for kind in ("known", "new"))
    trained = sample_of(["\n".join(known)])
    assert not trained.whole
    found, sampled = sample_of(["\n".join(known[:2000] + new[:6000])]).found_in(trained)
    assert 4000 < sampled < 4700
    assert found / sampled == pytest.approx(0.25, abs=0.03)
    assert len(trained.record["hashes"]) < 80_000


def test_no_text_and_no_samples() -> None:
    assert same(sample_of([]), joined_samples([]))
    assert same(LineSample.of_record(sample_of([]).record), sample_of([]))
    assert sample_of([]).found_in(sample_of([LINE])) == (0, 0)


@pytest.mark.parametrize(
    "change", [{"hashes": "AAAA"}, {"hashes": "?"}, {"hashes": 3}, {"below": -1}, {"below": 1 << 41}, {"lines": None}]
)
def test_a_damaged_record_is_named(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"line_sample in gyeol\.json is damaged"):
        LineSample.of_record(sample_of([LINE]).record | change)
    with pytest.raises(InputError, match="line_sample"):
        LineSample.of_record([])
