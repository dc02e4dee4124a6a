"""The C++ splitter for llama.cpp (docs/llama.cpp) cuts as our scanner does."""

import lzma
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from tests.conftest import ROOT
from tokenizer.pretokenize import pretoken_ends
from tokenizer.pretokenize.gyeol import COUNTERS

COMPILER = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
SOURCE = ROOT / "docs" / "llama.cpp" / "gyeol_split.cpp"
PARTS = [*" \t\r\n\u3000\u0085.,:!?가나aB'\"(½１٣\u0301", *"0123456789", *COUNTERS, "😀", "\0"]
TEXTS = st.lists(st.text(st.sampled_from(PARTS), max_size=60) | st.text(max_size=30), min_size=1, max_size=60)


@pytest.fixture(scope="module")
def splitter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The splitter, compiled."""
    if not COMPILER:
        pytest.skip("no C++ compiler")
    program = tmp_path_factory.mktemp("splitter") / "gyeol_split"
    strict = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-DGYEOL_SPLIT_MAIN"]
    subprocess.run([COMPILER, *strict, str(SOURCE), "-o", str(program)], check=True)
    return program


def ends(splitter: Path, texts: list[str]) -> list[list[int]]:
    """Byte offsets where the pre-tokens of each text end."""
    joined = b"\xff".join(text.encode() for text in texts)
    lines = subprocess.run([splitter], input=joined, capture_output=True, check=True).stdout.decode().splitlines()
    return [[int(number) for number in line.split()] for line in lines]


def expected(texts: list[str]) -> list[list[int]]:
    return [pretoken_ends(text, "gyeol").tolist() for text in texts]


@pytest.mark.slow
@settings(max_examples=80)
@given(TEXTS)
def test_it_cuts_random_text_as_the_scanner(splitter: Path, texts: list[str]) -> None:
    assert ends(splitter, texts) == expected(texts)


def test_it_cuts_the_samples_as_the_scanner(splitter: Path) -> None:
    texts = [path.read_text("utf-8") for path in sorted(samples.folder().glob("*.txt"))]
    assert ends(splitter, texts) == expected(texts)


@pytest.mark.slow
def test_it_has_the_classes_of_every_character(splitter: Path) -> None:
    text = "".join(f"가 {chr(code)}1.{chr(code)}나" for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert ends(splitter, [text]) == expected([text])


@pytest.mark.corpora
def test_it_cuts_real_text_as_the_scanner(splitter: Path, corpora: Path) -> None:
    texts = [lzma.decompress(path.read_bytes()).decode() for path in sorted((corpora / "dev").glob("*.xz"))]
    assert ends(splitter, texts) == expected(texts)
