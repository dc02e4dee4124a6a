"""Shipped vocabularies give the ids of tiktoken on hostile text, and damaged files never crash the interpreter."""

import hashlib
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiktoken

from tokenizer import InputError, Tokenizer
from tokenizer.pretokenize.grammars import PATTERNS

STRINGS = 100_000
ALPHABETS = [
    "가나다라마바사아자차카타파하각난돌물밥숲않은을를이가는에서했다요",
    "\u1100\u1161\u11a8\u1112\u1175\u11ab\u3131\u314b\u3160\ud7b0\ud7cb",  # conjoining and compatibility jamo
    "abcdefgh XYZ'’sStTrReE",
    "0123456789٣४년월일%",
    " \t\n\r\r\n\u00a0\u2003\u3000\u200b\u2028\ufeff",
    ".,!?/\\-_()[]{}<|>\"'…·「」",
    "漢字大韓民國ひカナ",
    "\u0300\u0301\u20dd\u0e31\u0903\ufe0f",  # combining marks
    "👩\u200d👩\u200d👧🇰🇷👍🏽😀",
    "\x00\x01\x1b\x7f\x85\ue000\U000f0000\u0378\U000e0001\ufffd\U0010ffff",  # controls, private use, unassigned
    "ßſéñЖщΩאع",
]


@pytest.fixture(scope="module", params=["gyeol-100k", "gyeol-100k-gguf"])
def ours(request: pytest.FixtureRequest) -> Tokenizer:
    return Tokenizer.load(request.param)


@pytest.fixture(scope="module")
def theirs(ours: Tokenizer) -> tiktoken.Encoding:
    ranks = {token: i for i, token in enumerate(ours.vocabulary.tokens)}
    return tiktoken.Encoding(
        "ours", pat_str=PATTERNS[ours.vocabulary.grammar], mergeable_ranks=ranks, special_tokens={}
    )


def check(ours: Tokenizer, theirs: tiktoken.Encoding, texts: list[str]) -> None:
    expected = theirs.encode_ordinary_batch(texts, num_threads=2)
    found = ours.encode_batch(texts)
    assert found == expected, next(t for t, a, b in zip(texts, found, expected, strict=True) if a != b)
    assert [ours.decode(ids) for ids in found] == texts


def test_every_character_alone_and_between_letters(ours: Tokenizer, theirs: tiktoken.Encoding) -> None:
    scalars = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    text = [f"{c}가{c} {c}a.{c}\n" for c in scalars if c < "\U00020000" or c >= "\U000e0000"]
    check(ours, theirs, ["".join(text[i : i + 64]) for i in range(0, len(text), 64)])


@pytest.mark.slow
def test_fuzzed_strings(ours: Tokenizer, theirs: tiktoken.Encoding) -> None:
    chance = random.Random(0)

    def string() -> str:
        mixed = chance.choices(ALPHABETS, k=chance.randint(1, 4))
        return "".join(chance.choice(chance.choice(mixed)) for _ in range(chance.randint(1, 40)))

    check(ours, theirs, [string() for _ in range(STRINGS)])


def mutated(value: Any, chance: random.Random) -> Any:
    """``value`` with one place in it replaced, dropped or doubled."""
    wrong: list[Any] = [None, -1, 10**30, 1.5, "", "가", "a" * 1000, [], {}, True, [[]], {"a": 1}]
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        if chance.random() < 0.15:
            return {k: v for k, v in value.items() if k != key}
        return value | {key: mutated(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        i = chance.randrange(len(value))
        if chance.random() < 0.3:
            return value[:i] + value[i + 1 :] if chance.random() < 0.5 else [*value[:i], value[i], *value[i:]]
        return [*value[:i], mutated(value[i], chance), *value[i + 1 :]]
    return chance.choice(wrong)


@pytest.mark.slow
def test_damaged_vocabularies_are_refused_or_still_work(tmp_path: Path) -> None:
    from tokenizer.vocabulary.vocabulary import build

    letters = [bytes([b]) for b in range(256)]
    pairs = [(0x61, 0x62), (0xEA, 0xB0), (257, 0x80), (256, 0x63), (0x20, 256)]
    tokens = list(letters)
    for a, b in pairs:
        tokens.append(tokens[a] + tokens[b])
    Tokenizer(build(tokens, pairs, grammar="gyeol")).save(tmp_path / "whole")
    chance = random.Random(1)
    refused = 0
    for number in range(400):
        folder = shutil.copytree(tmp_path / "whole", tmp_path / str(number))
        name = chance.choice(["tokenizer.json", "gyeol.json"])
        raw = mutated(json.loads((folder / name).read_text("utf-8")), chance)
        (folder / name).write_text(json.dumps(raw), "utf-8")
        if name == "tokenizer.json":
            record = json.loads((folder / "gyeol.json").read_text("utf-8"))
            record["sha256"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            (folder / "gyeol.json").write_text(json.dumps(record), "utf-8")
        try:
            tokenizer = Tokenizer.load(folder)
        except InputError:
            refused += 1
        else:
            assert tokenizer.decode(tokenizer.encode("abc 가 ab")) == "abc 가 ab"
        shutil.rmtree(folder)
    assert refused > 100
