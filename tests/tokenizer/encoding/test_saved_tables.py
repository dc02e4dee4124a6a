"""A tokenizer that was loaded before is loaded from the cache, and never another one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tokenizer import InputError, Tokenizer
from tokenizer.encoding import saved_tables
from tokenizer.vocabulary.vocabulary import build

BYTES = [bytes([b]) for b in range(256)]
TEXT = "결을 따라 ab, abab."


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr(saved_tables, "kernel_folder", lambda: folder)
    return folder


def saved(folder: Path, *pairs: tuple[int, int], grammar: str = "gyeol") -> Path:
    tokens = list(BYTES)
    for left, right in pairs:
        tokens.append(tokens[left] + tokens[right])
    Tokenizer(build(tokens, pairs, grammar=grammar, provenance={"name": "small"})).save(folder, force=True)
    return folder


@pytest.mark.parametrize("grammar", ["gyeol", "o200k"])
def test_the_same_tokenizer_again(tmp_path: Path, cache: Path, grammar: str) -> None:
    folder = saved(tmp_path / "small", (97, 98), (32, 256), (256, 256), grammar=grammar)
    first = Tokenizer.load(folder)
    assert len(list(cache.glob("*.npz"))) == 1
    kept = saved_tables.recall(folder)
    assert kept
    vocabulary, tables = kept
    assert vocabulary == first.vocabulary
    again = Tokenizer.load(folder)
    assert again.vocabulary == first.vocabulary
    assert again.fingerprint == first.fingerprint
    assert again.unreachable_tokens == first.unreachable_tokens
    assert again.encode(TEXT) == first.encode(TEXT)
    for name, one in tables._asdict().items():
        np.testing.assert_equal(one, getattr(first.encoder.tables, name))


def test_another_vocabulary_under_the_same_name(tmp_path: Path) -> None:
    folder = saved(tmp_path / "small", (97, 98))
    before = Tokenizer.load(folder).encode(TEXT)
    saved(folder, (32, 97))
    after = Tokenizer.load(folder)
    assert after.vocabulary.merges == [(32, 97)]
    assert after.encode(TEXT) != before


def test_a_file_altered_since_is_still_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "small", (97, 98))
    Tokenizer.load(folder)
    record = json.loads((folder / "gyeol.json").read_text("utf-8"))
    (folder / "gyeol.json").write_text(json.dumps(record | {"strict": True}), "utf-8")
    with pytest.raises(InputError, match="fingerprint"):
        Tokenizer.load(folder)
    shutil.copy(folder / "gyeol.json", folder / "tokenizer.json")
    with pytest.raises(InputError, match="checksum"):
        Tokenizer.load(folder)


@pytest.mark.parametrize("keep", [0, 10, 2000, -1])
def test_a_damaged_file_is_made_anew(tmp_path: Path, cache: Path, keep: int) -> None:
    folder = saved(tmp_path / "small", (97, 98))
    expected = Tokenizer.load(folder).encode(TEXT)
    (path,) = cache.glob("*.npz")
    whole = path.read_bytes()
    middle = bytearray(whole)
    middle[len(whole) // 2] ^= 1
    path.write_bytes(whole[:keep] if keep >= 0 else bytes(middle))
    assert saved_tables.recall(folder) is None
    assert Tokenizer.load(folder).encode(TEXT) == expected
    assert path.read_bytes() == whole


def test_a_few_are_kept(tmp_path: Path, cache: Path) -> None:
    for number in range(saved_tables.KEPT + 2):
        Tokenizer.load(saved(tmp_path / str(number), (97, 98 + number)))
    assert len(list(cache.glob("*.npz"))) == saved_tables.KEPT


def test_without_a_cache(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tmp_path / "small", (97, 98))
    monkeypatch.setattr(saved_tables, "kernel_folder", lambda: None)
    assert Tokenizer.load(folder).encode("ab") == [256]
    monkeypatch.setattr(saved_tables, "kernel_folder", lambda: cache / "missing")
    assert Tokenizer.load(folder).encode("ab") == [256]
    assert not list(cache.iterdir())
