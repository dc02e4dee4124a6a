"""The results of a fertility measurement as dataclasses, and their JSON form.

`as_json` gives what `gyeol fertility --json` prints; ``fertility.schema.json`` is generated from these classes (see
`benchmarks.fertility.schema`), with the docstrings of fields as descriptions. A field whose default is None is left
out of the JSON while it is None.
"""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from benchmarks.metrics import GROUPS
from benchmarks.peers.load import NotLoaded
from benchmarks.provenance import Provenance

Interval = tuple[float, float]
"""A 95% bootstrap interval: low, high."""

Verdict = Literal["met", "missed", "undecided"]


@dataclass(frozen=True)
class MeasuredTokenizer:
    """A tokenizer that was measured."""

    name: str
    kind: str
    """Library that runs it: gyeol, tokenizers, sentencepiece, tiktoken or splintr"""
    vocab_size: int
    """Number of ids"""


@dataclass(frozen=True)
class MeasuredFile:
    """A file that was measured."""

    name: str
    """Short name, unique among the files"""
    path: str
    group: str
    """Register, by a heuristic: Korean, English, code or other"""
    documents: int
    characters: int
    bytes: int
    """Bytes of its text as UTF-8"""
    eojeols: int
    unreadable: int
    """Characters that are NUL or U+FFFD"""
    hangul_share: float
    """Share of its letters that are Hangul"""


@dataclass(frozen=True)
class SkippedFile:
    """A file that could not be used."""

    path: str
    reason: str


@dataclass(frozen=True)
class Alignment:
    """Token boundaries inside eojeols with Hangul against morpheme boundaries; null where a quotient is not defined."""

    precision: float | None
    """Share of the token boundaries that are morpheme boundaries"""
    recall: float | None
    """Share of the morpheme boundaries that are token boundaries"""
    f1: float | None
    eojeols: int
    """Eojeols with Hangul in the texts that their tokens spell"""
    kept_whole: float | None
    """Share of these eojeols that lie inside a single token"""
    boundaries_gold: int
    boundaries_predicted: int
    boundaries_hit: int
    eojeols_unaligned: int
    """Eojeols with Hangul in texts that the tokenizer changes; they are left out"""
    morphscore: float | None
    """Of the eojeols of one morpheme boundary and several tokens, the share with a token boundary there"""
    morphscore_left_out: float | None
    """Share of the eojeols that morphscore does not look at"""


@dataclass(frozen=True)
class Intervals:
    """95% bootstrap intervals [low, high]; null where one section alone says nothing of the spread."""

    tokens_per_character: Interval | None
    characters_per_token: Interval | None
    bytes_per_token: Interval | None
    tokens_per_eojeol: Interval | None
    ratio: dict[str, Interval | None]
    """By baseline"""


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Figures over all text together."""

    tokens: int
    characters: int
    bytes: int
    eojeols: int
    tokens_per_character: float
    characters_per_token: float | None
    bytes_per_token: float | None
    tokens_per_eojeol: float
    ratio: dict[str, float | None]
    """By baseline: tokens of the baseline / tokens of the tokenizer"""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Means over files; Rényi efficiency, vocabulary used and alignment are over their tokens together."""

    files: int
    tokens_per_character: float
    characters_per_token: float | None
    bytes_per_token: float | None
    tokens_per_eojeol: float
    ratio: dict[str, float | None]
    """By baseline: tokens of the baseline / tokens of the tokenizer"""
    intervals: Intervals
    eojeols_whole: float | None
    """Share of eojeols that no token boundary cuts"""
    eojeols_single_token: float | None
    """Share of eojeols that are a token of their own, white space before them included"""
    tokens_inside_character: float | None
    """Share of tokens that end inside a character"""
    renyi_efficiency: float | None
    """Rényi entropy of order 2.5 of the token frequencies / logarithm of the vocabulary's size"""
    vocabulary_used: float | None
    """Share of the ids that occur"""
    alignment: Alignment | None = None
    """Against Kiwi, where that was asked for"""
    claim: dict[str, Verdict] | None = None
    """By baseline: is the ratio at least the claim?"""


@dataclass(frozen=True, kw_only=True)
class FileFigures(Sums, Figures):
    """Figures of one file."""


@dataclass(frozen=True)
class RoundTrip:
    """Losses of encoding and decoding."""

    lossless: bool
    documents_lost: float
    """Share of documents that do not come back"""
    characters_lost: float
    """Share of characters that do not come back"""


@dataclass(frozen=True)
class TokenizerFigures:
    """All figures of one tokenizer."""

    files: dict[str, FileFigures]
    """By name of the file"""
    macro: Figures
    groups: dict[str, Figures]
    """By group: the mean over its files"""
    total: Sums
    round_trip: RoundTrip


@dataclass(frozen=True)
class Standard:
    """The morpheme boundaries that tokens are compared with."""

    standard: str
    """kiwi, or the path of a gold file"""
    problems: list[str]
    """Lines of the gold file that could not be used"""
    results: dict[str, Alignment] | None = None
    """By tokenizer, on the texts of the gold file; for kiwi the figures stand with each group"""


@dataclass(frozen=True)
class SharedLines:
    """Measured lines that are in a tokenizer's training text too: distinct lines of 64 bytes or more."""

    share: float
    """found / sampled"""
    found: int
    """Sampled lines that are in the training text"""
    sampled: int
    """Lines that were compared"""
    exact: bool
    """Whether these are all lines, not a sample"""


@dataclass(frozen=True)
class TrainedOn:
    """Measured text that was in a tokenizer's training text."""

    all_files: SharedLines
    """All measured files together"""
    files: dict[str, SharedLines]
    """By name, the files of which a tenth of the lines or more were found"""


@dataclass(frozen=True)
class Report:
    """The result of a fertility measurement."""

    format: Literal[2]
    """Rises when a reader of the old form would go wrong; keys may be added without"""
    measure: Literal["fertility"]
    provenance: Provenance
    against: list[str]
    """Names of the baselines"""
    claim: float | None
    """The ratio that --claim asks about"""
    tokenizers: list[MeasuredTokenizer]
    """The baselines last"""
    failed: list[NotLoaded]
    """Tokenizers that could not be loaded"""
    files: list[MeasuredFile]
    skipped: list[SkippedFile]
    results: dict[str, TokenizerFigures]
    """By tokenizer"""
    alignment: Standard | None
    """The standard of --alignment; null without"""
    trained_on: dict[str, TrainedOn] | None = None
    """By tokenizer, where measured text was in its training text; left out where none is known to have been"""

    @property
    def base(self) -> str | None:
        """The first baseline."""
        return next(iter(self.against), None)

    @property
    def groups(self) -> list[str]:
        """The groups that occur, Korean first."""
        return sorted({file.group for file in self.files}, key=list(GROUPS).index)

    def alignment_of(self, tokenizer: str) -> Alignment | None:
        """The alignment of a tokenizer over all texts, of the gold file or else of the measured files."""
        of_gold = self.alignment.results if self.alignment else None
        return self.results[tokenizer].macro.alignment if of_gold is None else of_gold.get(tokenizer)


def as_json(value: Any) -> Any:
    """``value`` with dataclasses as dictionaries and tuples as lists, as `json.dumps` takes it."""
    if is_dataclass(value):
        found = ((field, getattr(value, field.name)) for field in fields(value))
        return {field.name: as_json(own) for field, own in found if own is not None or field.default is not None}
    if isinstance(value, dict):
        return {key: as_json(own) for key, own in value.items()}
    return [as_json(own) for own in value] if isinstance(value, (list, tuple)) else value
