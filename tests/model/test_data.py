"""Shards are read exactly, verified, split without leaks and shuffled reproducibly."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.data import TokenStream, Windows, split, spread_windows, stream_of
from model.shuffle import Permutation
from tests.support.models import END, sentences, write_shards
from tokenizer.errors import InputError
from tokenizer.shards import ShardFolder


@given(st.integers(1, 3000), st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_permutation_visits_everything_once(size: int, key: int) -> None:
    order = Permutation(size, key)
    assert sorted(order[place] for place in range(size)) == list(range(size))


def test_permutation_is_shuffled_and_differs_by_key() -> None:
    first, second = ([Permutation(1000, key)[place] for place in range(1000)] for key in (1, 2))
    assert first != second
    correlation = np.corrcoef(first, np.arange(1000))[0, 1]
    assert abs(correlation) < 0.15
    assert len(set(np.diff(first).tolist())) > 400  # an affine map would have a handful of differences
    assert 0 <= Permutation(10**15, 7)[10**15 - 1] < 10**15


@given(st.lists(st.lists(st.integers(0, 9), max_size=20), min_size=1, max_size=5), st.data())
@settings(max_examples=100, deadline=None)
def test_stream_reads_like_one_array(parts: list[list[int]], data: st.DataObject) -> None:
    whole = [token for part in parts for token in part]
    stream = TokenStream([np.array(part, dtype=np.uint16) for part in parts])
    assert len(stream) == len(whole)
    if whole:
        start = data.draw(st.integers(0, len(whole) - 1))
        length = data.draw(st.integers(1, len(whole) - start))
        assert stream.read(start, length).tolist() == whole[start : start + length]
    assert stream.counts(10).tolist() == np.bincount(np.array(whole, dtype=int), minlength=10).tolist()


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_shards_come_back_as_written(tmp_path: Path, dtype: str) -> None:
    shards = [sentences(30, seed=1), sentences(20, seed=2)]
    folder = ShardFolder(write_shards(tmp_path / "data", shards, dtype))
    expected = [token for documents in shards for text in documents for token in (*text.encode(), END)]
    assert stream_of(folder).read(0, folder.tokens).tolist() == expected


def test_each_epoch_covers_every_window_once_in_another_order(tmp_path: Path) -> None:
    stream = TokenStream([np.arange(0, 1001, dtype=np.uint16)])
    windows = Windows(stream, context=10, seed=3)
    assert windows.count == 100
    epochs = [windows.batch(epoch * 100, 100) for epoch in range(2)]
    for epoch in epochs:
        assert sorted(epoch[:, 0].tolist()) == list(range(0, 1000, 10))
        assert (epoch[:, 1:] - epoch[:, :-1] == 1).all()
    assert epochs[0].tolist() != epochs[1].tolist()
    again = Windows(stream, context=10, seed=3)
    assert again.batch(130, 7).tolist() == epochs[1][30:37].tolist()  # any position at once


def test_held_out_text_is_never_trained_on(tmp_path: Path) -> None:
    shards = [sentences(400, seed=1), sentences(50, seed=2)]
    folder = ShardFolder(write_shards(tmp_path / "data", shards))
    training, held_out = split(folder, context=800)
    assert len(training) + len(held_out) == folder.tokens
    for whole, part, rest in zip(stream_of(folder).parts, training.parts, held_out.parts, strict=True):
        assert part.tolist() + rest.tolist() == whole.tolist()
        assert max(801, len(whole) // 100) <= len(rest) <= 2 * max(801, len(whole) // 100)
    documents = {text.encode() for text in shards[0]}
    first = bytes(token for token in held_out.parts[0].tolist() if token != END)
    assert any(first.startswith(text) for text in documents)  # the cut is where a document starts


def test_held_out_text_is_spread_over_a_shard(tmp_path: Path) -> None:
    folder = ShardFolder(write_shards(tmp_path / "data", [sentences(3000)]))
    whole = stream_of(folder).read(0, folder.tokens)
    training, held_out = split(folder, context=16)
    assert len(training.parts) == len(held_out.parts) == 16
    joined = [part for pair in zip(training.parts, held_out.parts, strict=True) for part in pair]
    assert np.array_equal(np.concatenate(joined), whole)
    assert 0.01 <= len(held_out) / folder.tokens <= 0.02


def test_one_long_document_is_cut_inside(tmp_path: Path) -> None:
    folder = ShardFolder(write_shards(tmp_path / "data", [["가나다" * 2000]]))
    training, held_out = split(folder, context=100)
    assert len(held_out) == max(101, folder.tokens // 100)
    assert len(training) == folder.tokens - len(held_out)


def test_spread_windows_cover_all_or_a_spread_of_the_targets() -> None:
    stream = TokenStream([np.arange(0, 1008, dtype=np.uint16)])
    targets = [token for window in spread_windows(stream, 10, 10**6) for token in window[1:].tolist()]
    assert targets == list(range(1, 1008))
    some = list(spread_windows(stream, 10, 50))
    assert [int(window[0]) for window in some] == [0, 200, 400, 600, 800]


def test_damage_is_named(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "data", [sentences(20)])
    ids = folder / "shard-00000.bin"
    whole = ids.read_bytes()
    ids.write_bytes(whole[:-2])
    with pytest.raises(InputError, match=r"shard-00000\.bin: .* bytes instead of"):
        ShardFolder(folder)
    ids.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    with pytest.raises(InputError, match=r"shard-00000\.bin: checksum differs"):
        ShardFolder(folder)
    ids.unlink()
    with pytest.raises(InputError, match=r"shard-00000\.bin: missing"):
        ShardFolder(folder)
    ids.write_bytes(whole)
    ShardFolder(folder)
    (folder / "manifest.json").write_text('{"format": "gyeol-shards", "version": 1}')
    with pytest.raises(InputError, match=r"manifest\.json.*dtype"):
        ShardFolder(folder)
    with pytest.raises(InputError, match=r"manifest\.json: no such file"):
        ShardFolder(tmp_path / "nowhere")


def test_an_id_beyond_the_vocabulary_is_refused() -> None:
    with pytest.raises(InputError, match="id 12, beyond 10"):
        TokenStream([np.array([1, 12], dtype=np.uint16)]).counts(10)
