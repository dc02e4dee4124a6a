"""The smallest tokenizer, shards and shapes that the model package can work with."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model import ModelConfig
from model.trainer import Trainer
from tokenizer.shards.manifest import FORMAT, TOTALS, VERSION
from tokenizer.shards.write import write_shard
from tokenizer.state_files import write_state
from tokenizer.streaming import Encoded

END = 256
TINY = ModelConfig(
    vocab_size=384,
    hidden_size=64,
    intermediate_size=176,
    num_layers=3,
    num_heads=4,
    num_kv_heads=2,
    max_context=48,
)
"""A shape for single forward passes."""
TINY_SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_layers": 2,
    "num_heads": 4,
    "num_kv_heads": 2,
    "max_context": 32,
    "tie_embeddings": True,
}
"""The preset "tiny" of the tests of pretraining."""


class ByteTokenizer:
    """One token a byte, and end-of-text: the smallest tokenizer that the model package can work with."""

    vocab_size = 257
    strict = False
    special_tokens = {"<|endoftext|>": END}  # noqa: RUF012
    bos_id = eos_id = END
    fingerprint = "ab" * 32
    name = "bytes"
    bos_id = eos_id = END
    pad_id = None
    end_ids = [END]  # noqa: RUF012

    @classmethod
    def load(cls, path: str | Path) -> ByteTokenizer:
        assert (Path(path) / "tokenizer.json").is_file()
        return cls()

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Sequence[int]) -> bytes:
        return b"".join(map(self.token_bytes, ids))

    def token_bytes(self, token: int) -> bytes:
        return b"<|endoftext|>" if token == END else bytes([token])


def write_shards(folder: Path, shards: Sequence[Sequence[str]], dtype: str = "uint16") -> Path:
    """Write documents as a shard folder, encoded by `ByteTokenizer`."""
    (folder / "vocabulary").mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "gyeol.json"):
        (folder / "vocabulary" / name).write_text("{}")
    state: dict[str, Any] = {
        **{"format": FORMAT, "version": VERSION, "dtype": dtype, "corpus": [], "shards": []},
        "tokenizer": {"name": "bytes", "fingerprint": ByteTokenizer.fingerprint, "vocab_size": 257, "end_of_text": END},
        "options": {"shard_tokens": 10**9},
    }
    for documents in shards:
        encoded = (
            Encoded(text, np.frombuffer(text.encode(), np.uint8).astype(np.int32), len(text.encode()))
            for text in documents
        )
        state["shards"].append(write_shard(folder, state, encoded))
    write_state(
        folder / "manifest.json", state | {name: sum(entry[name] for entry in state["shards"]) for name in TOTALS}
    )
    return folder


def sentences(count: int, seed: int = 0) -> list[str]:
    """Korean word salad with enough pattern to learn."""
    rng = np.random.default_rng(seed)
    words = ["결을", "따라", "나무를", "다듬는", "사람이", "말했다.", "오늘도", "비가", "내린다.", "책을", "읽고"]
    return [" ".join(rng.choice(words, size=int(rng.integers(5, 40)))) for _ in range(count)]


OPTIONS: dict[str, Any] = {
    "preset": "tiny",
    "tokenizer": ByteTokenizer(),
    "tokens": 20 * 256,
    "batch_tokens": 256,
    "micro_batch_tokens": 128,
    "precision": "fp32",
    "device": "cpu",
    "validate_every": 10,
    "eval_tokens": 1000,
    "checkpoint_steps": 5,
}


def log(run: Path) -> list[dict[str, Any]]:
    """The log without what the clock decides."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if "second" not in key} for line in lines]


def interrupt_at(monkeypatch: pytest.MonkeyPatch, step: int, number: int = signal.SIGINT) -> None:
    """Send this process a signal inside the forward pass of ``step`` (from 0)."""
    batch = Trainer._step

    def interrupted(self: Trainer) -> None:
        if self.state.step == step:
            signal.raise_signal(number)
        batch(self)

    monkeypatch.setattr(Trainer, "_step", interrupted)
