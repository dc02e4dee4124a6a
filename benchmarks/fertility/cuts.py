"""The places in a text where its tokens end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.measured_text import MeasuredText
from benchmarks.peers.adapters import Ids, Peer


class TokenCuts(NamedTuple):
    """Token boundaries of a text that its tokens spell."""

    ends: NDArray[np.int64]
    """Byte offset where each token ends, shape (tokens,)."""
    at: NDArray[np.bool_]
    """True where a token ends and at the start of the text, shape (bytes + 1,)."""
    upto: NDArray[np.int64]
    """Running sum of ``at``, shape (bytes + 1,)."""

    @classmethod
    def of(cls, text: MeasuredText, ids: Ids, peer: Peer) -> TokenCuts | None:
        """The cuts of ``text`` by the tokens ``ids`` of ``peer``; None if they do not spell it.

        A space that the tokenizer puts before the text, as SentencePiece does, is allowed for.
        """
        spelled = list(map(peer.bytes_of, ids.tolist() if isinstance(ids, np.ndarray) else ids))
        data, size = b"".join(spelled), len(text.data)
        if data != text.data and data != b" " + text.data:
            return None
        ends = np.cumsum(np.fromiter(map(len, spelled), np.int64, len(spelled)))
        ends = np.maximum(ends - (len(data) - size), 0)
        at = np.zeros(size + 1, dtype=bool)
        at[ends] = at[0] = True
        return cls(ends, at, np.cumsum(at))
