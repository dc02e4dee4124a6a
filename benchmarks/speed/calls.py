"""Time of one call on a short text, as chats and servers make them: what a library costs before it encodes anything."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import samples
from benchmarks.report.terminal import print_speed, span
from benchmarks.speed.child import Job, clocked
from benchmarks.speed.encoders import EncoderInput, encoder_inputs
from benchmarks.speed.rounds import check_known, describe, missing, run_rounds, speed_result, spread
from tokenizer.corpus import documents
from tokenizer.errors import InputError

SIZES = (20, 200, 2000)
"""Characters of the texts."""
CALLS = 2000
"""Texts of each size, each encoded once."""
Call = Callable[[str], list[int]]


def measure_calls(
    tokenizers: Sequence[str],
    paths: Sequence[str | Path],
    *,
    engines: Sequence[str] = (),
    rounds: int = 1,
    timeout: float = 600,
    text_key: str = "text",
) -> dict[str, Any]:
    """Encode slices of the texts, one a call, with every engine and vocabulary.

    ``results`` is a list: vocabulary, engine, characters, ``microseconds`` (a call; median, min, max over rounds),
    ``equal_texts`` (of ``calls``: those whose ids are those of the vocabulary's first engine). `InputError` where no
    text has the characters of the longest slice.
    """
    chosen = list(dict.fromkeys(engines)) or list(CALLERS)
    check_known(chosen, CALLERS, "engine")
    described = describe(paths, text_key)
    texts = [document.text for document in documents(paths, text_key=text_key)]
    with tempfile.TemporaryDirectory() as scratch:
        jobs: dict[str, CallJob] = {}
        vocabularies = encoder_inputs(tokenizers, Path(scratch))
        for size in SIZES:
            file = Path(scratch) / f"{size}.json"
            file.write_text(json.dumps(slices(texts, size)), encoding="utf-8")
            for own, name in product(vocabularies, chosen):
                if own.folder is not None or name not in _NEED_FOLDER:
                    jobs[f"{own.name} | {name} | {size}"] = CallJob(
                        engine=name, texts=str(file), threads=1, **vars(own)
                    )
        skipped = {key: why for key, job in jobs.items() if (why := missing((_MODULES.get(job.engine, job.engine),)))}
        found = run_rounds(jobs, rounds, timeout, skipped)
    rows: list[dict[str, Any]] = []
    first: dict[tuple[str, str], list[str]] = {}
    for key, runs in found.items():
        vocabulary, engine, characters = key.split(" | ")
        ids, *_ = [run.pop("ids") for run in runs]
        same = sum(a == b for a, b in zip(ids, first.setdefault((vocabulary, characters), ids), strict=True))
        row: dict[str, Any] = {"vocabulary": vocabulary, "engine": engine, "characters": int(characters)}
        row |= {"microseconds": spread([1e6 * run["seconds"] / CALLS for run in runs]), "calls": CALLS}
        rows.append(row | {"equal_texts": same, "rounds": runs})
    return speed_result("calls", {"rounds": rounds, "calls": CALLS}, {"texts": described}, rows, skipped)


def slices(texts: Sequence[str], size: int) -> list[str]:
    """`CALLS` slices of ``size`` characters, at places that are the same at every call."""
    long_enough = [text for text in texts if len(text) >= size]
    if not long_enough:
        raise InputError(f"no text has {size:,} characters; name longer ones")
    draw = random.Random(0)
    chosen = draw.choices(long_enough, weights=list(map(len, long_enough)), k=CALLS)
    starts = (draw.randrange(len(text) - size + 1) for text in chosen)
    return [text[start : start + size] for text, start in zip(chosen, starts, strict=True)]


def _gyeol(vocabulary: EncoderInput) -> Call:
    from tokenizer import Tokenizer

    return Tokenizer.load(str(vocabulary.folder)).encode


def _tiktoken(vocabulary: EncoderInput) -> Call:
    import tiktoken

    lines = (line.split() for line in Path(vocabulary.ranks).read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    own = tiktoken.Encoding(vocabulary.name, pat_str=vocabulary.pattern, mergeable_ranks=ranks, special_tokens={})
    return own.encode_ordinary


def _tokenizers(vocabulary: EncoderInput) -> Call:
    from tokenizers import Tokenizer

    own = Tokenizer.from_file(f"{vocabulary.folder}/tokenizer.json")
    own.encode_special_tokens = True
    return lambda text: own.encode(text, add_special_tokens=False).ids  # type: ignore[no-any-return]


def _splintr(vocabulary: EncoderInput) -> Call:
    import splintr

    own: Any = splintr.Tokenizer.from_bytes(Path(vocabulary.ranks).read_bytes(), vocabulary.pattern)
    return own.encode  # type: ignore[no-any-return]


CALLERS = {"gyeol": _gyeol, "tiktoken": _tiktoken, "tokenizers": _tokenizers, "splintr": _splintr}
_MODULES = {"gyeol": "tokenizer"}
_NEED_FOLDER = {"gyeol", "tokenizers"}


@dataclass(frozen=True, kw_only=True)
class CallJob(EncoderInput, Job):
    """Texts encoded one a call, with one vocabulary."""

    engine: str
    """A key of `CALLERS`."""
    texts: str
    """A JSON file: a list of texts."""

    def run(self) -> dict[str, Any]:
        """Encode each text once, after English samples: the figures, and a checksum of each text's ids."""
        encode, texts = CALLERS[self.engine](self), json.loads(Path(self.texts).read_bytes())
        english = (samples.folder() / "english.txt").read_text(encoding="utf-8")
        start = time.perf_counter()
        while time.perf_counter() < start + 0.2:
            encode(english[: len(texts[0])])
        encoded, figures = clocked(lambda: [encode(text) for text in texts])
        return {"ids": [hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:8] for ids in encoded], **figures}


def print_calls(result: dict[str, Any]) -> None:
    """Print the result of `measure_calls`."""
    rows = [
        [row["vocabulary"], row["engine"], f"{row['characters']:,}", *span(row["microseconds"], ".1f"), same]
        for row in sorted(result["results"], key=lambda row: (row["characters"], row["vocabulary"]))
        for same in [f"{row['equal_texts']:,}/{row['calls']:,}"]
    ]
    heads = ("characters", "us a call", "min - max", "same ids")
    print_speed(result, "One text a call, one thread", ["vocabulary", "engine"], heads, rows)
