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
import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.corpus.compression import stream_blocks
from tokenizer.corpus.decoding import decoded
from tokenizer.corpus.reading import Composition, FileNotes, Reading
from tokenizer.errors import InputError
from tokenizer.progress import ProgressBar, progress_bar
from tokenizer.text.cutting import BATCH_BYTES, batches, safe_pieces
from tokenizer.threads import cores, in_order

if TYPE_CHECKING:
    from tokenizer.tokenizer import Tokenizer


class Encoded(NamedTuple):
    """A text and its ids."""

    text: str
    ids: NDArray[np.int32]
    size: int
    """Bytes of its UTF-8."""
    last: bool = True
    """False if it is a piece of a document that goes on with the next."""


class StreamDecoder:
    """Decodes ids as they come, and holds back the bytes of a character that is not whole yet. The first ``skipped``
    bytes are left out."""

    def __init__(self, tokenizer: Tokenizer, skipped: int = 0) -> None:
        self._tokenizer, self._skip = tokenizer, skipped
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, ids: Iterable[int]) -> str:
        """The text that ``ids`` complete; U+FFFD stands only for bytes that no later id can make a character."""
        raw = self._tokenizer.decode_bytes(ids)
        fresh, self._skip = raw[self._skip :], max(0, self._skip - len(raw))
        return self._decoder.decode(fresh)

    def finish(self) -> str:
        """The bytes held back, as U+FFFD, or nothing; resets the decoder."""
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return rest


def encode_stream(tokenizer: Tokenizer, blocks: Iterable[str]) -> Iterator[NDArray[np.int32]]:
    """The ids of a text that comes in ``blocks``, in arrays; memory stays bounded, and all cores work.

    Joined, the arrays are the ids of the joined text: it is cut only where no token lies across (behind a line end
    before a visible character), save where 16 MiB have no such place. Other grammars than ours may have no safe places:
    with them the text is held whole.
    """
    for encoded in encode_in_order(tokenizer, _pieces(tokenizer, blocks)):
        yield encoded.ids


def encode_file(tokenizer: Tokenizer, file: IO[bytes], **reading: Any) -> Iterator[NDArray[np.int32]]:
    """The ids of an open text file, in arrays, with a progress bar; memory stays bounded.

    ``reading`` are fields of `tokenizer.corpus.Reading`: how it is decoded, and whether Hangul is composed.
    """
    notes = FileNotes(file.name, Reading(**reading))
    composition = Composition(notes.reading.nfc)
    size = os.fstat(file.fileno()).st_size if file.seekable() else None
    with progress_bar("Encoding", total=size) as progress:
        text = decoded(_told(stream_blocks(file), progress), notes)
        pieces = (composition.of(piece, file.name) for piece in _pieces(tokenizer, text))
        for encoded in encode_in_order(tokenizer, pieces):
            yield encoded.ids
    notes.warn()
    composition.warn()


def _pieces(tokenizer: Tokenizer, blocks: Iterable[str]) -> Iterator[str]:
    """A text that comes in ``blocks`` in pieces that give its ids."""
    return filter(None, safe_pieces(blocks) if tokenizer.vocabulary.safe_to_cut else ["".join(blocks)])


def ids_as_text(parts: Iterable[NDArray[np.int32]]) -> Iterator[str]:
    """Ids as whole numbers with spaces between them and a line end behind the last, a part at a time."""
    separator = ""
    for ids in parts:
        yield separator + " ".join(map(str, ids.tolist()))
        separator = " "
    yield "\n"


def read_ids(file: IO[bytes]) -> list[int]:
    """The ids that a file holds as whole numbers with white space between them; `InputError` for anything else."""
    words = file.read().decode("utf-8", errors="replace").split()
    for word in words:
        if not word.isdecimal() or len(word) > 18:
            raise InputError(f"{word[:80]!r} is not a token id; give whole numbers separated by white space")
    return list(map(int, words))


def _told(blocks: Iterable[bytes], progress: ProgressBar) -> Iterator[bytes]:
    for block in blocks:
        progress.advance(len(block))
        yield block


def encode_in_order(tokenizer: Tokenizer, texts: Iterable[str]) -> Iterator[Encoded]:
    """Each text with its ids, in order: some are encoded on all cores while further ones are read."""
    work = partial(_encoded, tokenizer)
    for batch in in_order(work, batches(texts, BATCH_BYTES), cores()):
        yield from batch


def _encoded(tokenizer: Tokenizer, texts: list[str]) -> list[Encoded]:
    parts = list(tokenizer.encoder.parts(texts))
    ids = [row for part in parts for row in np.split(part.ids, np.cumsum(part.counts)[:-1])]
    return list(map(Encoded, texts, ids, np.concatenate([part.sizes for part in parts]).tolist()))
