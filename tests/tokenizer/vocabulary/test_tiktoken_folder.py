"""The plugin for tiktoken: installed, it gives our ids; what tiktoken would encode otherwise is refused."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.texts import LINES
from tokenizer import InputError, Tokenizer
from tokenizer.vocabulary import save_tiktoken
from tokenizer.vocabulary.tiktoken_folder import encoding_name

ENCODE = """
import json, sys, tiktoken
encoding = tiktoken.get_encoding(sys.argv[1])
ids = [encoding.encode_ordinary(text) for text in json.load(sys.stdin)]
print(json.dumps([encoding.n_vocab, encoding.eot_token, *ids]))
"""


def encoded(name: str, texts: list[str], packages: Path) -> list[list[int]]:
    environment = os.environ | {"PYTHONPATH": str(packages)}
    done = subprocess.run(
        [sys.executable, "-c", ENCODE, name],
        input=json.dumps(texts),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["gyeol-32k", "gyeol-100k-gguf"])
def test_tiktoken_finds_the_encoding(name: str, tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(name)
    encoding = save_tiktoken(tokenizer.vocabulary, tokenizer.name, tmp_path / "out")
    assert encoding == name.replace("-", "_")
    size, end, *ids = encoded(encoding, LINES, tmp_path / "out")
    assert (size, end) == (tokenizer.vocab_size, tokenizer.eos_id)
    assert ids == tokenizer.encode_batch(LINES)


@pytest.mark.slow
def test_pip_installs_it(plain: Tokenizer, tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    encoding = save_tiktoken(plain.vocabulary, "2nd 결", tmp_path / "out")
    assert encoding == "_2nd"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target"]
    subprocess.run([*install, tmp_path / "packages", tmp_path / "out"], check=True, capture_output=True)
    assert encoded(encoding, LINES[:5], tmp_path / "packages")[2:] == plain.encode_batch(LINES[:5])


def test_what_tiktoken_would_encode_otherwise_is_refused(plain: Tokenizer, strict: Tokenizer, tmp_path: Path) -> None:
    first, second, *rest = plain.vocabulary.merges
    for vocabulary, reason in (
        (strict.vocabulary, "Kiwi's morpheme boundaries"),
        (replace(plain.vocabulary, nfc=True), "composed"),
        (replace(plain.vocabulary, merges=[second, first, *rest]), "order of its tokens"),
        (replace(plain.vocabulary, ignore_merges=True), "order of its tokens"),
    ):
        with pytest.raises(InputError, match=rf"tiktoken would not give the same ids, as .*{reason}.* format hf"):
            save_tiktoken(vocabulary, "mine", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_only_a_plugin_is_replaced_and_only_by_force(plain: Tokenizer, tmp_path: Path) -> None:
    save_tiktoken(plain.vocabulary, "mine", tmp_path / "out")
    with pytest.raises(InputError, match="already holds a tiktoken plugin"):
        save_tiktoken(plain.vocabulary, "mine", tmp_path / "out")
    save_tiktoken(plain.vocabulary, "other", tmp_path / "out", force=True)
    assert sorted(path.name for path in (tmp_path / "out" / "tiktoken_ext").iterdir()) == ["other.py", "other.tiktoken"]
    (tmp_path / "out" / "notes.txt").touch()
    with pytest.raises(InputError, match=r"notes\.txt"):
        save_tiktoken(plain.vocabulary, "other", tmp_path / "out", force=True)


def test_names() -> None:
    assert [encoding_name(name) for name in ("gyeol-100k", "My.Words", "결", "3k")] == [
        "gyeol_100k",
        "my_words",
        "gyeol",
        "_3k",
    ]
