"""Vocabularies before and after they are extended, as the benchmark measures them."""

from pathlib import Path

import pytest

import samples
from benchmarks.extension import extend_vocabularies


@pytest.mark.slow
def test_korean_takes_fewer_tokens_and_english_as_many(tmp_path: Path) -> None:
    corpus = str(samples.folder())
    texts = [f"{corpus}/{name}.txt" for name in ("essay", "english")]
    before, after = extend_vocabularies(["qwen3"], [200], [corpus], texts, tmp_path)
    assert (before["added"], after["added"]) == (0, 200)
    assert after["ids"] == before["ids"] + 200
    assert after["tokens_of_files"]["essay"] < before["tokens_of_files"]["essay"]
    assert after["tokens_of_files"]["english"] == before["tokens_of_files"]["english"]
    again = extend_vocabularies(["qwen3"], [200], [corpus], texts, tmp_path)  # what is there is not made again
    assert again[1] == after | {"seconds": None}
