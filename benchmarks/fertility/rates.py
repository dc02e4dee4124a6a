"""The figures of a tokenizer from what it spent on each file: per file, per register, macro and over all text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.intervals import mean_interval, resampled, verdict
from benchmarks.fertility.tally import renyi_efficiency, type_counts
from benchmarks.peers.adapters import Peer

if TYPE_CHECKING:
    from benchmarks.fertility.measuring import FileText

RATES = ("tokens_per_character", "characters_per_token", "bytes_per_token", "tokens_per_eojeol")
SHARES = ("eojeols_whole", "eojeols_single_token", "tokens_inside_character")


@dataclass(frozen=True)
class Context:
    """What all tokenizers share: their order, the baselines, the claim, the draws of each file."""

    peers: Sequence[Peer]
    against: Sequence[str]
    claim: float | None
    aligned: bool
    draws: dict[str, NDArray[np.float64] | None]
    """By file, (draws, 3 + tokenizers): characters, bytes, eojeols and each tokenizer's tokens."""

    @property
    def bases(self) -> dict[str, int]:
        """The place of each baseline among the tokenizers."""
        return {peer.name: i for i, peer in enumerate(self.peers) if peer.name in self.against}


def results(
    peers: Sequence[Peer], against: Sequence[str], files: Sequence[FileText], claim: float | None, aligned: bool
) -> dict[str, Any]:
    """All figures of every tokenizer, by name."""
    context = Context(peers, against, claim, aligned, {file.name: _draws(file) for file in files})
    return {peer.name: _result(i, context, files) for i, peer in enumerate(peers)}


def _draws(file: FileText) -> NDArray[np.float64] | None:
    columns = [np.concatenate(file.sections), *(np.array([tally.sections]).T for tally in file.tallies)]
    sections = np.concatenate(columns, axis=1).astype(np.float64)
    return resampled(sections) if len(sections) > 1 else None


def _result(index: int, context: Context, files: Sequence[FileText]) -> dict[str, Any]:
    tallies = [file.tallies[index] for file in files]
    documents = sum(tally.lossy_documents for tally in tallies)
    groups = sorted({file.group for file in files})
    return {
        "files": {file.name: _average(index, context, [file]) | _sums(index, context, [file]) for file in files},
        "macro": _average(index, context, files),
        "groups": {g: _average(index, context, [file for file in files if file.group == g]) for g in groups},
        "total": _sums(index, context, files),
        "round_trip": {
            "lossless": documents == 0,
            "documents_lost": documents / sum(file.documents for file in files),
            "characters_lost": sum(t.lossy_characters for t in tallies) / sum(file.characters for file in files),
        },
    }


def _sums(index: int, context: Context, files: Sequence[FileText]) -> dict[str, Any]:
    """The figures over the text of ``files`` together."""
    tokens = sum(file.tallies[index].tokens for file in files)
    characters, size = sum(file.characters for file in files), sum(file.bytes for file in files)
    eojeols = sum(file.eojeols for file in files)
    of_base = {name: sum(file.tallies[i].tokens for file in files) for name, i in context.bases.items()}
    return {
        "tokens": tokens,
        "characters": characters,
        "bytes": size,
        "eojeols": eojeols,
        "tokens_per_character": tokens / characters,
        "characters_per_token": _divide(characters, tokens),
        "bytes_per_token": _divide(size, tokens),
        "tokens_per_eojeol": tokens / eojeols,
        "ratio": {name: _divide(base, tokens) for name, base in of_base.items()},
    }


def _average(index: int, context: Context, files: Sequence[FileText]) -> dict[str, Any]:
    """The means over ``files`` with their intervals, and what can only be said of all of them together."""
    rows = [_sums(index, context, [file]) for file in files]
    counts = type_counts(file.tallies[index] for file in files)
    vocab_size = context.peers[index].vocab_size
    found: dict[str, Any] = {"files": len(files)}
    found |= {key: _fmean([row[key] for row in rows]) for key in RATES}
    found["ratio"] = {name: _fmean([row["ratio"][name] for row in rows]) for name in context.against}
    found["intervals"] = _intervals(index, context, files)
    found |= {key: _fmean([_shares(file, index)[key] for file in files]) for key in SHARES}
    found["renyi_efficiency"] = renyi_efficiency(counts, vocab_size)
    found["vocabulary_used"] = len(counts) / vocab_size if vocab_size else None
    if context.aligned:
        found["alignment"] = reduce(add, (file.tallies[index].alignment for file in files)).result()
    if context.claim is not None:
        spans = found["intervals"]["ratio"]
        found["claim"] = {name: verdict(span, context.claim) for name, span in spans.items()}
    return found


def _intervals(index: int, context: Context, files: Sequence[FileText]) -> dict[str, Any]:
    """The interval of each rate and ratio."""
    own = 3 + index
    columns = {
        "tokens_per_character": (own, 0),
        "characters_per_token": (0, own),
        "bytes_per_token": (1, own),
        "tokens_per_eojeol": (own, 2),
    }
    spans: dict[str, Any] = {key: _interval(context, files, *pair) for key, pair in columns.items()}
    spans["ratio"] = {name: _interval(context, files, 3 + base, own) for name, base in context.bases.items()}
    return spans


def _interval(context: Context, files: Sequence[FileText], part: int, whole: int) -> list[float] | None:
    quotients: list[NDArray[np.float64] | float | None] = []
    for file in files:
        draws = context.draws[file.name]
        if draws is None:
            totals = [file.characters, file.bytes, file.eojeols, *(tally.tokens for tally in file.tallies)]
            quotients.append(_divide(totals[part], totals[whole]))
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                quotients.append(draws[:, part] / draws[:, whole])
    return mean_interval(quotients)


def _shares(file: FileText, index: int) -> dict[str, float | None]:
    tally = file.tallies[index]
    return {
        "eojeols_whole": _divide(tally.whole, tally.placed_eojeols),
        "eojeols_single_token": _divide(tally.single, tally.placed_eojeols),
        "tokens_inside_character": _divide(tally.inside_character, tally.placed_tokens),
    }


def _divide(part: float, whole: float) -> float | None:
    return part / whole if whole else None  # a tokenizer that drops all it does not know spends no token


def _fmean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
