"""The bytes of all tokens one after another, as kernels and numpy read them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.byte_words import padded


class TokenBytes(NamedTuple):
    """Tokens by id."""

    data: NDArray[np.uint8]
    """Their bytes one after another, shape (bytes,), with zeros in the memory behind them (`native.byte_words`)."""
    offsets: NDArray[np.int64]
    """Start of each token in ``data``, and the end of the last: shape (tokens + 1,)."""


def token_bytes(tokens: Sequence[bytes]) -> TokenBytes:
    """``tokens`` one after another."""
    offsets = np.zeros(len(tokens) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens)), out=offsets[1:])
    return TokenBytes(padded(np.frombuffer(b"".join(tokens), dtype=np.uint8)), offsets)
