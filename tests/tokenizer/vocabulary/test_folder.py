"""Saving keeps everything, other libraries load the folder, and damage in it is named."""

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import transformers

from tokenizer import InputError, Tokenizer
from tokenizer.vocabulary import build, from_unicode, save_vocabulary


def test_transformers_loads_the_folder(plain: Tokenizer, saved: Path) -> None:
    loaded = transformers.AutoTokenizer.from_pretrained(saved)
    text = "결을 따라 자르면 매끄럽다. It works!"
    assert loaded(text, add_special_tokens=False)["input_ids"] == plain.encode(text)
    assert loaded.decode(plain.encode(text)) == text
    assert loaded.eos_token_id == plain.special_tokens["<|endoftext|>"]
    assert len(loaded) == plain.vocab_size == 3000


def test_saved_and_loaded_is_the_same(plain: Tokenizer, strict: Tokenizer, saved: Path, tmp_path: Path) -> None:
    text = "나는 학교에서 책을 읽었다."
    loaded = Tokenizer.load(saved)
    assert loaded.encode(text) == plain.encode(text)
    assert loaded.fingerprint == plain.fingerprint != strict.fingerprint
    strict.save(tmp_path / "strict")
    assert Tokenizer.load(tmp_path / "strict").encode(text) == strict.encode(text) != plain.encode(text)
    record = json.loads((tmp_path / "strict" / "gyeol.json").read_text("utf-8"))
    assert "tokenizer.json alone does not reproduce" in record["note"]
    with pytest.raises(Exception, match="PreTokenizer"):
        tokenizers.Tokenizer.from_file(str(tmp_path / "strict" / "tokenizer.json"))
    assert pickle.loads(pickle.dumps(plain)).encode(text) == plain.encode(text)


def drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda raw: raw["model"].pop(name)


def put(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda raw: raw["model"].update({name: value})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop("vocab"), "'vocab' is missing"),
        (
            lambda raw: raw["pre_tokenizer"]["pretokenizers"][0]["pattern"].update(Regex=r"\\w+|\\W+"),
            "cuts text by another pattern than the grammar 'o200k'.*an older one trained it; train it anew",
        ),
        (lambda raw: raw.pop("pre_tokenizer"), "not byte-level"),
        (drop("merges"), "'merges' is missing"),
        (put("vocab", {"a": 1}), "lacks 255 of the 256 single bytes"),
        (put("vocab", {"a": -1}), "not whole numbers from 0"),
        (put("vocab", {"a": 10**30}), "not whole numbers from 0"),
        (put("vocab", {"a": 1, "b": 1}), "an id twice"),
        (lambda raw: raw["model"]["vocab"].update({"": len(raw["model"]["vocab"])}), "an empty token"),
        (put("merges", [["a"]]), "merge 0 is"),
        (put("merges", [3]), "merge 0 is"),
        (put("merges", [["a", ["b"]]]), "merge 0 is"),
        (put("merges", [["a", "zq\u0120"]]), "merge 0 names"),
        (lambda raw: raw["model"]["vocab"].update({"가": len(raw["model"]["vocab"])}), "stands for no byte"),
        (lambda raw: raw.pop("added_tokens"), "'added_tokens' is missing"),
        (lambda raw: raw["added_tokens"].pop(0), "fingerprint differs"),
        (lambda raw: raw["added_tokens"][0].update(id="x"), "'id' is missing or not of type int"),
        (lambda raw: raw["model"]["merges"].pop(), "fingerprint differs"),
        (lambda raw: raw["added_tokens"][0].update(content="ĠìĿ"), "stands for no bytes"),
        (lambda raw: raw["added_tokens"][0].update(content="a"), "fingerprint differs"),
    ],
)
def test_damaged_files_are_named(saved: Path, tmp_path: Path, damage: Callable[[Any], Any], message: str) -> None:
    """The checksum is set right, so that each check behind it is met."""
    folder = shutil.copytree(saved, tmp_path / "damaged")
    raw = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    damage(raw)
    (folder / "tokenizer.json").write_text(json.dumps(raw), "utf-8")
    with pytest.raises(InputError, match=r"tokenizer\.json: checksum differs"):
        Tokenizer.load(folder)
    record = json.loads((folder / "gyeol.json").read_text("utf-8"))
    record["sha256"]["tokenizer.json"] = hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
    (folder / "gyeol.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(InputError, match=message):
        Tokenizer.load(folder)


def test_unknown_names_and_foreign_folders_are_refused(plain: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown tokenizer 'nothing'"):
        Tokenizer.load("nothing")
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="something other than a tokenizer"):
        plain.save(tmp_path, force=True)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_awkward_tokens_are_spelled_in_tokenizer_json(tmp_path: Path) -> None:
    awkward = [*(bytes([b]) for b in range(256)), b'", "', b'"\\', "가".encode(), b" \n"]
    for tokens, merges in ((awkward, [(0x20, 0x0A)]), (awkward[:256], [])):
        save_vocabulary(build(tokens, merges), tmp_path / "saved", force=True)
        text = (tmp_path / "saved" / "tokenizer.json").read_text(encoding="utf-8")
        names = json.loads(text)["model"]["vocab"]
        assert [from_unicode(name) for name in names] == tokens
