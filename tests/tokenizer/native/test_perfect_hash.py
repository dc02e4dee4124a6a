"""Every key finds its entry at the first look, and no other key does."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenizer.native.compile import native
from tokenizer.native.perfect_hash import PerfectTable, entry_at, perfect_table


@native
def entries_at(table: PerfectTable, keys: np.ndarray) -> np.ndarray:
    found = np.empty(keys.size, dtype=np.int64)
    for k in range(keys.size):
        found[k] = entry_at(table, keys[k])
    return found


@given(st.lists(st.integers(0, 2**40 - 1), max_size=300), st.lists(st.integers(0, 2**40 - 1), max_size=50))
@settings(max_examples=200, deadline=None)
def test_keys_are_found_and_others_are_not(given_keys: list[int], others: list[int]) -> None:
    keys = np.array(given_keys, dtype=np.int64)
    table = perfect_table(keys, keys * 2)
    assert entries_at(table, keys).tolist() == (keys * 2).tolist()
    strangers = np.array(sorted(set(others) - set(given_keys)), dtype=np.int64)
    assert not (entries_at(table, strangers) == strangers * 2).any()


def test_neighbouring_keys_fill_four_fifths_of_the_table() -> None:
    keys = np.arange(104_000)
    table = perfect_table(keys, keys)
    assert len(table.slots) == 1 << 17
    assert (entries_at(table, keys) == keys).all()
    assert (table.slots >= 0).sum() == len(keys)


def test_of_equal_keys_the_first_counts() -> None:
    table = perfect_table(np.array([7, 7, 3]), np.array([70, 71, 30]))
    assert entries_at(table, np.array([7, 3])).tolist() == [70, 30]
