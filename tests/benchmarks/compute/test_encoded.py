"""Windows of several tokenizers over the same text: equal in bytes and in order, and counted to the byte."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.compute.encoded import Encoded, Windows, check_lossless, encode_passages
from benchmarks.compute.texts import HeldOut, Texts
from tests.support.peers import Lower, Units
from tokenizer.errors import InputError

PASSAGES = ["가나다 라마", "abc\n", "마지막 passage입니다", "x"]
TEXTS = Texts(PASSAGES, ["tuning"], [HeldOut("a", "Korean", "가나 ABC", 10)], 100, 0)


def encoded(tmp_path: Path, characters: bool) -> Encoded:
    peer = Units("characters" if characters else "bytes", characters)
    return encode_passages(peer, TEXTS, tmp_path / peer.name)


def read(windows: Windows, tokens: int) -> list[int]:
    """The first tokens of the endless stream."""
    count = -(-tokens // windows.context)
    return windows.batch(0, count)[:, :-1].flatten().tolist()[:tokens]


@pytest.mark.parametrize("characters", [False, True])
def test_an_epoch_has_every_passage_once(tmp_path: Path, characters: bool) -> None:
    own = encoded(tmp_path, characters)
    windows = Windows(own, 5, seed=3)
    stream = read(windows, 2 * windows.count)
    for epoch in (stream[: windows.count], stream[windows.count :]):
        parts = []
        while epoch:
            end = epoch.index(own.divider)
            parts.append(own.peer.decode_bytes(epoch[:end]).decode())
            epoch = epoch[end + 1 :]
        assert sorted(parts) == sorted(PASSAGES)
    first = windows.batch(0, 3)
    assert first.shape == (3, 6)
    assert first[0, -1] == first[1, 0]
    assert windows.batch(2, 1).tolist() == first[2:].tolist()


def test_all_tokenizers_read_the_same_text(tmp_path: Path) -> None:
    texts = []
    for characters in (False, True):
        own = encoded(tmp_path, characters)
        stream = [token for token in read(Windows(own, 4, seed=7), 60) if token != own.divider]
        texts.append(own.peer.decode_bytes(stream).decode(errors="ignore"))
    assert texts[1].startswith(texts[0])
    orders = {tuple(read(Windows(encoded(tmp_path, True), 4, seed=seed), 20)) for seed in range(6)}
    assert len(orders) > 1


def test_bytes_are_counted_over_epochs(tmp_path: Path) -> None:
    own = encoded(tmp_path, False)
    windows, whole = Windows(own, 4, seed=0), sum(len(text.encode()) for text in PASSAGES)
    assert [windows.bytes_at(tokens) for tokens in (0, windows.count, 3 * windows.count)] == [0, whole, 3 * whole]
    stream = read(windows, windows.count)
    for tokens in range(windows.count):
        assert abs(windows.bytes_at(tokens) - sum(token != own.divider for token in stream[:tokens])) <= 1


def test_what_is_kept_is_checked(tmp_path: Path) -> None:
    own = encoded(tmp_path, False)
    assert np.array_equal(encoded(tmp_path, False).ids, own.ids)
    (tmp_path / "bytes" / "ids.npy").write_bytes(b"damaged")
    assert np.array_equal(encoded(tmp_path, False).ids, own.ids)


def test_a_tokenizer_that_loses_text_is_refused() -> None:
    check_lossless(Units("bytes", False), TEXTS.held_out)
    with pytest.raises(InputError, match="lower: loses text of a, so that its score would be of another text"):
        check_lossless(Lower("lower", False), TEXTS.held_out)
