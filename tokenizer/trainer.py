"""Recipes: from a corpus to a vocabulary.

``plain``
    byte-level BPE over the pre-tokens of the o200k grammar: what everybody else trains.
``strict``
    the same, with every pre-token that holds Hangul split at Kiwi's morpheme boundaries, in training and in
    encoding. Tokens never straddle morphemes, at the price of more of them and of Kiwi at encoding time.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from tokenizer.corpus import Document, documents, total_size
from tokenizer.counts import Counts, count_pretokens
from tokenizer.errors import InputError
from tokenizer.merges import Learned, byte_alphabet, learn_merges
from tokenizer.morphemes import korean_count, split_counts
from tokenizer.progress import step
from tokenizer.tokenizer import Tokenizer
from tokenizer.vocabulary import build, default_special_tokens

RECIPES = ("plain", "strict")


def train(
    corpus: str | Path | Sequence[str | Path],
    vocab_size: int = 32_768,
    *,
    recipe: str = "plain",
    min_count: int = 2,
    name: str | None = None,
    text_key: str = "text",
    errors: Literal["replace", "strict"] = "replace",
    threads: int | None = None,
) -> Tokenizer:
    """Train a tokenizer of ``vocab_size`` ids, special tokens included.

    ``corpus`` is one or several files or folders as `tokenizer.corpus.documents` reads them. Pairs that occur
    fewer than ``min_count`` times are not merged. `InputError` for an unknown recipe, a vocabulary too small
    for the bytes and special tokens, and one that the corpus cannot fill.
    """
    paths = [corpus] if isinstance(corpus, (str, Path)) else list(corpus)
    if recipe not in RECIPES:
        raise InputError(f"unknown recipe {recipe!r}; known: {', '.join(RECIPES)}")
    specials = default_special_tokens()
    least = 256 + len(specials)
    if vocab_size < least:
        raise InputError(
            f"vocabulary size {vocab_size:,} is below {least}: 256 bytes and {len(specials)} special tokens; "
            "choose a larger one"
        )
    if min_count < 1:
        raise InputError(f"minimum count {min_count} is below 1")
    record = CorpusRecord()
    counts = _count(paths, record, text_key, errors, threads or os.cpu_count() or 1)
    if recipe == "strict":
        with step("Splitting at morphemes (Kiwi)", total=korean_count(counts)) as progress:
            counts = split_counts(counts, on_progress=progress.advance)
    wanted = vocab_size - len(specials)
    with step("Learning merges", total=wanted - 256) as progress:
        learned = learn_merges(counts, byte_alphabet(), wanted, min_count=min_count, on_progress=progress.advance)
    _check_filled(learned, wanted, len(specials), min_count)
    provenance = {
        "name": name,
        "recipe": recipe,
        "min_count": min_count,
        "stages": [{"name": recipe, "tokens": len(learned.tokens), "last_count": learned.counts[-1:]}],
        "corpus": record.as_json(),
        "versions": versions(),
    }
    return Tokenizer(
        build(
            learned.tokens,
            learned.merges,
            special_tokens=specials,
            strict=recipe == "strict",
            provenance=provenance,
        )
    )


class CorpusRecord:
    """What a corpus was, gathered while it streams by."""

    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.documents = self.characters = self.bytes = 0
        self._digest = hashlib.sha256()

    def texts(self, source: Iterator[Document]) -> Iterator[str]:
        """Pass the texts on, taking note of each."""
        for document in source:
            raw = document.text.encode("utf-8", errors="surrogatepass")
            self.documents += 1
            self.characters += len(document.text)
            self.bytes += len(raw)
            name = Path(document.source).name
            self.files[name] = self.files.get(name, 0) + len(raw)
            self._digest.update(raw)
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


def _count(
    paths: list[str | Path],
    record: CorpusRecord,
    text_key: str,
    errors: Literal["replace", "strict"],
    threads: int,
) -> Counts:
    with step("Counting pre-tokens", total=total_size(paths)) as progress:
        source = documents(paths, text_key=text_key, errors=errors, on_progress=progress.advance)
        return count_pretokens(record.texts(source), threads=threads)


def _check_filled(learned: Learned, wanted: int, specials: int, min_count: int) -> None:
    if learned.exhausted:
        reached = len(learned.tokens) + specials
        raise InputError(
            f"the corpus fills only {reached:,} of {wanted + specials:,} ids: no further pair of tokens occurs "
            f"{min_count} times; give more text, or ask for at most {reached:,}"
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
