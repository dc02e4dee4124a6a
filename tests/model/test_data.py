"""Shards are read exactly, verified, split without leaks and shuffled reproducibly. (Helpers for other tests too.)"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.data import ShardFolder, TokenStream, Windows, spread_windows
from model.shuffle import Permutation
from tokenizer.errors import InputError

END = 256


class ByteTokenizer:
    """One token a byte, and end-of-text: the smallest tokenizer that the model package can work with."""

    vocab_size = 257
    special_tokens = {"<|endoftext|>": END}  # noqa: RUF012
    fingerprint = "ab" * 32

    @classmethod
    def load(cls, path: str | Path) -> ByteTokenizer:
        assert (Path(path) / "tokenizer.json").is_file()
        return cls()

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", "replace")

    def token_bytes(self, token: int) -> bytes:
        return b"<|endoftext|>" if token == END else bytes([token])


def write_shards(folder: Path, shards: Sequence[Sequence[str]], dtype: str = "uint16") -> Path:
    """Write documents as a shard folder, encoded by `ByteTokenizer`."""
    (folder / "tokenizer").mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "gyeol.json"):
        (folder / "tokenizer" / name).write_text("{}")
    entries = []
    for number, documents in enumerate(shards):
        encoded = [[*text.encode(), END] for text in documents]
        ids = np.array([token for document in encoded for token in document], dtype=np.dtype(dtype).newbyteorder("<"))
        starts = np.cumsum([0, *map(len, encoded)]).astype("<u8")
        entry = {"ids": f"shard-{number:05d}.bin", "offsets": f"shard-{number:05d}.idx"}
        (folder / entry["ids"]).write_bytes(ids.tobytes())
        (folder / entry["offsets"]).write_bytes(starts.tobytes())
        sums = {kind: hashlib.sha256((folder / entry[kind]).read_bytes()).hexdigest() for kind in ("ids", "offsets")}
        size = {"tokens": len(ids), "documents": len(documents), "bytes": sum(len(t.encode()) for t in documents)}
        entries.append({**entry, **size, "characters": sum(map(len, documents)), "sha256": sums})
    totals = {key: sum(entry[key] for entry in entries) for key in ("tokens", "documents", "bytes", "characters")}
    tokenizer = {"name": "bytes", "fingerprint": ByteTokenizer.fingerprint, "vocab_size": 257, "end_of_text": END}
    manifest = {"format": "gyeol-shards", "version": 1, "dtype": dtype, "tokenizer": tokenizer, "shards": entries}
    (folder / "manifest.json").write_text(json.dumps({**manifest, **totals}))
    return folder


def sentences(count: int, seed: int = 0) -> list[str]:
    """Korean word salad with enough pattern to learn."""
    rng = np.random.default_rng(seed)
    words = ["결을", "따라", "나무를", "다듬는", "사람이", "말했다.", "오늘도", "비가", "내린다.", "책을", "읽고"]
    return [" ".join(rng.choice(words, size=int(rng.integers(5, 40)))) for _ in range(count)]


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
    assert folder.stream().read(0, folder.tokens).tolist() == expected


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
    training, held_out = folder.split(context=800)
    assert len(training) + len(held_out) == folder.tokens
    for whole, part, rest in zip(folder.stream().parts, training.parts, held_out.parts, strict=True):
        assert part.tolist() + rest.tolist() == whole.tolist()
        assert max(801, len(whole) // 100) <= len(rest) <= 2 * max(801, len(whole) // 100)
    documents = {text.encode() for text in shards[0]}
    first = bytes(token for token in held_out.parts[0].tolist() if token != END)
    assert any(first.startswith(text) for text in documents)  # the cut is where a document starts


def test_held_out_text_is_spread_over_a_shard(tmp_path: Path) -> None:
    folder = ShardFolder(write_shards(tmp_path / "data", [sentences(3000)]))
    whole = folder.stream().read(0, folder.tokens)
    training, held_out = folder.split(context=16)
    assert len(training.parts) == len(held_out.parts) == 16
    joined = [part for pair in zip(training.parts, held_out.parts, strict=True) for part in pair]
    assert np.array_equal(np.concatenate(joined), whole)
    assert 0.01 <= len(held_out) / folder.tokens <= 0.02


def test_one_long_document_is_cut_inside(tmp_path: Path) -> None:
    folder = ShardFolder(write_shards(tmp_path / "data", [["가나다" * 2000]]))
    training, held_out = folder.split(context=100)
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
    with pytest.raises(InputError, match=r"shard-00000\.bin: .* bytes, not"):
        ShardFolder(folder)
    ids.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    with pytest.raises(InputError, match=r"shard-00000\.bin: altered"):
        ShardFolder(folder)
    ids.unlink()
    with pytest.raises(InputError, match=r"shard-00000\.bin: no such file"):
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
