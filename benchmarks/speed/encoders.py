"""The engines whose encoding speed is compared.

They encode with one vocabulary: its ranks and pattern, or its ``tokenizer.json``. Each returns what it returns
fastest; turning that into ids for the comparison is outside the clock.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Encoded = Any
Encode = Callable[[list[str]], Any]


@dataclass(frozen=True)
class Form:
    """A vocabulary in the forms that engines load."""

    name: str
    pattern: str
    ranks: str
    """A file of tiktoken: base64, a space, the rank."""
    folder: str | None
    """A folder as Gyeol saves it; None for o200k_base, which has none."""

    def pairs(self) -> dict[bytes, int]:
        """Token to rank."""
        lines = (line.split() for line in Path(self.ranks).read_bytes().splitlines())
        return {base64.b64decode(token): int(rank) for token, rank in lines}


def _load_gyeol(form: Form, threads: int) -> Encode:
    from tokenizer import Tokenizer

    own = Tokenizer.load(str(form.folder))
    return lambda texts: own.encode_to_array(texts, threads=threads)


def _load_tiktoken(form: Form, threads: int) -> Encode:
    import tiktoken

    own = tiktoken.Encoding(form.name, pat_str=form.pattern, mergeable_ranks=form.pairs(), special_tokens={})

    def one(text: str) -> Any:
        return own.encode_to_numpy(text, disallowed_special=())

    def encode(texts: list[str]) -> list[Any]:
        if threads == 1:
            return [one(text) for text in texts]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, texts))

    return encode


def _load_tokenizers(form: Form, threads: int) -> Encode:
    from tokenizers import Tokenizer

    own = Tokenizer.from_file(f"{form.folder}/tokenizer.json")
    own.encode_special_tokens = True
    return lambda texts: own.encode_batch_fast(texts, add_special_tokens=False)


def _load_splintr(form: Form, threads: int) -> Encode:
    import splintr

    own: Any = splintr.Tokenizer.from_bytes(Path(form.ranks).read_bytes(), form.pattern)
    return own.encode_batch_flat  # type: ignore[no-any-return]


def _load_splintr_pcre2(form: Form, threads: int) -> Encode:
    import splintr

    own: Any = splintr.Tokenizer.from_bytes(Path(form.ranks).read_bytes(), form.pattern)
    return own.pcre2(True).encode_batch_flat  # type: ignore[no-any-return]


def _load_gigatoken(form: Form, threads: int) -> Encode:
    import gigatoken

    from tokenizer.pretokenize import PATTERNS

    if form.pattern == PATTERNS["o200k"]:
        own = gigatoken.Tokenizer.from_tiktoken(form.ranks, "o200k", {})
    else:  # it refuses what it does not know
        own = gigatoken.Tokenizer(f"{form.folder}/tokenizer.json")
    return lambda texts: own.encode_batch(texts, parallel=threads > 1)


def _load_fastokens(form: Form, threads: int) -> Encode:
    import fastokens

    own: Any = fastokens.Tokenizer.from_tiktoken(form.ranks, pattern=form.pattern)
    return own.encode_batch_flat  # type: ignore[no-any-return]


def _lists(encoded: Encoded) -> Iterable[Any]:
    return encoded


def _from_encodings(encoded: Encoded) -> Iterable[Any]:
    return (one.ids for one in encoded)


def _from_flat(encoded: Encoded) -> Iterable[Any]:
    ids, offsets = np.frombuffer(encoded[0], np.uint32), np.frombuffer(encoded[1], np.uint64)
    return np.split(ids, offsets[1:-1].astype(np.int64))


def _from_arrays(encoded: Encoded) -> Iterable[Any]:
    ids, offsets = encoded
    return np.split(ids, offsets[1:-1])


def _from_awkward(encoded: Encoded) -> Iterable[Any]:
    return (np.asarray(row) for row in encoded)


@dataclass(frozen=True)
class Engine:
    """A library that encodes: its module, how it loads a vocabulary, its fastest call and what that gives."""

    module: str
    load: Callable[[Form, int], Encode]
    """From a vocabulary and a number of threads to a function of texts."""
    method: str
    ids: Callable[[Encoded], Iterable[Any]] = _lists
    needs_folder: bool = False


ENGINES = {
    "gyeol": Engine("tokenizer", _load_gyeol, "Tokenizer.encode_to_array: arrays", _from_arrays, needs_folder=True),
    "tiktoken": Engine("tiktoken", _load_tiktoken, "Encoding.encode_to_numpy: arrays"),
    "tokenizers": Engine(
        "tokenizers", _load_tokenizers, "Tokenizer.encode_batch_fast: Encodings", _from_encodings, needs_folder=True
    ),
    "splintr": Engine("splintr", _load_splintr, "Tokenizer.encode_batch_flat: bytes", _from_flat),
    "splintr-pcre2": Engine("splintr", _load_splintr_pcre2, "Tokenizer.encode_batch_flat: bytes", _from_flat),
    "gigatoken": Engine("gigatoken", _load_gigatoken, "Tokenizer.encode_batch: awkward Array", _from_awkward),
    "fastokens": Engine("fastokens", _load_fastokens, "Tokenizer.encode_batch_flat: bytes", _from_flat),
}
