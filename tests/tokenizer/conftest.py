"""Tokenizers trained on the samples, shared by the tests of every room."""

from pathlib import Path

import pytest

import samples
from tokenizer import Tokenizer, train


@pytest.fixture(scope="session")
def plain() -> Tokenizer:
    return train(samples.folder(), 3000, recipe="plain")


@pytest.fixture(scope="session")
def strict() -> Tokenizer:
    return train(samples.folder(), 3000, recipe="strict")


@pytest.fixture(scope="session")
def saved(plain: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizers") / "plain"
    plain.save(folder)
    return folder
