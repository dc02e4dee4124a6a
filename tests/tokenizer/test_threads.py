"""Results come in order from any number of threads, and what goes wrong in its turn."""

import math
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenizer.threads import _quota, in_order, per_thread


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 5))
def test_results_are_in_order(naps: list[int], threads: int) -> None:
    def work(item: tuple[int, int]) -> int:
        time.sleep(item[1] / 10_000)
        return item[0]

    assert list(in_order(work, enumerate(naps), threads)) == list(range(len(naps)))


def test_work_is_done_by_so_many_threads_of_which_the_caller_is_one() -> None:
    workers: set[int] = set()

    def work(_: int) -> None:
        workers.add(threading.get_ident())
        time.sleep(0.002)

    list(in_order(work, range(100), 3))
    assert len(workers) == 3
    assert threading.get_ident() in workers


def test_items_are_taken_a_few_ahead() -> None:
    taken: list[int] = []

    def take(item: int) -> int:
        taken.append(item)
        return item

    for done, _ in enumerate(in_order(lambda item: item, map(take, range(1000)), 3), start=1):
        assert len(taken) <= done + 8 * 3


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("bad", [0, 30, 49])
def test_what_goes_wrong_is_raised_in_its_turn(threads: int, bad: int) -> None:
    def work(item: int) -> int:
        if item >= bad:
            raise ValueError(f"item {item}")
        return item

    found: list[int] = []
    with pytest.raises(ValueError, match=f"item {bad}$"):
        found.extend(in_order(work, range(50), threads))
    assert found == list(range(bad))


@given(st.integers(0, 60), st.integers(1, 5))
def test_each_thread_has_a_state_of_its_own(count: int, threads: int) -> None:
    def work(state: list[tuple[int, int]], item: int) -> None:
        state.append((threading.get_ident(), item))
        time.sleep(0.0001)

    def make() -> list[tuple[int, int]]:
        return []

    states = per_thread(make, work, range(count), threads)
    assert 1 <= len(states) <= threads
    assert sorted(item for state in states for _, item in state) == list(range(count))


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ({}, math.inf),
    ],
)
def test_the_quota_of_a_container_counts(tmp_path: Path, files: dict[str, str], cores: float) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert _quota(tmp_path) == cores
