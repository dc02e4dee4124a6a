"""Validation on held-out text: nats per token, and bits per byte, which compares across tokenizers.

A tokenizer with longer tokens has fewer and harder targets, so losses per token do not compare; the
total divided by the bytes of the raw text does (Gao et al., 2020, The Pile).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from model.data import TokenStream, spread_windows
from model.device import autocast
from model.document_mask import DocumentMask
from model.transformer import Transformer
from tokenizer.errors import InputError

BATCH_TOKENS = 4096


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One measurement on held-out text."""

    nats_per_token: float
    """Mean cross-entropy of the targets."""
    bits_per_byte: float
    """Total cross-entropy in bits over the UTF-8 bytes of the targets; special tokens count no bytes."""


class Validation:
    """A fixed set of held-out windows of at most ``tokens`` targets, evenly spread over ``stream``."""

    def __init__(self, stream: TokenStream, context: int, tokens: int, lengths: np.ndarray) -> None:
        self.windows = list(spread_windows(stream, context, tokens)) if len(stream) > 1 else []
        self.targets = np.concatenate([np.empty(0, dtype=np.int64), *(window[1:] for window in self.windows)])
        self.bytes = int(lengths[self.targets].sum())
        if self.bytes == 0:
            raise InputError("the validation data holds no text; give a longer folder for validation or more data")

    def evaluate(
        self, model: Transformer, device: torch.device, precision: str, end_of_text: int | None = None
    ) -> Evaluation:
        """Measure ``model``; it is left in the mode it was in. With ``end_of_text`` attention stays in documents."""
        training = model.training
        model.eval()
        total = 0.0
        with torch.no_grad(), autocast(device, precision):
            for batch in self._batches():
                ids = torch.from_numpy(batch).to(device)
                documents = None if end_of_text is None else DocumentMask(ids[:, :-1], end_of_text)
                total += model(ids[:, :-1], ids[:, 1:], documents=documents, reduction="sum").item()
        model.train(training)
        return self._evaluation(total)

    def unigram(self, counts: np.ndarray) -> Evaluation:
        """Measure the unigram model of ``counts`` (vocab,) with one added to each: what context must beat."""
        log_probabilities = np.log(counts + 1.0) - math.log(float(counts.sum() + len(counts)))
        return self._evaluation(-float(log_probabilities[self.targets].sum()))

    def _evaluation(self, nats: float) -> Evaluation:
        return Evaluation(nats_per_token=nats / len(self.targets), bits_per_byte=nats / math.log(2) / self.bytes)

    def _batches(self) -> Iterator[np.ndarray]:
        """Windows stacked by equal length, (windows, up to context + 1)."""
        batch: list[np.ndarray] = []
        for window in self.windows:
            if batch and (len(window) != len(batch[0]) or len(batch) * len(window) >= BATCH_TOKENS):
                yield np.stack(batch)
                batch = []
            batch.append(window)
        yield np.stack(batch)


def byte_lengths(tokenizer: Any) -> np.ndarray:
    """UTF-8 bytes of each of ``tokenizer``'s tokens, int64 (vocab,); special tokens are not text and count 0."""
    lengths = np.array([len(tokenizer.token_bytes(token)) for token in range(tokenizer.vocab_size)], dtype=np.int64)
    lengths[list(tokenizer.special_tokens.values())] = 0
    return lengths
