"""Counted pre-tokens, as the tests of training need them."""

from collections.abc import Iterable

from tokenizer.corpus import Document
from tokenizer.training.collect import collect
from tokenizer.training.counts import Counts


def count_pretokens(texts: Iterable[str], *, threads: int = 2) -> Counts:
    """The distinct pre-tokens of the grammar o200k in ``texts``, counted as in training."""
    return collect((Document(text, "text.txt") for text in texts), "o200k", threads=threads).words
