"""Fixtures that several tests share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
CORPORA = Path(os.environ.get("GYEOL_CORPORA") or "no corpora")

# A busy machine makes an example slow, not wrong.
settings.register_profile("gyeol", deadline=None, derandomize=True)  # the same examples on every run
settings.register_profile("search", deadline=None, max_examples=5000)  # others: pytest --hypothesis-profile=search
settings.load_profile("gyeol")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, and say so."""
    import torch

    skips = {
        "corpora": None if CORPORA.is_dir() else "GYEOL_CORPORA names no folder of texts",
        "gpu": None if torch.cuda.is_available() else "no CUDA device",
    }
    for item in items:
        for marker, reason in skips.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Signals as at a terminal: what a shell starts in the background or under nohup ignores some, and so would the
    runs of tests."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """torch on one thread: a small model is slower on more."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder with train/ and dev/ (mark the test ``corpora``)."""
    return CORPORA
