"""Long texts in pieces, and texts in batches.

A text is cut into pieces of about `PIECE` characters so that memory stays bounded. A piece ends behind a line
end that is followed by neither white space nor ``/``: no pre-token of the grammars o200k and gyeol and no token
learnt for the grammar right3 lies across such a place, so training and encoding give what the whole text would.
Only where a text has no such place for `LONGEST` characters is it cut at any line end, or at any character.
Joined, the pieces are the text.
"""

from collections.abc import Iterable, Iterator

import regex

PIECE = 1 << 20
"""Characters per piece, about."""
LONGEST = 16 << 20
"""Characters after which a text without a safe place is cut anyway."""
BATCH_BYTES = 4 << 20
"""Bytes per batch, about: a kernel runs some tens of milliseconds on one without the GIL."""
BLOCK_BYTES = 1 << 18
"""Bytes of text joined before they are searched for a safe place."""
_CUT = regex.compile(r"[\r\n](?=[^\s/])")


def batches(texts: Iterable[str], size: int = BATCH_BYTES) -> Iterator[list[str]]:
    """Lists of texts of about ``size`` bytes."""
    batch: list[str] = []
    held = 0
    for text in texts:
        batch.append(text)
        held += len(text) * 3  # the upper bound for Korean, near enough for the rest
        if held >= size:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def safe_pieces(blocks: Iterable[str]) -> Iterator[str]:
    """Cut a text that comes in ``blocks`` at safe places into pieces of about `PIECE` characters."""
    held: list[str] = []  # not joined before a piece is whole: every copy of so much costs fresh memory
    size, searched = 0, PIECE
    for block in map("".join, batches(blocks, BLOCK_BYTES)):
        held.append(block)
        size += len(block)
        while size > 2 * PIECE:
            cut = _safe_place(held, searched) or (_any_place(held) if size >= LONGEST else None)
            if cut is None:
                searched = size - 1
                break
            piece, held = _split(held, cut)
            yield piece
            size, searched = size - cut, PIECE
    yield "".join(held)


def _safe_place(blocks: list[str], start: int) -> int | None:
    """The end of a piece, behind the first line end from ``start`` on that is safe; None if none is."""
    at = 0
    for block, following in zip(blocks, [*blocks[1:], ""], strict=True):
        end = at + len(block)
        if end > start:
            if match := _CUT.search(block, max(start - at, 0)):
                return at + match.end()
            if _CUT.match(block[-1:] + following[:1]):
                return end
        at = end
    return None


def _any_place(blocks: list[str]) -> int:
    """Behind the last line end of a text without a safe place, or all of it."""
    text = "".join(blocks)
    return text.rfind("\n", PIECE) + 1 or len(text)


def _split(blocks: list[str], cut: int) -> tuple[str, list[str]]:
    """The first ``cut`` characters, joined, and the blocks of the rest."""
    first: list[str] = []
    for i, block in enumerate(blocks):
        if cut <= len(block):
            return "".join([*first, block[:cut]]), [block[cut:], *blocks[i + 1 :]]
        first.append(block)
        cut -= len(block)
    raise ValueError("cut lies behind the text")
