"""The figures of a tokenizer from its tallies: per file, per group, macro and over all text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.intervals import mean_interval, resampled, verdict
from benchmarks.fertility.results import Figures, FileFigures, Interval, Intervals, RoundTrip, Sums, TokenizerFigures
from benchmarks.fertility.tally import FileText, renyi_efficiency, type_counts
from benchmarks.metrics import RATES, SHARES, quotient
from benchmarks.peers.adapters import Peer


@dataclass(frozen=True)
class Context:
    """Inputs that all tokenizers share."""

    peers: Sequence[Peer]
    against: Sequence[str]
    """Names of the baselines."""
    claim: float | None
    """Ratio that every ratio is compared with."""
    aligned: bool
    """True if token boundaries were compared with morphemes."""
    draws: dict[str, NDArray[np.float64] | None]
    """By file, (draws, 3 + tokenizers): characters, bytes, eojeols and each tokenizer's tokens."""

    @property
    def bases(self) -> dict[str, int]:
        """The place of each baseline among the tokenizers."""
        return {peer.name: i for i, peer in enumerate(self.peers) if peer.name in self.against}


def results(
    peers: Sequence[Peer], against: Sequence[str], files: Sequence[FileText], claim: float | None, aligned: bool
) -> dict[str, TokenizerFigures]:
    """All figures of every tokenizer, by name."""
    context = Context(peers, against, claim, aligned, {file.name: _draws(file) for file in files})
    return {peer.name: _result(i, context, files) for i, peer in enumerate(peers)}


def _draws(file: FileText) -> NDArray[np.float64] | None:
    columns = [np.concatenate(file.sections), *(np.array([tally.sections]).T for tally in file.tallies)]
    sections = np.concatenate(columns, axis=1).astype(np.float64)
    return resampled(sections) if len(sections) > 1 else None


def _result(index: int, context: Context, files: Sequence[FileText]) -> TokenizerFigures:
    tallies = [file.tallies[index] for file in files]
    documents = sum(tally.lossy_documents for tally in tallies)
    characters = sum(tally.lossy_characters for tally in tallies)
    groups = sorted({file.group for file in files})
    of_file = {file.name: (_average(index, context, [file]), _sums(index, context, [file])) for file in files}
    return TokenizerFigures(
        files={name: FileFigures(**(vars(mean) | vars(sums))) for name, (mean, sums) in of_file.items()},
        macro=_average(index, context, files),
        groups={g: _average(index, context, [file for file in files if file.group == g]) for g in groups},
        total=_sums(index, context, files),
        round_trip=RoundTrip(
            lossless=documents == 0,
            documents_lost=documents / sum(file.documents for file in files),
            characters_lost=characters / sum(file.characters for file in files),
        ),
    )


def _sums(index: int, context: Context, files: Sequence[FileText]) -> Sums:
    """The figures over the text of ``files`` together."""
    totals = {key: sum(getattr(file, key) for file in files) for key in ("characters", "bytes", "eojeols")}
    totals["tokens"] = tokens = sum(file.tallies[index].tokens for file in files)
    of_base = {name: sum(file.tallies[i].tokens for file in files) for name, i in context.bases.items()}
    rates: dict[str, Any] = {rate.key: quotient(totals[rate.part], totals[rate.whole]) for rate in RATES}
    return Sums(**totals, **rates, ratio={name: quotient(base, tokens) for name, base in of_base.items()})


def _average(index: int, context: Context, files: Sequence[FileText]) -> Figures:
    """The means over ``files`` with their intervals, and the figures that are over their tokens together."""
    rows, tallies = [_sums(index, context, [file]) for file in files], [file.tallies[index] for file in files]
    means: dict[str, Any] = {rate.key: _fmean([getattr(row, rate.key) for row in rows]) for rate in RATES}
    for share in SHARES:
        parts = [(getattr(tally, share.part), getattr(tally, share.whole)) for tally in tallies]
        means[share.key] = _fmean([quotient(*pair) for pair in parts])
    counts, vocab_size = type_counts(tallies), context.peers[index].vocab_size
    intervals, claim = _intervals(index, context, files), context.claim
    verdicts = None if claim is None else {name: verdict(span, claim) for name, span in intervals.ratio.items()}
    return Figures(
        files=len(files),
        ratio={name: _fmean([row.ratio[name] for row in rows]) for name in context.against},
        intervals=intervals,
        renyi_efficiency=renyi_efficiency(counts, vocab_size),
        vocabulary_used=quotient(len(counts), vocab_size),
        alignment=reduce(add, (tally.alignment for tally in tallies)).result() if context.aligned else None,
        claim=verdicts,
        **means,
    )


def _intervals(index: int, context: Context, files: Sequence[FileText]) -> Intervals:
    """The interval of each rate and ratio."""
    own = 3 + index
    columns = {"characters": 0, "bytes": 1, "eojeols": 2, "tokens": own}
    spans = {rate.key: _interval(context, files, columns[rate.part], columns[rate.whole]) for rate in RATES}
    return Intervals(**spans, ratio={name: _interval(context, files, 3 + i, own) for name, i in context.bases.items()})


def _interval(context: Context, files: Sequence[FileText], part: int, whole: int) -> Interval | None:
    quotients: list[NDArray[np.float64] | float | None] = []
    for file in files:
        draws = context.draws[file.name]
        if draws is None:
            totals = [file.characters, file.bytes, file.eojeols, *(tally.tokens for tally in file.tallies)]
            quotients.append(quotient(totals[part], totals[whole]))
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                quotients.append(draws[:, part] / draws[:, whole])
    return mean_interval(quotients)


def _fmean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
