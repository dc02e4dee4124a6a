"""Do tokens end where morphemes meet? Precision, recall and F1 of token boundaries inside eojeols.

An eojeol is a maximal run of non-white-space; those without Hangul are left out. What counts are the
boundaries strictly inside an eojeol: the edges, where every tokenizer is right, count for nothing.

    gold        학교|에서|는        where two morphemes meet in the written form
    tokens      학교|에서는         one predicted boundary, right: precision 1/1, recall 1/2

A contracted form keeps its morphemes in one piece (했 is 하 + 았), so no boundary is asked for inside it. A
token that ends in the middle of a character predicts a boundary that is always wrong. All sums run over
the eojeols of the text, each as often as it occurs (micro average). High precision says that cuts are
morphological, high recall that few morphemes are glued together; a tokenizer of long tokens has low recall
by design, so read it beside ``kept_whole`` and the fertility.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.letters import byte_offsets, code_points, eojeols, is_hangul
from benchmarks.peers.adapters import Ids, Peer
from tokenizer.pretokenize import morphemes
from tokenizer.text import batches

BATCH_BYTES = 3 << 21
"""Texts are encoded and analysed together up to about this many bytes."""

Boundaries = Callable[[Sequence[str]], Sequence[Sequence[int]]]
"""For each eojeol the character offsets, strictly inside it, where two morphemes meet."""


class Gold:
    """Morpheme boundaries of eojeols, each distinct eojeol analysed once.

    Keep one instance to measure several tokenizers on the same text.
    """

    def __init__(self, boundaries: Boundaries | None = None) -> None:
        """``boundaries`` defaults to those of Kiwi; another analyser, or a hand-made standard, will do."""
        self._boundaries = boundaries or morphemes.boundaries
        self._known: dict[str, tuple[int, ...]] = {}

    @classmethod
    def in_order(cls, boundaries: Sequence[tuple[int, ...]]) -> Gold:
        """The boundaries of the words of one text as they come, for which equal words may differ."""
        return _Listed(boundaries)

    def offsets(self, words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Boundaries of each word: how many, shape (words,), and the offsets, one word's after another's."""
        fresh = [word for word in dict.fromkeys(words) if word not in self._known]
        if fresh:
            found = self._boundaries(fresh)
            self._known.update((word, tuple(inside)) for word, inside in zip(fresh, found, strict=True))
        return _flat([self._known[word] for word in words])


