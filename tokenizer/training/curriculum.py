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

Files are weighted: a file of n bytes counts as if it had n**temperature (scaled so that all together keep
their size), so that many registers shape the vocabulary and not the largest file alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenizer.errors import InputError
from tokenizer.options import name_and_number
from tokenizer.training.collect import Collection
from tokenizer.training.counts import Counts
from tokenizer.training.merge_rules import Rules
from tokenizer.training.merges import Learned, learn_merges
from tokenizer.training.morpheme_cuts import word_cuts
from tokenizer.training.records import StageRecord
from tokenizer.training.stages import KIWI_MIN_COUNT, stage_sequences

SCALE = 100
"""Counts are multiplied by this, so that weights of files in hundredths are integers."""
LEVELS = ("morphemes", "eojeols", "superwords")


@dataclass(frozen=True)
class Stage:
    """One stage of the curriculum."""

    level: str
    """The boundaries that its tokens may not cross: one of `LEVELS`."""
    until: float
    """Share of the vocabulary that is filled when it ends, up to 1."""


DEFAULT_STAGES = (Stage("morphemes", 0.72), Stage("superwords", 1.0))


@dataclass(frozen=True, kw_only=True)
class CurriculumOptions:
    """Options of the recipe, with the defaults that the ablation chose."""

    stages: tuple[Stage, ...] = DEFAULT_STAGES
    """Stages in their order (morphemes, eojeols, superwords), each with the share of the vocabulary that is filled when
    it ends; the last ends at 1. By default morphemes to 0.72, superwords to 1."""
    temperature: float = 0.5
    """Influence of the size of a file: 1 counts files by size, 0 all alike."""
    weights: tuple[tuple[str, float], ...] = ()
    """Factors for the counts of files by name: a pattern such as en_* and its factor; the first that fits counts."""
    max_eojeols: int = 4
    """Most words that a token may span."""
    min_sections: int = 3
    """Least number of sections of the corpus (64 KiB each) in which a token of several words occurs."""

    @classmethod
    def from_text(cls, stages: Sequence[str], temperature: float, weights: Sequence[str]) -> CurriculumOptions:
        """Options from LEVEL=SHARE and FILES=FACTOR as a command line has them."""
        chosen = tuple(Stage(*name_and_number(text, "LEVEL=SHARE")) for text in stages) or DEFAULT_STAGES
        factors = tuple(name_and_number(text, "FILES=FACTOR") for text in weights)
        return cls(stages=chosen, temperature=temperature, weights=factors)

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
        for pattern, factor in self.weights:
            if not factor >= 0.01:
                raise InputError(f"weight {factor} for {pattern!r} is below 0.01; leave the file out instead")


def file_weights(collection: Collection, options: CurriculumOptions) -> NDArray[np.int64]:
    """Weight of an occurrence in each file, in units of 1 / `SCALE`, at least one unit."""
    sizes = np.array([source.size for source in collection.sources], dtype=np.float64)
    tempered = sizes**options.temperature
    weights = tempered / sizes * (sizes.sum() / tempered.sum())
    used = set()
    for i, source in enumerate(collection.sources):
        for pattern, factor in options.weights:
            if fnmatch(Path(source.name).name, pattern) or fnmatch(source.name, pattern):
                weights[i] *= factor
                used.add(pattern)
                break
    if unused := [pattern for pattern, _ in options.weights if pattern not in used]:
        raise InputError(
            f"weight pattern {unused[0]!r} fits no file that an earlier pattern leaves; files are named like "
            f"{Path(collection.sources[0].name).name}"
        )
    return np.maximum(1, np.round(SCALE * weights)).astype(np.int64)


def learn(
    collection: Collection, start: Learned, wanted: int, options: CurriculumOptions, *, min_count: int = 2
) -> tuple[Learned, list[StageRecord]]:
    """Run the stages from the tokens and merges of ``start`` until there are ``wanted`` tokens, of which the stages
    share those that are added: tokens and merges, those of ``start`` included, and a record of each stage."""
    weights = file_weights(collection, options)
    words = _weighted(collection, weights)
    cuts = word_cuts(collection.words, KIWI_MIN_COUNT, "Finding morphemes (Kiwi)")
    rules = Rules(min_count * SCALE, options.max_eojeols, options.min_sections)
    first, learned = len(start.tokens), start
    records: list[StageRecord] = []
    for stage in options.stages:
        target = first + round((wanted - first) * stage.until)
        tokens, merges = learned.tokens, learned.merges
        sequences = stage_sequences(stage.level, collection, words, cuts, weights, tokens, merges)
        learned = learn_merges(sequences, tokens, target, rules=rules, title=f"Learning {stage.level}")
        learned = replace(learned, merges=merges + learned.merges)
        last = learned.counts[-1] / SCALE if learned.counts else None
        records.append(StageRecord(stage.level, stage.until, len(learned.tokens), last))
        if learned.exhausted:
            break
    return learned, records


def _weighted(collection: Collection, weights: NDArray[np.int64]) -> Counts:
    """The words with their weighted counts."""
    counts = np.zeros(len(collection.words), dtype=np.int64)
    for source, weight in zip(collection.sources, weights, strict=True):
        counts[source.words] += source.counts * weight
    return Counts(collection.words.data, collection.words.offsets, counts)
