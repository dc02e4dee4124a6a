"""The vocabularies in the package are whole, clean, and give the ids that other engines give."""

import lzma
import re
from pathlib import Path

import pytest
import tokenizers

import samples
import tokenizer as tokenizer_package
from tokenizer import Tokenizer
from tokenizer.shipped import shipped_folder, shipped_names

SIZES = {"gyeol-32k": 32_768, "gyeol-100k": 102_400, "gyeol-100k-gguf": 102_400, "gyeol-200k": 199_936}
RATIOS = {"gyeol-32k": 1.3, "gyeol-100k": 1.6, "gyeol-100k-gguf": 1.6, "gyeol-200k": 1.7}
"""Least ratio to GPT-4o's on the Korean samples."""


@pytest.fixture(scope="module", params=SIZES)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return Tokenizer.load(request.param)


def test_all_are_there() -> None:
    assert shipped_names() == sorted(SIZES)


def test_all_together_are_small() -> None:
    folder = Path(tokenizer_package.__file__).parent / "data"
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 5_000_000


@pytest.mark.slow
def test_vocabulary_is_clean(tokenizer: Tokenizer) -> None:
    assert tokenizer.vocab_size == SIZES[tokenizer.name]
    assert tokenizer.vocab_size % 128 == 0
    assert tokenizer.unreachable_tokens == 0
    assert sum("reserved" in name for name in tokenizer.special_tokens) >= 64
    tokens = []
    for token in tokenizer.vocabulary.tokens:
        try:
            tokens.append(token.decode("utf-8"))
        except UnicodeDecodeError:  # part of one character, and of nothing else
            assert re.fullmatch(rb"[\x80-\xff]|[\x80-\xbf]{2,3}|[\xe0-\xf4][\x80-\xbf]{1,2}", token), token
    unclean = r"\n\s*\S|\d{4}|\w@\w|://\w|www\.\w|(?i:under the licen|rights reserved)|무단 ?전재"
    assert not [token for token in tokens if re.search(unclean, token)]
    assert max(len(token.split()) for token in tokens) == 4
    parts = [token for token in tokenizer.vocabulary.tokens[256:] if "\ufffd" in token.decode("utf-8", "replace")]
    assert (
        sum(0xEA <= token[0] <= 0xED for token in parts) <= 175
    )  # one for each pair of bytes that syllables begin with


@pytest.mark.slow
def test_other_engines_give_the_same_ids(tokenizer: Tokenizer, tmp_path: Path) -> None:
    folder = shipped_folder(tokenizer.name)
    assert folder is not None
    (tmp_path / "tokenizer.json").write_bytes(lzma.decompress((folder / "tokenizer.json.xz").read_bytes()))
    other = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for path in sorted(samples.folder().glob("*.txt")):
        text = path.read_text("utf-8")
        ids = tokenizer.encode(text)
        assert ids == other.encode(text, add_special_tokens=False).ids
        assert tokenizer.decode(ids) == text


def test_korean_takes_fewer_tokens_than_gpt_4o(tokenizer: Tokenizer) -> None:
    from benchmarks.peers.openai import load_encoding

    text = "".join(path.read_text("utf-8") for path in sorted(samples.folder().glob("*.txt")))
    korean = "\n".join(line for line in text.split("\n") if re.search("[가-힣]", line))
    assert len(load_encoding("o200k_base").encode_ordinary(korean)) > RATIOS[tokenizer.name] * len(
        tokenizer.encode(korean)
    )


def test_card_has_the_command_and_the_fingerprint(tokenizer: Tokenizer) -> None:
    folder = shipped_folder(tokenizer.name)
    assert folder is not None
    card = (folder / "CARD.md").read_text("utf-8")
    assert f"--vocab-size {tokenizer.vocab_size}" in card
    assert tokenizer.fingerprint in card