class _Listed(Gold):
    """Boundaries that belong to places rather than words."""

    def __init__(self, boundaries: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        self._in_order = boundaries

    def offsets(self, words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return _flat(self._in_order)


def _flat(inside: Sequence[tuple[int, ...]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lists of offsets as their lengths and the offsets one after another."""
    counts = np.fromiter(map(len, inside), np.int64, len(inside))
    return counts, np.fromiter(chain.from_iterable(inside), np.int64, counts.sum())


@dataclass
class Counts:
    """Sums over the Hangul eojeols seen so far."""

    eojeols: int = 0
    whole: int = 0
    gold: int = 0
    predicted: int = 0
    hits: int = 0
    unaligned: int = 0
    morphscore_words: int = 0
    morphscore_hits: int = 0

    def add(self, text: str, cuts: NDArray[np.int64], gold: Gold) -> None:
        """Add the eojeols of ``text``, whose tokens end at the byte offsets ``cuts``."""
        points = code_points(text)
        starts, ends = _hangul_eojeols(points)
        byte_of = byte_offsets(points)
        cut = np.zeros(byte_of[-1] + 1, dtype=bool)
        cut[cuts] = True
        upto = np.cumsum(cut)
        # Cuts strictly between the first byte and the one after the last, in the middle of characters included.
        predicted = upto[byte_of[ends] - 1] - upto[byte_of[starts]]
        number, offsets = gold.offsets([text[start:end] for start, end in zip(starts, ends, strict=True)])
        hits = cut[byte_of[np.repeat(starts, number) + offsets]]
        scored = (number == 1) & (predicted > 0)
        self.eojeols += len(starts)
        self.whole += int(np.count_nonzero(predicted == 0))
        self.gold += int(number.sum())
        self.predicted += int(predicted.sum())
        self.hits += int(np.count_nonzero(hits))
        self.morphscore_words += int(np.count_nonzero(scored))
        self.morphscore_hits += int(np.count_nonzero(hits & np.repeat(scored, number)))

    def leave_out(self, text: str) -> None:
        """Note the eojeols of a text that the tokens do not spell."""
        self.unaligned += len(_hangul_eojeols(code_points(text))[0])

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def result(self) -> dict[str, Any]:
        """The measures, None where they are not defined (no boundary at all)."""
        precision, recall = _ratio(self.hits, self.predicted), _ratio(self.hits, self.gold)
        return {
            "precision": precision,
            "recall": recall,
            "f1": _ratio(2 * self.hits, self.predicted + self.gold),
            "eojeols": self.eojeols,
            "kept_whole": _ratio(self.whole, self.eojeols),
            "boundaries_gold": self.gold,
            "boundaries_predicted": self.predicted,
            "boundaries_hit": self.hits,
            "eojeols_unaligned": self.unaligned,
            "morphscore": _ratio(self.morphscore_hits, self.morphscore_words),
            "morphscore_left_out": _ratio(self.eojeols - self.morphscore_words, self.eojeols),
        }


def alignment(peer: Peer, texts: Iterable[str], gold: Gold | None = None) -> dict[str, Any]:
    """Measure how well the token boundaries of ``peer`` agree with morpheme boundaries in ``texts``.

    Returns ``precision``, ``recall``, ``f1`` (None where no boundary was predicted or is in the gold),
    ``eojeols`` (those with Hangul), ``kept_whole`` (the share of them that lie inside a single token),
    ``boundaries_gold``, ``boundaries_predicted``, ``boundaries_hit`` and ``eojeols_unaligned``; and ``morphscore``
    (Arnett and Bergen 2025, https://arxiv.org/abs/2411.14198: of the words that have one morpheme boundary and
    more than one token, the share with a token boundary there; here words stand in their text) with
    ``morphscore_left_out``, the share of the eojeols that it says nothing of.

    A tokenizer that changes the text (normalisation, unknown characters) has no boundaries in it; such a
    text is tried again line by line, and the eojeols of the lines that are still changed are left out and
    counted in ``eojeols_unaligned``.
    """
    gold = gold or Gold()
    counts = Counts()
    pieces = Pieces(peer)
    for batch in batches(texts, BATCH_BYTES):
        changed = _measure(counts, peer, batch, pieces, gold)
        lines = [line for text in changed for line in text.split("\n")]
        for line in _measure(counts, peer, lines, pieces, gold):
            counts.leave_out(line)
    return counts.result()


def _measure(counts: Counts, peer: Peer, texts: Sequence[str], pieces: Pieces, gold: Gold) -> list[str]:
    """Add the texts that their tokens spell to ``counts``; return the others."""
    changed: list[str] = []
    kept: list[str] = []
    kept_ends: list[NDArray[np.int64]] = []
    offset = 0
    for text, ids in zip(texts, peer.encode_batch(texts) if texts else (), strict=True):
        ends = token_ends(text, ids, pieces)
        if ends is None:
            changed.append(text)
            continue
        kept.append(text)
        kept_ends.append(ends + offset)
        offset += len(text.encode()) + 1
    if kept:  # as one text, with a newline between two, so that the analyser gets many eojeols at once
        counts.add("\n".join(kept), np.concatenate(kept_ends), gold)
    return changed


class Pieces(dict[int, bytes]):
    """The bytes of each token, asked of the peer once."""

    def __init__(self, peer: Peer) -> None:
        super().__init__()
        self._peer = peer

    def __missing__(self, token: int) -> bytes:
        piece = self[token] = self._peer.token_bytes(token)
        return piece


def token_ends(text: str, ids: Ids, pieces: dict[int, bytes]) -> NDArray[np.int64] | None:
    """Byte offset in ``text`` where each token ends, shape (tokens,); None if the tokens do not spell it.

    A space that the tokenizer puts before the text, as SentencePiece does, is allowed for.
    """
    spelled = [pieces[token] for token in (ids.tolist() if isinstance(ids, np.ndarray) else ids)]
    data, expected = b"".join(spelled), text.encode()
    if data != expected and data != b" " + expected:
        return None
    ends = np.cumsum(np.fromiter(map(len, spelled), np.int64, len(spelled)))
    return np.maximum(ends - (len(data) - len(expected)), 0)


def _hangul_eojeols(points: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and ends of the eojeols that contain Hangul."""
    starts, ends = eojeols(points)
    hangul = np.concatenate([[0], np.cumsum(is_hangul(points))])
    kept = hangul[ends] > hangul[starts]
    return starts[kept], ends[kept]


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
