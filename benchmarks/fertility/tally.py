"""Sums over one file: its text, and the tokens that each tokenizer spends on it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.alignment import BoundaryCounts
from benchmarks.fertility.boundaries import TextBoundaries
from benchmarks.fertility.cuts import TokenCuts
from benchmarks.fertility.measured_text import MeasuredText
from benchmarks.fertility.overlap import MeasuredLines
from benchmarks.peers.adapters import Ids, Peer

RENYI_ORDER = 2.5
"""The order that predicts translation quality best (Zouhar et al. 2023, https://aclanthology.org/2023.acl-long.284)."""


@dataclass
class Tally:
    """Sums over the documents of one file for one tokenizer."""

    tokens: int = 0
    lossy_documents: int = 0
    """Documents that decoding does not give back."""
    lossy_characters: int = 0
    """Characters that decoding does not give back."""
    inside_character: int = 0
    """Tokens that end inside a character."""
    placed_tokens: int = 0
    """Tokens of the documents that their tokens spell."""
    placed_eojeols: int = 0
    """Eojeols of these documents."""
    whole_eojeols: int = 0
    """Eojeols that no token boundary cuts."""
    single_token_eojeols: int = 0
    """Eojeols that are a token of their own."""
    sections: list[int] = field(default_factory=list)
    """Tokens of each section, over all documents."""
    emitted: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)
    """Of each batch, the ids that occur and their frequencies, shape (ids,)."""
    alignment: BoundaryCounts = field(default_factory=BoundaryCounts)

    def add(self, text: MeasuredText, ids: Ids, peer: Peer, boundaries: TextBoundaries | None) -> None:
        """Count one more document.

        Tokens that do not spell the text have no places in it: they are spread evenly over its sections, and
        the figures about places leave the document out.
        """
        size = len(text.data)
        self.tokens += len(ids)
        if (decoded := peer.decode_bytes(ids)) != text.data:
            self.lossy_documents += 1
            self.lossy_characters += (Counter(text.text) - Counter(decoded.decode(errors="replace"))).total()
        cuts = TokenCuts.of(text, ids, peer)
        places = np.arange(1, len(ids) + 1) * size // max(len(ids), 1) if cuts is None else cuts.ends
        upto = np.searchsorted(places, text.section_ends, side="right")
        self.sections += np.diff(upto, prepend=0).tolist()
        if boundaries is not None:
            self.alignment.add(text, cuts, boundaries)
        if cuts is None:
            return
        self.placed_tokens += len(ids)
        self.placed_eojeols += len(text.starts)
        following = np.frombuffer(text.data, np.uint8)[cuts.ends[cuts.ends < size]]
        self.inside_character += int(np.count_nonzero(following & 0xC0 == 0x80))
        whole, single = whole_eojeols(text, cuts)
        self.whole_eojeols += whole
        self.single_token_eojeols += single

    def count_types(self, batch: Sequence[Ids]) -> None:
        """Count the ids in the documents of a batch."""
        ids = [np.asarray(part, dtype=np.int64) for part in batch if len(part)]
        if ids:
            self.emitted.append(np.unique(np.concatenate(ids), return_counts=True))


@dataclass
class FileText:
    """Sums over the text of one file, with a tally per tokenizer."""

    name: str
    """Short name, unique among the files."""
    path: str
    tallies: list[Tally]
    """In the order of the tokenizers."""
    lines: MeasuredLines
    """Samples its lines."""
    documents: int = 0
    characters: int = 0
    bytes: int = 0
    """Bytes of its text as UTF-8."""
    eojeols: int = 0
    letters: int = 0
    """Letters of any script."""
    hangul: int = 0
    """Hangul syllables and jamo."""
    latin: int = 0
    """Latin letters."""
    unreadable: int = 0
    """Characters that are NUL or U+FFFD."""
    problem: str | None = None
    """The reason why the file cannot be used."""
    sections: list[NDArray[np.int64]] = field(default_factory=list)
    """Of each document the characters, bytes and eojeols of its sections, shape (sections, 3)."""

    def add(self, text: MeasuredText) -> None:
        """Count one more document."""
        self.lines.add(text.text, text.data)
        self.sections.append(text.sections)
        self.documents += 1
        self.characters += len(text.text)
        self.bytes += len(text.data)
        self.eojeols += len(text.starts)
        self.letters += text.letters
        self.hangul += text.hangul
        self.latin += text.latin
        self.unreadable += text.text.count("\0") + text.text.count("\ufffd")

    @property
    def group(self) -> str:
        """The register of the file, see `group_of`."""
        return group_of(self.name, self.letters, self.hangul, self.latin)


def group_of(name: str, letters: int, hangul: int, latin: int) -> str:
    """Guess the group of a file, a key of `benchmarks.metrics.GROUPS`.

    Korean if at least 20% of the letters are Hangul; else code if the file's name starts with ``code``; else
    English if most letters are Latin, which other languages' letters are too. A heuristic, to be checked
    against the table of files, where every file stands with its group.
    """
    if hangul >= 0.2 * max(letters, 1):
        return "Korean"
    if name.rpartition("/")[2].lower().startswith("code"):
        return "code"
    return "English" if latin > 0.5 * letters else "other"


def whole_eojeols(text: MeasuredText, cuts: TokenCuts) -> tuple[int, int]:
    """Number of eojeols that no token boundary cuts, and of those that are a token of their own.

    The second (single-token retention, Nayeem et al. 2025, https://arxiv.org/abs/2510.09947) may have white
    space before the eojeol in the token; an eojeol inside a superword is whole, but no token of its own.
    """
    starts, ends = text.byte_of[text.starts], text.byte_of[text.ends]
    whole = cuts.upto[ends - 1] == cuts.upto[starts]
    begins = cuts.at[starts] | cuts.at[np.maximum(starts - 1, 0)]
    return int(np.count_nonzero(whole)), int(np.count_nonzero(whole & begins & cuts.at[ends]))


def type_counts(tallies: Iterable[Tally]) -> NDArray[np.int64]:
    """Frequency of each id that occurs, over several files, shape (ids that occur,)."""
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
