"""Where tokens lie in the text, in characters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def character_spans(data: NDArray[np.uint8], lengths: NDArray[np.int32]) -> NDArray[np.int64]:
    """Start and end of each token in characters, shape (tokens, 2), for tokens of ``lengths`` bytes that together
    are the UTF-8 ``data``. A token that holds a part of a character spans all of it, so that neighbours may overlap."""
    ends = np.cumsum(lengths, dtype=np.int64)
    starts = ends - lengths
    begins = (data & 0xC0) != 0x80  # the first byte of each character
    before = np.concatenate([[0], np.cumsum(begins)])  # characters that begin before each byte
    first = before[starts] - np.where(begins[np.minimum(starts, data.size - 1)], 0, 1) if data.size else starts
    return np.stack([first, before[ends]], axis=1).astype(np.int64)
