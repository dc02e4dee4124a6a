"""Tokenizers of tiktoken give tiktoken's ids."""

import base64
import random
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given

from benchmarks.peers.openai import load_encoding
from tests.support.foreign import TEXTS
from tokenizer import InputError, Tokenizer
from tokenizer.pretokenize.patterns import CL100K, GPT2

BYTES = {bytes([b]): b for b in range(256)}


@pytest.fixture(scope="module", params=["o200k_base", "cl100k_base"])
def both(request: pytest.FixtureRequest) -> tuple[tiktoken.Encoding, Tokenizer]:
    theirs = load_encoding(request.param)
    return theirs, Tokenizer.from_tiktoken(theirs)


@pytest.mark.slow
@given(text=TEXTS)
def test_ids_of_openai(both: tuple[tiktoken.Encoding, Tokenizer], text: str) -> None:
    theirs, ours = both
    assert ours.encode(text) == ours.encode_ordinary(text) == theirs.encode_ordinary(text)
    assert ours.encode(text, allowed_special="all") == theirs.encode(text, allowed_special="all")


@pytest.mark.slow
def test_all_tokens_of_openai(both: tuple[tiktoken.Encoding, Tokenizer]) -> None:
    theirs, ours = both
    assert ours.vocab_size == ours.n_vocab == theirs.n_vocab
    assert ours.special_tokens_set == theirs.special_tokens_set
    assert ours.unreachable_tokens == 0
    assert not ours.vocabulary.ignore_merges
    assert ours.eos_id == ours.eot_token == theirs.eot_token
    for token, rank in theirs._mergeable_ranks.items():
        assert ours.token_bytes(rank) == token
    for rank in (0, 300, theirs.eot_token):
        assert ours.decode_single_token_bytes(rank) == theirs.decode_single_token_bytes(rank)


def write(path: Path, ranks: dict[bytes, int]) -> Path:
    path.write_bytes(b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in ranks.items()))
    return path


@pytest.mark.parametrize("by_hand", [False, True])
def test_small_ranks(tmp_path: Path, by_hand: bool) -> None:
    """Random tokens of a small alphabet; some are put in by hand, so that no merges make them."""
    chance = random.Random(0)
    tokens = list(BYTES)
    while len(tokens) < 400:
        parts = [token for token in tokens if set(token) <= set("abc 가".encode())]
        token = b"".join(chance.choices(parts, k=chance.choice([2, 2, 3, 5]) if by_hand else 2))
        if token not in tokens and len(token) < 20:
            tokens.append(token)
    ranks = {token: i for i, token in enumerate(tokens)}
    if not by_hand:  # those whose bytes other merges cut differently are by hand too
        ours = Tokenizer.from_tiktoken(write(tmp_path / "all.tiktoken", ranks), pattern=GPT2)
        kept = [token for token in tokens if len(token) == 1 or ours.encode_bytes([token])[0].size == 1]
        ranks = {token: i for i, token in enumerate(kept)}
    theirs = tiktoken.Encoding("mine", pat_str=GPT2, mergeable_ranks=ranks, special_tokens={"<|a|>": len(ranks) + 5})
    path = write(tmp_path / "mine.tiktoken", ranks)
    ours = Tokenizer.from_tiktoken(path, pattern=GPT2, special_tokens={"<|a|>": len(ranks) + 5})
    ours.save(tmp_path / "saved")
    again = Tokenizer.load(tmp_path / "saved")
    for _ in range(3000):
        text = "".join(chance.choices("aaabc  가", k=chance.randint(1, 40)))
        assert ours.encode(text) == again.encode(text) == theirs.encode_ordinary(text), text
    assert ours.encode("ab<|a|>", allowed_special="all") == theirs.encode("ab<|a|>", allowed_special="all")


def test_the_end_of_the_text_in_a_pattern(tmp_path: Path) -> None:
    pattern = r"\s+$|[$]|\S+|\s"
    ranks = BYTES | {b"\n": 10, b"\n\n": 256, b"\n\n\n": 257}
    theirs = tiktoken.Encoding("mine", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    ours = Tokenizer.from_tiktoken(theirs)
    for text in ("a\n\n\nb$\n\n\n", "\n\n", "a\n\n"):
        assert ours.encode(text) == theirs.encode_ordinary(text)


def test_known_names_and_bad_input(tmp_path: Path) -> None:
    known = Tokenizer.load(write(tmp_path / "cl100k_base.tiktoken", BYTES))
    assert known.vocabulary.patterns == (CL100K,)
    assert known.special_tokens["<|endofprompt|>"] == 100_276
    path = write(tmp_path / "mine.tiktoken", BYTES)
    with pytest.raises(InputError, match="does not say how text is cut; give the regular expression as pattern="):
        Tokenizer.load(path)
    with pytest.raises(InputError, match=r"has '\\\\b'"):
        Tokenizer.from_tiktoken(path, pattern=r"\b")
    with pytest.raises(InputError, match="each once"):
        Tokenizer.from_tiktoken(path, pattern=GPT2, special_tokens={"<|a|>": 3})
    with pytest.raises(InputError, match="cannot be read"):
        Tokenizer.from_tiktoken(tmp_path / "none.tiktoken", pattern=GPT2)
    with pytest.raises(InputError, match="lacks 156 of the 256 single bytes"):
        Tokenizer.from_tiktoken(write(path, dict(list(BYTES.items())[:100])), pattern=GPT2)
    path.write_bytes(b"YQ== 0\nnothing\n")
    with pytest.raises(InputError, match="line 2 is not a token in base64"):
        Tokenizer.from_tiktoken(path, pattern=GPT2)
