"""The curriculum: learn inside morphemes first, then across words.

Each stage goes on from the tokens of the one before and may merge pairs over longer stretches of text:

``morphemes``
    within morphemes as Kiwi finds them, in words without Hangul within what capitals divide: stems, particles
    and endings.
``eojeols``
    within words.
``superwords``
    within runs of words: 할 수 있, 에 대한, of the.

The finished vocabulary is ordinary BPE: encoding needs no analyser, only the merges in their order. The merges of
the first stage come first, and so most tokens end where morphemes do.

Sources are weighted: one of n bytes counts as if it had n**temperature (scaled so that all together keep their size),
so that many registers shape the vocabulary and not the largest source alone. A source is what was named: a folder with
all its files, a pattern with all that it fits, or a single file. Weights decide the order of merges; whether a string
is too rare to become a token, its occurrences and documents decide, unweighted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, Literal
from unicodedata import normalize

import numpy as np
import regex
from numpy.typing import NDArray

from tokenizer.corpus.reader import Document
from tokenizer.errors import InputError
from tokenizer.options import name_and_number
from tokenizer.text.unicode import has_hangul
from tokenizer.training.collect import Collection
from tokenizer.training.counts import Counts
from tokenizer.training.merge_rules import Rules
from tokenizer.training.merges import Learned, learn_merges
from tokenizer.training.pruning import Damping
from tokenizer.training.records import SourceRecord, StageRecord
from tokenizer.training.spool import Spool
from tokenizer.training.stages import stage_sequences
from tokenizer.training.word_parts import SCALE
from tokenizer.vocabulary.token_bytes import token_bytes

MOST_DOCUMENTS = 64
"""The most that `CurriculumOptions.min_documents` may be: of each word so many sections are noted, four bytes each."""
MOST_SURPLUS = 4.0
"""The most that `CurriculumOptions.surplus` may be."""
MOST_BONUS = 100.0
"""The most that `CurriculumOptions.morpheme_bonus` may be."""
LEVELS = ("morphemes", "eojeols", "superwords")


@dataclass(frozen=True)
class Stage:
    """One stage of the curriculum."""

    level: str
    """The boundaries that its tokens may not cross: one of `LEVELS`."""
    until: float
    """Share of the vocabulary that is filled when it ends, up to 1."""


DEFAULT_STAGES = (Stage("morphemes", 0.65), Stage("superwords", 1.0))


@dataclass(frozen=True, kw_only=True)
class CurriculumOptions:
    """Options of the recipe, with the defaults that the ablation chose."""

    stages: tuple[Stage, ...] = DEFAULT_STAGES
    """Stages in their order (morphemes, eojeols, superwords), each with the share of the vocabulary that is filled when
    it ends; the last ends at 1. By default morphemes to 0.65, superwords to 1."""
    temperature: float = 0.5
    """Influence of the size of a source (a folder, pattern or file as named): 1 counts sources by size, 0 all alike."""
    weights: tuple[tuple[str, float], ...] = ()
    """Factors for the counts of files by name, or by the folder they were named with: a pattern such as en_* and its
    factor; the first that fits counts."""
    damping: float = 0.5
    """Power of the count that each source has of a word, before the sources are summed, while tokens inside morphemes
    are learnt, and of a token when the least used are left out: 1 counts every occurrence, 0.5 its square root."""
    surplus: float = 1.0
    """Tokens that are learnt beyond those wanted, as a share of them; then the least used are left out."""
    morpheme_bonus: float = 1.0
    """What each use of a token with Hangul that was learnt inside morphemes counts more when the least used are left
    out, since without it two tokens would meet inside a morpheme."""
    min_sources: int = 1
    """Least number of sources that use a token: others go first when the least used are left out."""
    leave_out: tuple[str, ...] = ()
    """Regular expressions: tokens in which one is found go first when the least used are left out."""
    min_documents: int = 2
    """Least number of documents (of a long one, parts of 64 KiB) in which a token with a letter occurs."""
    digits: Literal["gyeol", "right3"] = "gyeol"
    """Grammar of numbers and runs: gyeol takes the space before digits and the counter behind them, and ends runs at
    sentences; right3 keeps digits by themselves, in threes from the right, as stock llama.cpp can (for GGUF)."""
    max_eojeols: int = 4
    """Most words that a token may span."""
    min_sections: int = 3
    """Least number of sections of the corpus (64 KiB each) in which a token of several words occurs."""

    @classmethod
    def from_text(cls, stages: Sequence[str], weights: Sequence[str], **options: Any) -> CurriculumOptions:
        """Options from LEVEL=SHARE and FILES=FACTOR as a command line has them."""
        chosen = tuple(Stage(*name_and_number(text, "LEVEL=SHARE")) for text in stages) or DEFAULT_STAGES
        factors = tuple(name_and_number(text, "FILES=FACTOR") for text in weights)
        return cls(stages=chosen, weights=factors, **options)

    def __post_init__(self) -> None:
        levels = [stage.level for stage in self.stages]
        for level in levels:
            if level not in LEVELS:
                raise InputError(f"unknown stage {level!r}; known: {', '.join(LEVELS)}")
        if not levels or [level for level in LEVELS if level in levels] != levels:
            raise InputError(
                f"stages {', '.join(levels) or 'none'}: name each at most once, in the order {', '.join(LEVELS)}"
            )
        ends = [0.0, *(stage.until for stage in self.stages)]
        if ends != sorted(set(ends)) or ends[-1] != 1:
            raise InputError(
                f"stages end at {', '.join(map(str, ends[1:]))}: each must end after the one before, the last at 1"
            )
        if not 0 <= self.temperature <= 1:
            raise InputError(
                f"temperature {self.temperature}: choose from 0 (all files equal) to 1 (as large as they are)"
            )
        if not 0 < self.damping <= 1:
            raise InputError(f"damping is {self.damping}; it must be above 0, and at most 1 (every occurrence counts)")
        if not 0 <= self.surplus <= MOST_SURPLUS:
            raise InputError(f"surplus is {self.surplus}; it must be from 0 (no token is left out) to {MOST_SURPLUS}")
        for expression in self.leave_out:
            try:
                regex.compile(expression)
            except regex.error as error:
                raise InputError(f"leave_out {expression!r} is no regular expression: {error}") from None
        if self.min_sources < 1:
            raise InputError(f"min_sources is {self.min_sources}; it must be 1 or more")
        if not 0 <= self.morpheme_bonus <= MOST_BONUS:
            raise InputError(f"morpheme_bonus is {self.morpheme_bonus}; it must be from 0 (none) to {MOST_BONUS}")
        for pattern, factor in self.weights:
            if not 0.01 <= factor <= 1000:
                raise InputError(
                    f"weight {factor} for {pattern!r} is not from 0.01 to 1000; leave a file out that is to count less"
                )
        if self.digits not in ("gyeol", "right3"):
            raise InputError(f"digits is {self.digits!r}; it must be gyeol or right3")
        if not 1 <= self.min_documents <= MOST_DOCUMENTS:
            raise InputError(f"min_documents is {self.min_documents}; it must be from 1 to {MOST_DOCUMENTS}")

    @property
    def spread(self) -> int:
        """Sections to note of each word, so that both rules can be checked."""
        return max(self.min_documents, self.min_sections)


def source_weights(collection: Collection, temperature: float) -> NDArray[np.int64]:
    """Weight of an occurrence in each of the collection's sources, in units of 1 / `SCALE`, at least one unit."""
    names = [source.name for source in collection.sources]
    sizes = Counter[str]()
    for source in collection.sources:
        sizes[source.name] += source.size
    tempered = {name: size**temperature for name, size in sizes.items()}
    scale = sum(sizes.values()) / sum(tempered.values())
    weights = [
        tempered[name] / sizes[name] * scale * source.factor
        for name, source in zip(names, collection.sources, strict=True)
    ]
    return np.maximum(1, np.round(SCALE * np.array(weights))).astype(np.int64)


