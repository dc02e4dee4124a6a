"""Alignment of tokens with morphemes: precision, recall and F1 of token boundaries inside eojeols.

An eojeol is a maximal run of non-white-space; those without Hangul are left out. Only boundaries strictly inside an
eojeol count: at its edges every tokenizer is right.

    gold        학교|에서|는        where two morphemes meet in the written form
    tokens      학교|에서는         one predicted boundary, right: precision 1/1, recall 1/2

A contracted form keeps its morphemes in one piece (했 is 하 + 았), so no boundary is asked for inside it. A
token that ends in the middle of a character predicts a boundary that is always wrong. All sums run over
the eojeols of the text, each as often as it occurs (micro average). High precision says that cuts are
morphological, high recall that few morphemes are glued together; a tokenizer of long tokens has low recall
by design, so read it beside ``kept_whole`` and the fertility.

MorphScore (Arnett and Bergen 2025, https://arxiv.org/abs/2411.14198) is, of the words of one morpheme boundary and
several tokens, the share with a token boundary there; here words stand in their text.

A tokenizer that changes a text (normalisation, unknown characters) has no boundaries in it: the whole text is left out
and its eojeols are counted in ``eojeols_unaligned``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from benchmarks.fertility.boundaries import Boundaries, TextBoundaries
from benchmarks.fertility.cuts import TokenCuts
from benchmarks.fertility.measured_text import MeasuredText
from benchmarks.fertility.results import Alignment
from benchmarks.metrics import quotient
from benchmarks.peers.adapters import Peer


@dataclass
class BoundaryCounts:
    """Sums over the eojeols with Hangul."""

    eojeols: int = 0
    """Those of texts that their tokens spell."""
    whole: int = 0
    """Eojeols inside a single token."""
    gold: int = 0
    """Morpheme boundaries."""
    predicted: int = 0
    """Token boundaries."""
    hits: int = 0
    """Token boundaries that are morpheme boundaries."""
    unaligned: int = 0
    """Eojeols of texts that their tokens do not spell."""
    morphscore_words: int = 0
    """Eojeols of one morpheme boundary and several tokens."""
    morphscore_hits: int = 0
    """Those of them with a token boundary there."""

    def add(self, text: MeasuredText, cuts: TokenCuts | None, boundaries: TextBoundaries) -> None:
        """Add the eojeols of ``text``; ``cuts`` is None if its tokens do not spell it."""
        if cuts is None:
            self.unaligned += int(np.count_nonzero(text.korean))
            return
        starts, ends = text.byte_of[text.starts[text.korean]], text.byte_of[text.ends[text.korean]]
        # Cuts strictly between the first byte and the one after the last, in the middle of characters included.
        predicted = cuts.upto[ends - 1] - cuts.upto[starts]
        hits = cuts.at[boundaries.offsets]
        scored = (boundaries.counts == 1) & (predicted > 0)
        self.eojeols += len(starts)
        self.whole += int(np.sum(predicted == 0))
        self.gold += len(boundaries.offsets)
        self.predicted += int(np.sum(predicted))
        self.hits += int(np.sum(hits))
        self.morphscore_words += int(np.sum(scored))
        self.morphscore_hits += int(np.sum(hits & np.repeat(scored, boundaries.counts)))

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        return BoundaryCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def result(self) -> Alignment:
        """The metrics, None where they are not defined (no boundary at all)."""
        return Alignment(
            precision=quotient(self.hits, self.predicted),
            recall=quotient(self.hits, self.gold),
            f1=quotient(2 * self.hits, self.predicted + self.gold),
            eojeols=self.eojeols,
            kept_whole=quotient(self.whole, self.eojeols),
            boundaries_gold=self.gold,
            boundaries_predicted=self.predicted,
            boundaries_hit=self.hits,
            eojeols_unaligned=self.unaligned,
            morphscore=quotient(self.morphscore_hits, self.morphscore_words),
            morphscore_left_out=quotient(self.eojeols - self.morphscore_words, self.eojeols),
        )


def align(peer: Peer, texts: Sequence[MeasuredText], boundaries: Boundaries) -> Alignment:
    """The alignment of ``peer`` on a few texts, as those of a gold file; `measure` counts its own texts as it reads."""
    counts = BoundaryCounts()
    encoded = peer.encode_batch([text.text for text in texts])
    for text, ids, own in zip(texts, encoded, boundaries.of(texts), strict=True):
        counts.add(text, TokenCuts.of(text, ids, peer), own)
    return counts.result()
