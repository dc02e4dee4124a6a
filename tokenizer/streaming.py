"""Ids to text and text to ids, a part at a time.

decoder = StreamDecoder(tokenizer)
for token_id in ids:
    print(decoder.feed([token_id]), end="")     # never half a character
print(decoder.finish())

for ids in encode_stream(tokenizer, blocks):    # the ids of the whole text, in arrays
    ...
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tokenizer.corpus import safe_pieces

if TYPE_CHECKING:
    from tokenizer.tokenizer import Tokenizer


class StreamDecoder:
    """Decodes ids as they come, and holds back the bytes of a character that is not whole yet."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, ids: Iterable[int]) -> str:
        """The text that ``ids`` complete; U+FFFD stands only for bytes that no later id can make a character."""
        return self._decoder.decode(self._tokenizer.decode_bytes(ids))

    def finish(self) -> str:
        """What is held back at the end, as U+FFFD, or nothing; the decoder is then as new."""
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return rest


def encode_stream(tokenizer: Tokenizer, blocks: Iterable[str]) -> Iterator[NDArray[np.int32]]:
    """The ids of a text that comes in ``blocks``, in arrays; memory stays bounded.

    Joined, the arrays are the ids of the joined text: it is cut only where no pre-token can lie across (behind
    a line end before a visible character), save where 16 MiB have no such place.
    """
    for piece in safe_pieces(blocks):
        if piece:
            yield tokenizer.encode_to_array([piece])[0]
