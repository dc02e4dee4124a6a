"""Recipes: from a corpus to a vocabulary.

``plain``
    byte-level BPE over the pre-tokens of the o200k grammar: what everybody else trains.
``strict``
    the same, with every pre-token that holds Hangul split at Kiwi's morpheme boundaries, in training and in
    encoding. Tokens never straddle morphemes, at the price of more of them and of Kiwi at encoding time.
``curriculum``
    inside morphemes first, then across words (see `tokenizer.training.curriculum`): the fewest tokens, mostly cut at
    morphemes, and no analyser at encoding time. The default.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tokenizer.corpus.find import named_sources
from tokenizer.corpus.memory import Texts
from tokenizer.corpus.reader import documents, total_size
from tokenizer.corpus.reading import Reading
from tokenizer.errors import InputError
from tokenizer.progress import progress_bar
from tokenizer.threads import cores
from tokenizer.tokenizer import Tokenizer
from tokenizer.training.collect import Collection, collect
from tokenizer.training.counts import Counts
from tokenizer.training.curriculum import (
    CurriculumOptions,
    FileFactors,
    learn,
    source_records,
    source_weights,
    without_least_used,
)
from tokenizer.training.merge_rules import Rules
from tokenizer.training.merges import Learned, Sequences, learn_merges
from tokenizer.training.morpheme_cuts import morpheme_pieces, word_cuts
from tokenizer.training.records import SourceRecord, StageRecord, line_record, versions
from tokenizer.training.spool import Spool
from tokenizer.training.stages import encode_strings
from tokenizer.vocabulary.byte_level import byte_alphabet
from tokenizer.vocabulary.special_tokens import checked_special_tokens
from tokenizer.vocabulary.token_bytes import token_bytes
from tokenizer.vocabulary.vocabulary import build, default_special_tokens

RECIPES = ("curriculum", "plain", "strict")
NORMALIZERS = ("none", "nfc")
MOST_COUNT = 10**9
"""The most that a minimum count may be."""


def train(
    corpus: str | Path | Sequence[str | Path],
    vocab_size: int = 32_768,
    *,
    recipe: str = "curriculum",
    curriculum: CurriculumOptions | None = None,
    continue_from: Tokenizer | None = None,
    min_count: int = 2,
    fill_what_you_can: bool = False,
    normalizer: Literal["none", "nfc"] = "none",
    special_tokens: Sequence[str] = (),
    name: str | None = None,
    threads: int | None = None,
    memory: str | None = None,
    spool_folder: Path | None = None,
    **reading: Any,
) -> Tokenizer:
    """Train a tokenizer of ``vocab_size`` ids, special tokens included.

    ``corpus`` is one or several files or folders as `tokenizer.corpus.documents` reads them, with the fields of
    `tokenizer.corpus.Reading` as ``reading``. ``curriculum`` has the options of that recipe. ``continue_from`` keeps
    all ids of a tokenizer of the same grammar, special tokens included, and adds to them. Pairs that occur less than
    ``min_count`` times are not merged. ``special_tokens`` are put behind our own (`default_special_tokens`).
    ``fill_what_you_can`` is content with fewer ids where the corpus has no more.
    ``memory`` bounds the memory (such as 4GB): arrays that would pass it are temporary files in ``spool_folder`` (the
    working directory); the vocabulary is the same. With ``normalizer="nfc"`` the tokenizer composes every text before
    it encodes it, and so do other engines, by its ``tokenizer.json``: a text in decomposed Hangul has the ids of the
    composed one, and is not what decoding gives back. `InputError` for an unknown recipe, options that do not fit it, a
    vocabulary too small for the bytes and special tokens, one that the corpus cannot fill, and a bound of memory that
    is too low.
    """
    return train_sizes(
        corpus,
        [vocab_size],
        recipe=recipe,
        curriculum=curriculum,
        continue_from=continue_from,
        min_count=min_count,
        fill_what_you_can=fill_what_you_can,
        normalizer=normalizer,
        special_tokens=special_tokens,
        name=name,
        threads=threads,
        memory=memory,
        spool_folder=spool_folder,
        **reading,
    )[0]


def train_from_iterator(texts: Iterable[str | Iterable[str]], vocab_size: int = 32_768, **options: Any) -> Tokenizer:
    """Train a tokenizer on texts that a program has: each is a document; lists of them are taken apart.

    They are read once, in order, and not kept: memory is bounded as in `train`, whose ``options`` these are, but for
    those of reading files. All count as one source. `InputError` as `train`, and when there is no text, `TypeError`
    for a single text.

    >>> made = train_from_iterator(["결을 따라 자르면 매끄럽다."] * 9, 340, fill_what_you_can=True)
    >>> made.decode(made.encode("결을 자르면"))
    '결을 자르면'
    """
    return train_sizes(Texts(texts), [vocab_size], **options)[0]


def train_sizes(
    corpus: str | Path | Sequence[str | Path] | Texts,
    sizes: Sequence[int],
    *,
    without: Sequence[str | Path] = (),
    recipe: str = "curriculum",
    curriculum: CurriculumOptions | None = None,
    continue_from: Tokenizer | None = None,
    min_count: int = 2,
    fill_what_you_can: bool = False,
    normalizer: Literal["none", "nfc"] = "none",
    special_tokens: Sequence[str] = (),
    name: str | None = None,
    threads: int | None = None,
    memory: str | None = None,
    spool_folder: Path | None = None,
    **reading: Any,
) -> list[Tokenizer]:
    """Tokenizers of several ``sizes`` by one training, that of the largest: the smaller ones lack the tokens that are
    used least, and in the recipes plain and strict those learnt last.

    Everything else is as in `train`, which trains a single one, but for the files ``without``, which are left out of
    the corpus. `InputError` also for sizes that do not ascend.
    """
    if normalizer not in NORMALIZERS:
        raise InputError(f"normalizer is {normalizer!r}; it must be one of {', '.join(NORMALIZERS)}")
    if not sizes or list(sizes) != sorted(set(sizes)):
        raise InputError(f"sizes {', '.join(map(str, sizes)) or 'none'}: name one or more, each larger than the last")
    options = curriculum or CurriculumOptions()
    old = continue_from.vocabulary if continue_from else None
    there, ordinary = (old.special_tokens, frozenset(old.tokens)) if old else (default_special_tokens(), frozenset())
    own = checked_special_tokens(special_tokens, there, ordinary)
    jobs = [_job(recipe, size, curriculum, continue_from, min_count, own) for size in sizes]
    nfc = normalizer == "nfc" or bool(continue_from and continue_from.vocabulary.nfc)
    reading["nfc"] = nfc or reading.get("nfc", False)
    spool = Spool(memory, spool_folder)
    collection = _read(corpus, recipe, options, threads or cores(), spool, without, reading)
    provenance: dict[str, Any] = {
        "name": name,
        "recipe": recipe,
        "min_count": min_count,
        "run_weight": collection.run_weight,
        "options": asdict(options) if recipe == "curriculum" else {},
        "continued_from": continue_from.fingerprint if continue_from else None,
        "reading": asdict(Reading(**reading)),
        "corpus": asdict(collection.record),
        "versions": versions(),
        "line_sample": line_record(collection.line_sample, continue_from),
    }
    learned, stages, sources = _learn(collection, jobs[-1], recipe, options, min_count, spool)
    provenance["sources"] = [asdict(source) for source in sources]
    made = []
    for job in jobs:
        found, records = without_least_used(learned, stages, len(job.start.tokens), job.wanted)
        _check_filled(found, job, min_count, fill_what_you_can)
        record = provenance | {"stages": [asdict(stage) for stage in records]}
        made.append(_tokenizer(found, job, recipe, nfc, record))
    return made


def _grammar(recipe: str, options: CurriculumOptions | None) -> str:
    """The grammar that a recipe trains for."""
    return (options or CurriculumOptions()).digits if recipe == "curriculum" else "o200k"


def _read(
    corpus: str | Path | Sequence[str | Path] | Texts,
    recipe: str,
    options: CurriculumOptions,
    threads: int,
    spool: Spool,
    without: Sequence[str | Path],
    reading: dict[str, Any],
) -> Collection:
    """The corpus as words, and for the curriculum runs."""
    paths = [] if isinstance(corpus, Texts) else [corpus] if isinstance(corpus, (str, Path)) else list(corpus)
    names = [(name, origin) for _, name, origin in named_sources(paths)]
    if isinstance(corpus, Texts):
        names = [(corpus.name, corpus.name)]
    factors = FileFactors(options.weights, names)
    spread = options.spread if recipe == "curriculum" else 0
    total = None if isinstance(corpus, Texts) else total_size(paths, without)
    with progress_bar("Reading the corpus", total=total) as progress:
        if isinstance(corpus, Texts):
            source = corpus.documents(Reading(**reading))
        else:
            source = documents(paths, without=without, on_progress=progress.advance, **reading)
        settings: dict[str, Any] = {"threads": threads, "factor_of": factors, "spread": spread}
        return collect(source, _grammar(recipe, options), spool=spool, **settings)


def _learn(
    collection: Collection, job: _Job, recipe: str, options: CurriculumOptions, min_count: int, spool: Spool
) -> tuple[Learned, list[StageRecord], list[SourceRecord]]:
    """What a recipe learns for the largest of the sizes, its stages, and what sources weigh where they do."""
    if recipe != "curriculum":
        return *_learn_flat(collection.words, job, recipe, min_count, spool), []
    weights = source_weights(collection, options.temperature)
    rules: dict[str, Any] = {"min_count": min_count, "refused": job.refused, "spool": spool}
    sources = source_records(collection, weights)
    return *learn(collection, weights, job.start, job.wanted, options, **rules), sources


def _check_filled(learned: Learned, job: _Job, min_count: int, fill_what_you_can: bool) -> None:
    if learned.exhausted and not fill_what_you_can:
        more = len(job.special_tokens)
        raise InputError(
            f"the corpus fills only {len(learned.tokens) + more:,} of {job.wanted + more:,} ids: no other pair of "
            f"tokens occurs {min_count} times in enough documents; give more text, or save what it fills with "
            "fill_what_you_can=True"
        )


def _tokenizer(learned: Learned, job: _Job, recipe: str, nfc: bool, provenance: dict[str, Any]) -> Tokenizer:
    return Tokenizer(
        build(
            learned.tokens,
            learned.merges,
            special_tokens=job.special_tokens,
            kept=job.kept,
            grammar=job.grammar,
            strict=recipe == "strict",
            nfc=nfc,
            provenance=provenance,
        )
    )


@dataclass(frozen=True)
class _Job:
    """The checked request: tokens to start from, number wanted."""

    start: Learned
    """The tokens and merges to go on from."""
    special_tokens: list[str]
    """Those to stand behind all tokens."""
    kept: dict[str, int]
    """Special tokens that keep their places among the tokens."""
    grammar: str
    """The grammar to train for."""
    wanted: int
    """Number of tokens to end with, ``special_tokens`` left out."""

    @property
    def refused(self) -> list[bytes]:
        """What no merge may make."""
        return [text.encode() for text in (*self.special_tokens, *self.kept)]


def _job(
    recipe: str,
    vocab_size: int,
    curriculum: CurriculumOptions | None,
    continue_from: Tokenizer | None,
    min_count: int,
    own: list[str],
) -> _Job:
    """The arguments of `train`, checked."""
    if recipe not in RECIPES:
        raise InputError(f"unknown recipe {recipe!r}; known: {', '.join(RECIPES)}")
    if curriculum and curriculum.digits == "right3" and recipe != "curriculum":
        raise InputError(
            f"digits=right3 is for the recipe curriculum, not {recipe!r}: plain cuts text as GPT-4o does, which "
            "llama.cpp knows too, and strict needs Kiwi to encode, which llama.cpp has not"
        )
    if curriculum and recipe != "curriculum":
        raise InputError(f"recipe {recipe!r} takes no options of the curriculum; leave them out, or choose it")
    if not 1 <= min_count <= MOST_COUNT:
        raise InputError(f"min_count is {min_count}; it must be from 1 to {MOST_COUNT:,}")
    grammar = _grammar(recipe, curriculum)
    start, special_tokens, kept = Learned(byte_alphabet(), [], [], False), default_special_tokens() + own, {}
    if continue_from:
        old = continue_from.vocabulary
        if (old.grammar, old.strict) != (grammar, recipe == "strict"):
            raise InputError(
                f"{continue_from.name!r}, of the grammar {old.grammar}, was not trained by recipe {recipe!r} for the "
                f"grammar {grammar}; go on with its own recipe and digits"
            )
        if old.ignore_merges or old.prefix_space or old.added or b"" in old.tokens:
            raise InputError(f"{continue_from.name!r} is of another maker; training cannot go on from it")
        start = Learned([continue_from.token_bytes(i) for i in range(old.size)], old.merges, [], False)
        special_tokens, kept = own, old.special_tokens
    least = len(start.tokens) + len(special_tokens)
    if vocab_size < least:
        what = f"{len(start.tokens):,} tokens to start from and {len(special_tokens)} special tokens"
        raise InputError(f"vocabulary size {vocab_size:,} is below {least:,}: {what}; choose a larger one")
    return _Job(start, special_tokens, kept, grammar, vocab_size - len(special_tokens))


def _learn_flat(
    words: Counts, job: _Job, recipe: str, min_count: int, spool: Spool
) -> tuple[Learned, list[StageRecord]]:
    """The one stage of the recipes plain and strict."""
    if recipe == "strict":
        cuts = word_cuts(words, 1, "Splitting at morphemes (Kiwi)")
        words, _, _ = morpheme_pieces(words, cuts, words.counts >= 1)
    start = job.start
    spool.check()
    learned = learn_merges(  # which alone holds the sequences, and lets go of them early
        Sequences(*encode_strings(words, start.tokens, start.merges), words.counts),
        start.tokens,
        job.wanted,
        rules=Rules(min_count=min_count, refused=token_bytes(job.refused)),
        spool=spool,
    )
    last = learned.counts[-1] if learned.counts else None
    learned = learned.behind(start.merges)
    return learned, [StageRecord(recipe, 1.0, len(learned.tokens), last, learned.exhausted)]
