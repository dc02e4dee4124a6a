"""The bytes of all tokens one after another, as kernels and numpy read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.native.arrays import bare
from tokenizer.native.byte_words import padded
from tokenizer.native.compile import native


class TokenBytes(NamedTuple):
    """Tokens by id."""

    data: NDArray[np.uint8]
    """Their bytes, and zeros in the memory behind them (see `tokenizer.native.byte_words`)."""
    offsets: NDArray[np.int64]
    """Where each begins; one more than there are tokens."""


def token_bytes(tokens: Sequence[bytes]) -> TokenBytes:
    """``tokens`` one after another."""
    offsets = np.zeros(len(tokens) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens)), out=offsets[1:])
    return TokenBytes(padded(np.frombuffer(b"".join(tokens), dtype=np.uint8)), offsets)


def made_in_order(tokens: TokenBytes, pairs: NDArray[np.int32], first: int = 256) -> bool:
    """Whether the first merge makes token ``first``, the second the next and so on, as in a vocabulary that was
    learned."""
    if first + len(pairs) >= tokens.offsets.size:
        return False
    return bool(_made_in_order(tokens, pairs, np.int64(first)))


@native
def _made_in_order(counted: TokenBytes, pairs: NDArray[np.int32], first: int) -> bool:
    tokens = bare(counted)
    for rank in range(len(pairs)):
        at = tokens.offsets[first + rank]
        for part in (pairs[rank, 0], pairs[rank, 1]):
            for k in range(tokens.offsets[part], tokens.offsets[part + 1]):
                if tokens.data[at] != tokens.data[k]:
                    return False
                at += 1
        if at != tokens.offsets[first + rank + 1]:
            return False
    return True
