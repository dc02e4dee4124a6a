"""Compressed files are unpacked in bounded blocks, whatever they unpack to."""

import bz2
import gzip
import lzma
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tokenizer.corpus.compression import BLOCK, file_blocks
from tokenizer.errors import InputError

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lambda data: lzma.compress(data, preset=0),
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
}
SKIPPABLE = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"notes"


def unpacked(path: Path) -> bytes:
    return b"".join(file_blocks(path, lambda _: None))


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_bomb_is_unpacked_in_blocks(tmp_path: Path, suffix: str) -> None:
    size = 50_000_000
    path = tmp_path / f"zeros{suffix}"
    path.write_bytes(PACKERS[suffix](bytes(size)))
    assert path.stat().st_size < size / 100
    total = 0
    tracemalloc.start()
    try:
        for block in file_blocks(path, lambda _: None):
            assert len(block) <= BLOCK
            total += len(block)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == size
    assert peak < 8 * BLOCK


@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("sized", [False, True])
@pytest.mark.parametrize("data", [b"", b"a", bytes(300_000), bytes(range(256)) * 2000, "한글 결\n".encode() * 50_000])
def test_frames_of_zstandard(tmp_path: Path, data: bytes, checksum: bool, sized: bool) -> None:
    packer = zstandard.ZstdCompressor(write_checksum=checksum, write_content_size=sized)
    path = tmp_path / "a.zst"
    frame, streamed = packer.compress(data), packer.compressobj()
    path.write_bytes(SKIPPABLE + frame + SKIPPABLE + streamed.compress(data) + streamed.flush())
    assert unpacked(path) == 2 * data
    for end in {1, 4, 5, len(frame) // 2, len(frame) - 1}:
        path.write_bytes(frame + frame[:end])
        with pytest.raises(InputError, match=r"a\.zst: damaged or cut off"):
            unpacked(path)


@pytest.mark.parametrize("end", [3, 7, 10])
def test_a_frame_to_skip_is_whole_too(tmp_path: Path, end: int) -> None:
    path = tmp_path / "a.zst"
    path.write_bytes(SKIPPABLE[:end])
    with pytest.raises(InputError, match=r"a\.zst: damaged or cut off"):
        unpacked(path)
