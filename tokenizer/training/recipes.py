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

import hashlib
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tokenizer.corpus.reader import Document, Errors, documents, total_size
from tokenizer.errors import InputError
from tokenizer.progress import step
from tokenizer.threads import cores
from tokenizer.tokenizer import Tokenizer
from tokenizer.training.collect import collect
from tokenizer.training.counts import Counts, count_pretokens
from tokenizer.training.curriculum import CurriculumOptions, learn
from tokenizer.training.merges import Learned, Rules, Sequences, learn_merges
from tokenizer.training.morpheme_cuts import korean_count, split_counts
from tokenizer.training.stages import encode_strings
from tokenizer.vocabulary.byte_level import byte_alphabet
from tokenizer.vocabulary.vocabulary import build, default_special_tokens

GRAMMARS = {"curriculum": "gyeol", "plain": "o200k", "strict": "o200k"}
RECIPES = tuple(GRAMMARS)


def train(
    corpus: str | Path | Sequence[str | Path],
    vocab_size: int = 32_768,
    *,
    recipe: str = "curriculum",
    curriculum: CurriculumOptions | None = None,
    continue_from: Tokenizer | None = None,
    min_count: int = 2,
    name: str | None = None,
    text_key: str = "text",
    errors: Errors = "replace",
    threads: int | None = None,
) -> Tokenizer:
    """Train a tokenizer of ``vocab_size`` ids, special tokens included.

    ``corpus`` is one or several files or folders as `tokenizer.corpus.documents` reads them. ``curriculum`` has
    the options of that recipe. ``continue_from`` keeps the tokens, merges and special tokens of a tokenizer of
    the same grammar and adds to them. Pairs that count less than ``min_count`` are not merged. `InputError` for an
    unknown recipe, options that do not fit it, a vocabulary too small for the bytes and special tokens, and one
    that the corpus cannot fill.
    """
    paths = [corpus] if isinstance(corpus, (str, Path)) else list(corpus)
    job = _Job(recipe, vocab_size, curriculum, continue_from, min_count)
    record = CorpusRecord()
    with step("Reading the corpus", total=total_size(paths)) as progress:
        source = documents(paths, text_key=text_key, errors=errors, on_progress=progress.advance)
        workers = threads or cores()
        if recipe == "curriculum":
            collection = collect(source, threads=workers, on_document=record.note)
        else:
            counts = count_pretokens(record.texts(source), threads=workers)
    if recipe == "curriculum":
        learned, stages = learn(collection, job.wanted, job.options, min_count=min_count, start=job.start)
    else:
        learned, stages = _learn_flat(counts, job)
    _check_filled(learned, job)
    provenance = {
        "name": name,
        "recipe": recipe,
        "min_count": min_count,
        "options": asdict(job.options) if recipe == "curriculum" else {},
        "continued_from": continue_from.fingerprint if continue_from else None,
        "stages": stages,
        "corpus": record.as_json(),
        "versions": versions(),
    }
    return Tokenizer(
        build(
            learned.tokens,
            learned.merges,
            special_tokens=job.specials,
            grammar=GRAMMARS[recipe],
            strict=recipe == "strict",
            provenance=provenance,
        )
    )


class _Job:
    """What was asked for, checked."""

    def __init__(
        self,
        recipe: str,
        vocab_size: int,
        curriculum: CurriculumOptions | None,
        continue_from: Tokenizer | None,
        min_count: int,
    ) -> None:
        if recipe not in RECIPES:
            raise InputError(f"unknown recipe {recipe!r}; known: {', '.join(RECIPES)}")
        if curriculum and recipe != "curriculum":
            raise InputError(f"recipe {recipe!r} takes no options of the curriculum; leave them out, or choose it")
        if min_count < 1:
            raise InputError(f"minimum count {min_count} is below 1")
        self.recipe, self.vocab_size, self.min_count = recipe, vocab_size, min_count
        self.options = curriculum or CurriculumOptions()
        self.specials = default_special_tokens()
        self.start: tuple[list[bytes], list[tuple[int, int]]] = (byte_alphabet(), [])
        if continue_from:
            old = continue_from.vocabulary
            if (old.grammar, old.strict) != (GRAMMARS[recipe], recipe == "strict"):
                raise InputError(f"{continue_from.name!r} was not trained by recipe {recipe!r}; go on with its own")
            self.specials = sorted(old.special_tokens, key=lambda text: old.special_tokens[text])
            self.start = (old.tokens, old.merges)
        least = len(self.start[0]) + len(self.specials)
        if vocab_size < least:
            what = f"{len(self.start[0]):,} tokens to start from and {len(self.specials)} special tokens"
            raise InputError(f"vocabulary size {vocab_size:,} is below {least:,}: {what}; choose a larger one")
        self.wanted = vocab_size - len(self.specials)


def _learn_flat(counts: Counts, job: _Job) -> tuple[Learned, list[dict[str, Any]]]:
    """The one stage of the recipes plain and strict."""
    if job.recipe == "strict":
        with step("Splitting at morphemes (Kiwi)", total=korean_count(counts)) as progress:
            counts = split_counts(counts, on_progress=progress.advance)
    tokens, merges = job.start
    ids, offsets = encode_strings(counts, tokens, merges)
    with step("Learning merges", total=job.wanted - len(tokens)) as progress:
        learned = learn_merges(
            Sequences(ids, offsets, counts.counts),
            tokens,
            job.wanted,
            rules=Rules(min_count=job.min_count),
            on_progress=progress.advance,
        )
    last = learned.counts[-1] if learned.counts else None
    learned = replace(learned, merges=merges + learned.merges)
    return learned, [{"stage": job.recipe, "until": 1.0, "tokens": len(learned.tokens), "last_count": last}]


class CorpusRecord:
    """What a corpus was, gathered while it streams by."""

    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.documents = self.characters = self.bytes = 0
        self._digest = hashlib.sha256()

    def note(self, document: Document) -> None:
        """Add one document."""
        raw = document.text.encode("utf-8")
        self.documents += 1
        self.characters += len(document.text)
        self.bytes += len(raw)
        name = Path(document.source).name
        self.files[name] = self.files.get(name, 0) + len(raw)
        self._digest.update(raw)

    def texts(self, source: Iterator[Document]) -> Iterator[str]:
        """Pass the texts on, taking note of each."""
        for document in source:
            self.note(document)
            yield document.text

    def as_json(self) -> dict[str, Any]:
        """Files with their sizes, totals and a SHA-256 of the whole text."""
        return {
            "files": self.files,
            "documents": self.documents,
            "characters": self.characters,
            "bytes": self.bytes,
            "sha256": self._digest.hexdigest(),
        }


def _check_filled(learned: Learned, job: _Job) -> None:
    if learned.exhausted:
        reached = len(learned.tokens) + len(job.specials)
        raise InputError(
            f"the corpus fills only {reached:,} of {job.vocab_size:,} ids: no further pair of tokens occurs "
            f"{job.min_count} times; give more text, or ask for at most {reached:,}"
        )


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a vocabulary depends on."""
    found = {"python": platform.python_version()}
    for package in ("gyeol", "numpy", "numba", "kiwipiepy", "kiwipiepy_model"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
