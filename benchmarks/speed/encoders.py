"""The engines whose encoding speed is compared.

They encode with one vocabulary: its ranks and pattern, or its ``tokenizer.json``. Each returns the form that it is
fastest with; turning that into ids for the comparison is outside the clock.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import samples
from benchmarks.peers.openai import RANK_FILES, ensure_ranks, load_encoding
from benchmarks.speed.child import Job, clocked
from tokenizer import Tokenizer
from tokenizer.errors import InputError
from tokenizer.pretokenize import pattern

BASE_VOCABULARY = "o200k_base"
Encode = Callable[[list[str]], Any]

WARM_UP_CHARACTERS = 1 << 20
"""Characters a thread of the encoding before the clock: enough that all threads have started and have their memory."""


@dataclass(frozen=True, kw_only=True)
class EncoderInput:
    """A vocabulary in the forms that engines load."""

    name: str
    pattern: str
    """Regular expression of the pre-tokens."""
    ranks: str
    """A file of tiktoken: base64, a space, the rank."""
    folder: str | None
    """A folder as Gyeol saves it; None for o200k_base, which has none."""


def encoder_inputs(tokenizers: Sequence[str], scratch: Path) -> list[EncoderInput]:
    """The vocabularies in every form that engines load, o200k_base last."""
    found: list[EncoderInput] = []
    for number, spec in enumerate(dict.fromkeys(tokenizers)):
        own = Tokenizer.load(spec)
        folder = scratch / f"tokenizer{number}"
        own.save(folder)
        ordinary = [(token, i) for i, token in enumerate(own.vocabulary.tokens) if i not in own.vocabulary.special_ids]
        lines = (b"%s %d\n" % (base64.b64encode(token), i) for token, i in ordinary)
        (folder / "ranks.tiktoken").write_bytes(b"".join(lines))
        name = Path(spec).name
        if any(other.name == name for other in found) or name == BASE_VOCABULARY:
            raise InputError(f"two tokenizers are named {name!r}; rename a folder")
        regex, ranks = pattern(own.vocabulary.grammar), str(folder / "ranks.tiktoken")
        found.append(EncoderInput(name=name, pattern=regex, ranks=ranks, folder=str(folder)))
    file, regex = RANK_FILES[BASE_VOCABULARY], load_encoding(BASE_VOCABULARY)._pat_str
    ranks = str(ensure_ranks(file) / file.cache_name)
    return [*found, EncoderInput(name=BASE_VOCABULARY, pattern=regex, ranks=ranks, folder=None)]


def _load_gyeol(vocabulary: EncoderInput, threads: int) -> Encode:
    own = Tokenizer.load(str(vocabulary.folder))
    return lambda texts: own.encode_to_array(texts, threads=threads)


def _load_tiktoken(vocabulary: EncoderInput, threads: int) -> Encode:
    import tiktoken

    lines = (line.split() for line in Path(vocabulary.ranks).read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    own = tiktoken.Encoding(vocabulary.name, pat_str=vocabulary.pattern, mergeable_ranks=ranks, special_tokens={})
    one = partial(own.encode_to_numpy, disallowed_special=())

    def encode(texts: list[str]) -> list[Any]:
        if threads == 1:
            return [one(text) for text in texts]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, texts))

    return encode


def _load_tokenizers(vocabulary: EncoderInput, threads: int) -> Encode:
    from tokenizers import Tokenizer

    own = Tokenizer.from_file(f"{vocabulary.folder}/tokenizer.json")
    own.encode_special_tokens = True
    return lambda texts: own.encode_batch_fast(texts, add_special_tokens=False)


def _load_splintr(vocabulary: EncoderInput, threads: int, pcre2: bool = False) -> Encode:
    import splintr

    own: Any = splintr.Tokenizer.from_bytes(Path(vocabulary.ranks).read_bytes(), vocabulary.pattern)
    return (own.pcre2(True) if pcre2 else own).encode_batch_flat  # type: ignore[no-any-return]


def _load_gigatoken(vocabulary: EncoderInput, threads: int) -> Encode:
    import gigatoken

    from tokenizer.pretokenize import PATTERNS

    if vocabulary.pattern == PATTERNS["o200k"]:
        own = gigatoken.Tokenizer.from_tiktoken(vocabulary.ranks, "o200k", {})
    else:  # it refuses what it does not know
        own = gigatoken.Tokenizer(f"{vocabulary.folder}/tokenizer.json")
    return lambda texts: own.encode_batch(texts, parallel=threads > 1)


def _load_fastokens(vocabulary: EncoderInput, threads: int) -> Encode:
    import fastokens

    own: Any = fastokens.Tokenizer.from_tiktoken(vocabulary.ranks, pattern=vocabulary.pattern)
    return own.encode_batch_flat  # type: ignore[no-any-return]


def _from_encodings(encoded: Any) -> Iterable[Any]:
    return (one.ids for one in encoded)


def _from_flat(encoded: Any) -> Iterable[Any]:
    ids, offsets = np.frombuffer(encoded[0], np.uint32), np.frombuffer(encoded[1], np.uint64)
    return np.split(ids, offsets[1:-1].astype(np.int64))


def _from_arrays(encoded: Any) -> Iterable[Any]:
    ids, offsets = encoded
    return np.split(ids, offsets[1:-1])


@dataclass(frozen=True)
class Engine:
    """A library that encodes."""

    module: str
    load: Callable[[EncoderInput, int], Encode]
    """From a vocabulary and a number of threads to a function of texts."""
    method: str
    """Name of its fastest call, and the form of the result."""
    ids: Callable[[Any], Iterable[Any]] = iter
    """From that result to the ids of each text."""
    needs_folder: bool = False
    """True if it loads the folder rather than the ranks."""


ENGINES = {
    "gyeol": Engine("tokenizer", _load_gyeol, "Tokenizer.encode_to_array: arrays", _from_arrays, needs_folder=True),
    "tiktoken": Engine("tiktoken", _load_tiktoken, "Encoding.encode_to_numpy: arrays"),
    "tokenizers": Engine(
        "tokenizers", _load_tokenizers, "Tokenizer.encode_batch_fast: Encodings", _from_encodings, needs_folder=True
    ),
    "splintr": Engine("splintr", _load_splintr, "Tokenizer.encode_batch_flat: bytes", _from_flat),
    "splintr-pcre2": Engine(
        "splintr", partial(_load_splintr, pcre2=True), "Tokenizer.encode_batch_flat: bytes", _from_flat
    ),
    "gigatoken": Engine("gigatoken", _load_gigatoken, "Tokenizer.encode_batch: awkward Array"),
    "fastokens": Engine("fastokens", _load_fastokens, "Tokenizer.encode_batch_flat: bytes", _from_flat),
}


@dataclass(frozen=True, kw_only=True)
class EncodeJob(EncoderInput, Job):
    """One encoding of all texts with one vocabulary."""

    engine: str
    """A key of `ENGINES`."""
    texts: str
    """A JSON file: a list of texts."""

    def run(self) -> dict[str, Any]:
        """Encode once, after English samples: the figures, and a checksum of each text's ids."""
        engine, texts = ENGINES[self.engine], json.loads(Path(self.texts).read_bytes())
        start = time.perf_counter()
        encode = engine.load(self, self.threads)
        english = (samples.folder() / "english.txt").read_text(encoding="utf-8")
        encode([english] * (self.threads * WARM_UP_CHARACTERS // len(english)))
        warm_up = time.perf_counter() - start
        encoded, figures = clocked(lambda: encode(texts))
        rows = [np.asarray(ids, dtype=np.uint32) for ids in engine.ids(encoded)]
        sums = [hashlib.sha256(row.tobytes()).hexdigest()[:16] for row in rows]
        return {"tokens": sum(row.size for row in rows), "ids": sums, "warm_up_seconds": warm_up, **figures}
