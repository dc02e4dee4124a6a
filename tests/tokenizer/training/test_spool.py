"""Training under a bound of memory: arrays in files, the same vocabulary, one line where the bound is too low."""

from pathlib import Path

import numpy as np
import pytest

import samples
from tokenizer import InputError, train
from tokenizer.training import spool
from tokenizer.training.spool import FILE_BYTES, SMALL, Spool, bytes_in, resident

pytestmark = pytest.mark.skipif(not spool._STATUS.exists(), reason="the system does not tell what a process holds")


def test_sizes() -> None:
    assert [bytes_in(text) for text in ("4GB", "1.5 gb", "800MB", "2TB")] == [
        4 * 10**9,
        15 * 10**8,
        8 * 10**8,
        2 * 10**12,
    ]
    for text in ("", "4", "GB", "-1GB", "4 GiB", "much"):
        with pytest.raises(InputError, match=r"it must be a number with MB, GB or TB behind it, such as 4GB"):
            bytes_in(text)


def test_arrays_beyond_the_bound_take_no_memory(tmp_path: Path) -> None:
    spooling = Spool("1MB", tmp_path)
    before = resident()
    arrays = [spooling.empty(size, np.int32) for size in (SMALL, FILE_BYTES // 8, FILE_BYTES // 8, FILE_BYTES)]
    for number, array in enumerate(arrays):
        array[:] = number
    assert resident() - before < 5_000_000 < spooling.spooled == sum(array.nbytes for array in arrays)
    assert [(int(array.min()), int(array.max())) for array in arrays] == [(n, n) for n in range(4)]
    grown = spooling.grown(arrays[1], FILE_BYTES)
    assert grown[: arrays[1].size].tolist() == arrays[1].tolist()
    assert not list(tmp_path.iterdir())


def test_arrays_within_the_bound_are_in_memory(tmp_path: Path) -> None:
    for roomy in (Spool(), Spool("100TB", tmp_path)):
        array = roomy.copy(np.arange(100_000))
        assert roomy.grown(array, 200_000)[:100_000].tolist() == list(range(100_000))
        assert roomy.spooled == 0


@pytest.mark.parametrize("recipe", ["curriculum", "plain"])
def test_a_bound_changes_no_vocabulary(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = train(samples.folder(), 2000, recipe=recipe)
    made: list[Spool] = []

    def noted(*arguments: object) -> Spool:
        made.append(Spool(*arguments))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr("tokenizer.training.recipes.Spool", noted)
    monkeypatch.setattr(spool, "resident", lambda: 900_000_000)
    monkeypatch.setattr(spool, "SMALL", 100)
    bounded = train(samples.folder(), 2000, recipe=recipe, memory="1GB", spool_folder=tmp_path)
    assert made[0].spooled > 100_000
    assert bounded.fingerprint == free.fingerprint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("recipe", ["curriculum", "plain", "strict"])
def test_a_bound_that_is_too_low_is_named(recipe: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"and memory is 10MB: .* allow more, or train on less text"):
        train(samples.folder(), 2000, recipe=recipe, memory="10MB", spool_folder=tmp_path)
