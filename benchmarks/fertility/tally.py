"""What one tokenizer spends on one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.alignment import Counts, Gold, Pieces, token_ends
from benchmarks.fertility.pages import Page, whole_eojeols
from benchmarks.peers.adapters import Ids, Peer

RENYI_ORDER = 2.5
"""The order that predicts translation quality best (Zouhar et al. 2023, https://aclanthology.org/2023.acl-long.284)."""


@dataclass
class Tally:
    """Sums over the documents of a file; ``sections`` has the tokens of each section."""

    tokens: int = 0
    lossy_documents: int = 0
    lossy_characters: int = 0
    inside_character: int = 0
    placed_tokens: int = 0
    placed_eojeols: int = 0
    whole: int = 0
    single: int = 0
    sections: list[int] = field(default_factory=list)
    emitted: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)
    alignment: Counts = field(default_factory=Counts)

    def add(self, page: Page, ids: Ids, peer: Peer, pieces: Pieces, gold: Gold | None) -> None:
        """Count one more document.

        Tokens that do not spell the text have no places in it; they are spread evenly over its sections, and
        the figures about places leave the document out.
        """
        self.tokens += len(ids)
        self._round_trip(page, peer.decode_bytes(ids))
        ends = token_ends(page.text, ids, pieces)
        places = np.arange(1, len(ids) + 1) * len(page.raw) // max(len(ids), 1) if ends is None else ends
        upto = np.searchsorted(places, page.section_ends, side="right")
        self.sections += np.diff(upto, prepend=0).tolist()
        if ends is None:
            self.alignment.leave_out(page.text)
            return
        self.placed_tokens += len(ids)
        self.placed_eojeols += len(page.starts)
        self.inside_character += int(np.count_nonzero(page.raw[ends[ends < len(page.raw)]] & 0xC0 == 0x80))
        whole, single = whole_eojeols(page, ends)
        self.whole += whole
        self.single += single
        if gold:
            self.alignment.add(page.text, ends, gold)

    def _round_trip(self, page: Page, decoded: bytes) -> None:
        if decoded != page.raw.tobytes():
            self.lossy_documents += 1
            self.lossy_characters += (Counter(page.text) - Counter(decoded.decode(errors="replace"))).total()

    def count_types(self, batch: Sequence[Ids]) -> None:
        """Note which tokens the documents of a batch are made of."""
        ids = [np.asarray(part, dtype=np.int64) for part in batch if len(part)]
        if ids:
            self.emitted.append(np.unique(np.concatenate(ids), return_counts=True))


def type_counts(tallies: Iterable[Tally]) -> NDArray[np.int64]:
    """How often each token that was used at all was used, over several files."""
    emitted = [part for tally in tallies for part in tally.emitted]
    if not emitted:
        return np.zeros(0, dtype=np.int64)
    ids = np.concatenate([ids for ids, _ in emitted])
    totals = np.bincount(ids, weights=np.concatenate([counts for _, counts in emitted]))
    return totals[totals > 0].astype(np.int64)


def renyi_efficiency(counts: NDArray[np.int64], vocab_size: int) -> float | None:
    """Rényi entropy of order `RENYI_ORDER` of the token frequencies / the logarithm of the vocabulary's size.

    1 when all of the vocabulary is used equally often. None without a token or for a vocabulary of one.
    """
    if not len(counts) or vocab_size < 2:
        return None
    shares = counts / counts.sum()
    entropy = np.log(np.sum(shares**RENYI_ORDER)) / (1 - RENYI_ORDER)
    return max(float(entropy / np.log(vocab_size)), 0.0)
