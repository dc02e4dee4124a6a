"""Special tokens keep their ids, and no ordinary text becomes one, in every engine."""

from pathlib import Path

import pytest
import tokenizers
import transformers

import samples
from tokenizer import InputError, Tokenizer, train

TEXT = "결을 따라<|endoftext|>자르면 <|user|> 매끄럽다 <|endoftext|"


@pytest.fixture(scope="module")
def longer(plain: Tokenizer) -> Tokenizer:
    return train(samples.folder(), 3100, recipe="plain", continue_from=plain)


def test_superwords_that_go_on_give_the_same_ids_in_every_engine(tmp_path: Path) -> None:
    longer = train(samples.folder(), 3300, continue_from=train(samples.folder(), 3000))
    assert len(set(longer.vocabulary.merges)) == len(longer.vocabulary.merges)
    longer.save(tmp_path / "longer")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "longer" / "tokenizer.json"))
    for path in samples.folder().glob("*.txt"):
        lines = path.read_text("utf-8").splitlines()
        assert longer.encode_batch(lines) == [theirs.encode(line, add_special_tokens=False).ids for line in lines]


def test_a_longer_vocabulary_in_every_engine(plain: Tokenizer, longer: Tokenizer, tmp_path: Path) -> None:
    assert longer.special_tokens == plain.special_tokens
    assert longer.unreachable_tokens == plain.unreachable_tokens == 0
    longer.save(tmp_path / "longer")
    loaded = Tokenizer.load(tmp_path / "longer")
    assert loaded.fingerprint == longer.fingerprint
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "longer" / "tokenizer.json"))
    for tokenizer in (longer, loaded, train(samples.folder(), 3200, recipe="plain", continue_from=loaded)):
        assert tokenizer.special_tokens == plain.special_tokens
        assert plain.special_tokens["<|user|>"] not in tokenizer.encode(TEXT)
    assert theirs.get_vocab_size() == longer.vocab_size == 3100
    assert theirs.encode(TEXT, add_special_tokens=False).ids == longer.encode(TEXT, allowed_special="all")
    theirs.encode_special_tokens = True
    assert theirs.encode(TEXT, add_special_tokens=False).ids == longer.encode(TEXT)
    auto = transformers.AutoTokenizer.from_pretrained(tmp_path / "longer")
    assert auto.eos_token_id == plain.special_tokens["<|endoftext|>"]
    assert len(auto) == 3100


@pytest.mark.parametrize("recipe", ["plain", "curriculum"])
def test_no_token_is_spelled_like_a_special_one(tmp_path: Path, recipe: str) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text("<|endoftext|> 결을 <|user|>\n" * 500, "utf-8")
    made = train(tmp_path, 600, recipe=recipe, fill_what_you_can=True)
    ordinary = set(made.vocabulary.tokens)
    assert b"<|endoftext|>" not in ordinary
    assert b"<|user|>" not in ordinary
    assert any(len(token) > 8 for token in ordinary if token in b"<|endoftext|>")
    made.save(tmp_path / "made")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "made" / "tokenizer.json"))
    assert theirs.encode("<|user|>", add_special_tokens=False).ids == [made.special_tokens["<|user|>"]]


def test_a_smaller_size_than_the_old_is_refused(plain: Tokenizer) -> None:
    with pytest.raises(InputError, match="is below 3,000"):
        train(samples.folder(), 2999, recipe="plain", continue_from=plain)
