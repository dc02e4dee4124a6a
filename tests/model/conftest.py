"""A preset "tiny" and a folder of shards for the tests of pretraining."""

from pathlib import Path

import pytest

from model import PRESETS
from model.defaults import RECIPES, Recipe
from tests.support.models import TINY_SHAPE, sentences, write_shards


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """The preset "tiny", on one thread (``usefixtures``)."""
    monkeypatch.setitem(PRESETS, "tiny", TINY_SHAPE)
    monkeypatch.setitem(RECIPES, "tiny", Recipe("adamw", 3e-3, 4096))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards."""
    return write_shards(tmp_path_factory.mktemp("shards") / "data", [sentences(200, 1), sentences(100, 2)])
