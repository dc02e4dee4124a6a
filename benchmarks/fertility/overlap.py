"""Measured text that was in a tokenizer's training text: its figures there are not those of unseen text.

`gyeol train` records a sample of the lines that it read, and the measured files are sampled alike (see
`tokenizer.text.line_sample`), so lines of a file are found whatever file they were trained on in. A tokenizer is
warned of when at least `SHARE` of the lines of a file, or of all files together, are found, and `FEWEST` of them; of
code, files of one source share up to 6% (licences, imports), of prose none.
"""

from collections.abc import Sequence
from unicodedata import normalize

from benchmarks.fertility.results import SharedLines, TrainedOn
from benchmarks.metrics import Words
from benchmarks.peers.adapters import Peer
from tokenizer.text import LineSample, LineSampler, joined_samples

SHARE = 0.1
"""Share of the lines from which on a tokenizer is warned of."""
FEWEST = 3
"""Sampled lines that must be found, unless all lines were compared and all are found: one may be a licence's."""
NAMED = 3
"""Files that a warning names, those of the largest shares."""


class MeasuredLines:
    """Samples the lines of one file, as the tokenizers' training texts were read."""

    def __init__(self, peers: Sequence[Peer]) -> None:
        self._samplers = {peer.composed: LineSampler() for peer in peers if peer.line_sample}

    def add(self, text: str, raw: bytes) -> None:
        """Take in one more document and its UTF-8."""
        for composed, sampler in self._samplers.items():
            sampler.add_text(normalize("NFC", text).encode() if composed else raw)

    def sample(self, composed: bool) -> LineSample:
        """The sample of the file's lines, ``composed`` (Unicode NFC) or as they are."""
        return self._samplers[composed].sample()


def overlaps(peers: Sequence[Peer], files: dict[str, MeasuredLines]) -> dict[str, TrainedOn] | None:
    """By tokenizer, what of ``files`` (by name) was in its training text; None if nothing was that matters."""
    found = {peer.name: _overlap(peer, files) for peer in peers}
    return {name: own for name, own in found.items() if own} or None


def _overlap(peer: Peer, files: dict[str, MeasuredLines]) -> TrainedOn | None:
    if peer.line_sample is None:
        return None
    samples = {name: lines.sample(peer.composed) for name, lines in files.items()}
    everything = _shared(joined_samples(samples.values()), peer.line_sample)
    shared = {name: _shared(sample, peer.line_sample) for name, sample in samples.items()}
    much = {name: own for name, own in shared.items() if _matters(own)}
    return TrainedOn(everything, much) if much or _matters(everything) else None


def _shared(sample: LineSample, trained: LineSample) -> SharedLines:
    found, sampled = sample.found_in(trained)
    return SharedLines(found / sampled if sampled else 0.0, found, sampled, sample.whole and trained.whole)


def _matters(own: SharedLines) -> bool:
    every = own.exact and 0 < own.found == own.sampled
    return every or (own.found >= FEWEST and own.share >= SHARE)


def in_words(trained_on: dict[str, TrainedOn] | None, files: int) -> list[Words]:
    """A sentence per tokenizer, in English and Korean, on the overlap with its training text; ``files`` were
    measured."""
    return [_sentence(name, own, files) for name, own in (trained_on or {}).items()]


def _sentence(name: str, own: TrainedOn, files: int) -> Words:
    english, korean = _several(own, files) if len(own.files) > 1 else _one(own)
    return (
        f"{name}: {english}; its figures there are not those of unseen text",
        f"{name}: {korean} 이 값은 처음 보는 글의 값이 아닙니다.",
    )


def _one(own: TrainedOn) -> Words:
    """One file that was trained on, or all files where none alone tells."""
    ((place, lines),) = own.files.items() or [("", own.all_files)]
    about, sampled, sample = ("", "", "") if lines.exact else ("about ", " sampled", "표본 ")
    counts = f"({lines.found:,} of {lines.sampled:,}{sampled})"
    of_counts = f"({sample}{lines.sampled:,}줄 가운데 {lines.found:,}줄)"
    return (
        f"{about}{lines.share:.0%} of the lines of {place or 'all files'} {counts} were in its training text",
        f"{place or '전체 파일'}의 줄 {'약 ' if about else ''}{lines.share:.0%}{of_counts}가 학습 글에 있었습니다.",
    )


def _several(own: TrainedOn, files: int) -> Words:
    most = sorted(own.files.items(), key=lambda item: -item[1].share)[:NAMED]
    named, count = ", ".join(f"{place} {lines.share:.0%}" for place, lines in most), f"{len(own.files):,}"
    more = (", ...", " 등") if len(own.files) > NAMED else ("", "")
    share = f"{own.all_files.share:.0%}"
    return (
        f"lines of {count} of {files:,} files ({named}{more[0]}) were in its training text, about {share} of all lines",
        f"파일 {files:,}개 가운데 {count}개({named}{more[1]})의 줄이 학습 글에 있었습니다(전체 줄의 약 {share}).",
    )