def source_records(collection: Collection, weights: NDArray[np.int64]) -> list[SourceRecord]:
    """What each source, all its parts together, weighs."""
    sizes, weighted = Counter[str](), Counter[str]()
    for source, weight in zip(collection.sources, weights.tolist(), strict=True):
        sizes[source.name] += source.size
        weighted[source.name] += source.size * weight
    total = weighted.total()
    return [
        SourceRecord(Path(name).name, size, weighted[name] / size / SCALE, weighted[name] / total)
        for name, size in sizes.items()
    ]


class FileFactors:
    """Factors for the counts of files by name: that of the first pattern that fits a file, or the source it is of.

    Patterns and names are compared in NFC: macOS names files in NFD. `InputError` for a pattern that no file is left
    for.
    """

    def __init__(self, weights: Sequence[tuple[str, float]], files: Iterable[tuple[str, str]]) -> None:
        self._patterns = [(normalize("NFC", pattern), factor) for pattern, factor in weights]
        found = {self._first(*file): file for file in files}
        for number, (pattern, _) in enumerate(weights):
            if number not in found:
                names = ", ".join(Path(name).name for name, _ in list(found.values())[:3])
                raise InputError(
                    f"weight pattern {pattern!r} matches no file{' that an earlier pattern leaves' if number else ''}; "
                    f"files are named like {names}"
                )

    def __call__(self, document: Document) -> float:
        """The factor for the counts of a document."""
        number = self._first(document.source, document.origin)
        return 1.0 if number is None else self._patterns[number][1]

    @cache  # noqa: B019, one for a training
    def _first(self, name: str, origin: str) -> int | None:
        """Number of the first pattern that fits, or None."""
        names = {normalize("NFC", part) for path in (name, origin) for part in (path, Path(path).name)}
        fitting = (i for i, (pattern, _) in enumerate(self._patterns) if any(fnmatch(name, pattern) for name in names))
        return next(fitting, None)


