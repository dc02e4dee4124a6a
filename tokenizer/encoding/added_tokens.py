"""Added tokens: strings that are one token wherever a text has them, taken out before the text is cut.

So Hugging Face tokenizers treat tokens that were added to a vocabulary and are not special: of those that begin at a
place the longest counts, from left to right, and what lies between them is encoded as texts of their own are.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray


class Sections(NamedTuple):
    """Texts without their added tokens."""

    texts: list[str]
    """What lies before, between and behind the added tokens, all texts' one after another; some are empty."""
    first: NDArray[np.int64]
    """The place in ``texts`` of the first section of each text, shape (texts,)."""
    ids: NDArray[np.int32]
    """The added tokens in order: one between each section and the next of the same text."""
    sizes: NDArray[np.int64]
    """Bytes of UTF-8 of each."""


class AddedTokens:
    """The added tokens of a vocabulary."""

    def __init__(self, ids: Mapping[str, int]) -> None:
        """``ids`` has the id of each by its text."""
        self._ids = dict(ids)
        longest_first = sorted(self._ids, key=len, reverse=True)
        self._pattern = regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")

    def any_in(self, text: str) -> bool:
        """Whether ``text`` has one."""
        return self._pattern.search(text) is not None

    def cut(self, text: str) -> list[str]:
        """``text`` in parts, of which every second is an added token; the others may be empty."""
        return self._pattern.split(text)  # type: ignore[no-any-return]

    def split(self, texts: Sequence[str]) -> Sections:
        """Take them out of ``texts``."""
        parts = list(map(self.cut, texts))
        found = [name for row in parts for name in row[1::2]]
        counts = [len(row[::2]) for row in parts]
        return Sections(
            [section for row in parts for section in row[::2]],
            np.cumsum([0, *counts[:-1]], dtype=np.int64),
            np.array([self._ids[name] for name in found], dtype=np.int32),
            np.array([len(name.encode()) for name in found], dtype=np.int64),
        )


def put_back(
    sections: Sections, ids: NDArray[np.int32], counts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """The ids of the texts with their added tokens, how many each text has, and its bytes; from the ids of the
    sections, how many each has, and its bytes."""
    before_token = np.ones(len(sections.texts), dtype=np.bool_)
    before_token[np.append(sections.first[1:], len(before_token)) - 1] = False  # the last section of each text
    places = np.cumsum(counts)[before_token]
    counts, sizes = counts + before_token, sizes.copy()
    sizes[before_token] += sections.sizes
    return (
        np.insert(ids, places, sections.ids),
        np.add.reduceat(counts, sections.first),
        np.add.reduceat(sizes, sections.first),
    )
