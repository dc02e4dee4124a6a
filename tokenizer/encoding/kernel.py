"""The encode kernel: UTF-8 bytes to ids, without Python objects and without the GIL, a block of words at a time."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.encoding.superwords import find_spans, merge_spans
from tokenizer.encoding.tables import NO_ID, Tables
from tokenizer.encoding.words import add_word, encode_words
from tokenizer.encoding.workspace import BLOCK, Workspace
from tokenizer.native.arrays import bare
from tokenizer.native.compile import inlined, native
from tokenizer.native.packed import unpacker
from tokenizer.native.vectors import LANES
from tokenizer.pretokenize import gyeol, o200k, right3
from tokenizer.pretokenize.grammars import GYEOL, O200K, RIGHT3

_PIECES = -1  # in the place of a scanner
_next_gyeol, _next_right3, _next_o200k = gyeol.next_word, right3.next_word, o200k.next_pretoken
_GAP = LANES + 1
"""Distance of the ids of words behind those of spans: one sentinel, and what `copy_lanes` may write."""
SLACK = _GAP + LANES
"""Numbers that the kernel may write beyond one for each byte."""


class State(NamedTuple):
    """What the kernel works with, which it takes packed (`tokenizer.native.packed`)."""

    tables: Tables
    workspace: Workspace


_unpacked = unpacker(State)


def _kernel(scanner: int) -> Callable[..., None]:
    """The kernel for one scanner, which is a constant to the compiler: as an argument it costs 4%."""
    superwords = scanner in (GYEOL, RIGHT3)

    @native
    def encode_texts(
        packed: NDArray[np.int64],
        text: NDArray[np.uint8],
        ends: NDArray[np.int64],
        ids: NDArray[np.int32],
        stops: NDArray[np.int64],
    ) -> None:
        """Encode texts into ``ids``, and write to ``stops`` where the ids of each text end, shape (texts,).

        ``text`` has the UTF-8 of the texts one after another and zeros in the memory behind it (`tokenizer.text.utf8`),
        ``ends`` where each ends, ``ids`` memory for an id a byte and `SLACK` more. Where tokens span words, the ids of
        words become those of spans in the same memory, and the last span of a block waits for the next block.
        """
        state, data, out = _unpacked(packed), bare(text), bare(ids)
        tables, workspace = state.tables, state.workspace
        words, spans = workspace.words, workspace.spans
        out[_GAP - 1] = NO_ID
        at = i = done = k = np.int64(0)
        place = spans.starts[0] = np.int64(_GAP if superwords else 0)
        spans.unfinished[0] = False
        run = False  # whether the next word may be in one pre-token with the last
        while k < ends.size:
            word, i, k, run = _take_block(tables, workspace, data, ends, stops, i, k, run, scanner)
            place = encode_words(tables, workspace, data, word, out, place)
            if superwords:
                count = find_spans(tables, workspace, word, out)
                at = merge_spans(tables, workspace, count if k == ends.size else count - 1, out, at)
                spans.starts[0] = spans.starts[count - 1]
                spans.unfinished[0] = spans.unfinished[count - 1]
            while done < k:
                stops[done] = (
                    spans.id_starts[spans.of_word[stops[done]]] if superwords else words.id_starts[stops[done]]
                )
                done += 1

    return encode_texts


BY_GRAMMAR = {"gyeol": _kernel(GYEOL), "o200k": _kernel(O200K), "right3": _kernel(RIGHT3)}
"""The kernels by grammar."""
encode_pieces = _kernel(_PIECES)
"""The kernel for texts that are not cut any further."""


@inlined
def _take_block(
    tables: Tables,
    workspace: Workspace,
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    stops: NDArray[np.int64],
    i: int,
    k: int,
    run: bool,
    scanner: int,
) -> tuple[int, int, int, bool]:
    """Enter the words from byte ``i`` of text ``k`` on; their number, and ``i``, ``k`` and ``run`` behind them. For
    texts that end, ``stops`` gets the number of words before their end."""
    word = np.int64(0)
    while k < ends.size and word < BLOCK:
        if i < ends[k]:
            if scanner == GYEOL:
                j, goes_on, number = _next_gyeol(data, i, ends[k], tables.classes)
                workspace.words.continues[word] = run and not number
                run = goes_on
            elif scanner == RIGHT3:
                start = ends[k - 1] if k > 0 else np.int64(0)
                j, goes_on, number = _next_right3(data, start, i, ends[k], tables.classes)
                workspace.words.continues[word] = run and not number
                run = goes_on
            elif scanner == O200K:
                j = _next_o200k(data, i, ends[k], tables.classes)
            else:
                j = ends[k]
            add_word(workspace, word, data, i, j)
            word += 1
            i = j
        else:
            stops[k] = word
            k += 1
            run = False
    return word, i, k, run