def learn(
    collection: Collection,
    weights: NDArray[np.int64],
    start: Learned,
    wanted: int,
    options: CurriculumOptions,
    *,
    min_count: int = 2,
    refused: Sequence[bytes] = (),
    hangul_only: bool = False,
    spool: Spool | None = None,
) -> tuple[Learned, list[StageRecord]]:
    """Run the stages from the tokens and merges of ``start`` until there are ``wanted`` tokens and the surplus, of
    which the stages share those that are added: tokens and merges, those of ``start`` included, and a record of each
    stage. `without_least_used` leaves out the surplus. The runs of ``collection`` are used up. ``spool`` makes the
    arrays that grow with the text.

    No merge makes one of ``refused``, nor with ``hangul_only`` what a text without Hangul may hold. A stage that finds
    no further pair leaves the rest of its share to those behind it.
    """
    spool = spool or Spool()
    words = _weighted(collection, weights)
    documents = min(options.min_documents, collection.total_sections)
    rules = Rules(min_count, options.max_eojeols, documents, options.min_sections, collection.spread)
    rules = rules._replace(refused=token_bytes(refused), hangul_only=hangul_only)
    first, learned = len(start.tokens), start
    records: list[StageRecord] = []
    surplus = options.surplus if options.stages[-1].level == LEVELS[-1] else 0  # whose text tells sources apart
    most = wanted + round((wanted - first) * surplus)
    damping = Damping(options.damping, min(options.min_sources, len({source.name for source in collection.sources})))
    for stage in options.stages:
        target = first + round((most - first) * stage.until)
        tokens, merges = learned.tokens, learned.merges
        spool.check()
        learned = learn_merges(  # which alone holds the sequences, and lets go of them early
            stage_sequences(stage.level, collection, words, weights, options.damping, tokens, merges, spool),
            tokens,
            target,
            rules=rules,
            damping=damping if surplus and stage is options.stages[-1] else None,
            title=f"Learning {stage.level}",
            spool=spool,
        )
        learned = learned.behind(merges)
        last = learned.counts[-1] / SCALE if learned.counts else None
        records.append(StageRecord(stage.level, stage.until, len(learned.tokens), last, learned.exhausted))
    if learned.uses is not None and records[0].stage == LEVELS[0]:
        inside = slice(first, records[0].tokens)
        korean = [has_hangul(token.decode("utf-8", errors="ignore")) for token in learned.tokens[inside]]
        learned.uses[inside][korean] *= 1 + options.morpheme_bonus
    if learned.uses is not None and options.leave_out:
        unwanted = regex.compile("|".join(f"(?:{expression})" for expression in options.leave_out))
        texts = [token.decode("utf-8", errors="replace") for token in learned.tokens]
        learned.uses[[unwanted.search(text) is not None for text in texts]] = 0
    return learned, records


def without_least_used(
    learned: Learned, records: list[StageRecord], first: int, wanted: int
) -> tuple[Learned, list[StageRecord]]:
    """What `learn` found, with ``wanted`` tokens, and the records of the stages with the tokens that remain of each.
    The first ``first`` tokens stay."""
    pruned = replace(learned.pruned(first, wanted), exhausted=len(learned.tokens) < wanted)
    kept = set(pruned.tokens)
    ends = [sum(token in kept for token in learned.tokens[: record.tokens]) for record in records]
    records = [replace(record, tokens=end) for record, end in zip(records, ends, strict=True)]
    return pruned, [*records[:-1], replace(records[-1], exhausted=pruned.exhausted)]


def _weighted(collection: Collection, weights: NDArray[np.int64]) -> Counts:
    """The words with their weighted counts."""
    counts = np.zeros(len(collection.words), dtype=np.int64)
    for source, weight in zip(collection.sources, weights, strict=True):
        counts[source.words] += source.counts * weight
    return Counts(collection.words.data, collection.words.offsets, counts)
