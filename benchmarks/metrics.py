"""Metrics and groups of files: the key of each in the results and its heads in every table, each said once.

To add a metric: a field of `benchmarks.fertility.results.Figures` (or `Alignment`) and a line here. A rate or a share
is computed from its ``part`` and ``whole``; any other metric by `benchmarks.fertility.rates`.
"""

from dataclasses import dataclass

Words = tuple[str, str]
"""The same in English and in Korean."""


@dataclass(frozen=True)
class Metric:
    """One figure of a tokenizer."""

    key: str
    """Its field in `benchmarks.fertility.results.Figures` or `Alignment`."""
    head: str
    """Head of its column in the terminal."""
    page: Words | None = None
    """Head of its column in the HTML page; None: not shown there."""
    markdown: str | None = None
    """Head of its column in the published Markdown table; None: not shown there."""
    part: str = ""
    """Numerator: a field of `Sums` for a rate, of `benchmarks.fertility.tally.Tally` for a share."""
    whole: str = ""
    """Denominator, as ``part``."""


RATES = (
    Metric(
        "tokens_per_character", "tokens/\nchar", ("Tokens / char", "글자당 토큰"), "tokens/char", "tokens", "characters"
    ),
    Metric(
        "characters_per_token", "chars/\ntoken", ("Chars / token", "토큰당 글자"), part="characters", whole="tokens"
    ),
    Metric("bytes_per_token", "bytes/\ntoken", ("Bytes / token", "토큰당 바이트"), "bytes/token", "bytes", "tokens"),
    Metric(
        "tokens_per_eojeol", "tokens/\neojeol", ("Tokens / eojeol", "어절당 토큰"), "tokens/eojeol", "tokens", "eojeols"
    ),
)
"""Quotients of sums over a text; they have intervals."""

SHARES = (
    Metric("eojeols_whole", "eojeols\nwhole", None, "whole", "whole_eojeols", "placed_eojeols"),
    Metric("eojeols_single_token", "one\ntoken", None, "one token", "single_token_eojeols", "placed_eojeols"),
    Metric(
        "tokens_inside_character", "end inside\na char", None, "end inside a char", "inside_character", "placed_tokens"
    ),
)
"""Shares of the eojeols or tokens that have a place in the text."""

FERTILITY = (
    *RATES,
    *SHARES,
    Metric("renyi_efficiency", "Rényi\neff.", None, "Rényi"),
    Metric("vocabulary_used", "vocab\nused", None, "used"),
)

MAIN = ("tokens_per_character", "characters_per_token", "tokens_per_eojeol")
"""Of these, the ones that the first table in the terminal has; the others follow in a second one."""

ALIGNMENT = (
    Metric("precision", "precision", ("Morpheme precision", "형태소 정밀도"), "P"),
    Metric("recall", "recall", ("Morpheme recall", "형태소 재현율"), "R"),
    Metric("f1", "F1", ("Morpheme F1", "형태소 F1"), "F1"),
    Metric("kept_whole", "eojeols\nwhole"),
    Metric("morphscore", "MorphScore", None, "MorphScore"),
    Metric("morphscore_left_out", "left out", None, "left out"),
)
"""Token boundaries inside eojeols against morpheme boundaries."""


def quotient(part: float, whole: float) -> float | None:
    """The quotient, or None where it is not defined: a tokenizer that drops all it does not know spends no token."""
    return part / whole if whole else None


@dataclass(frozen=True)
class Group:
    """A register of text."""

    in_words: str
    """Its name inside an English sentence."""
    head: Words
    """Its name as a heading."""


GROUPS = {
    "Korean": Group("Korean", ("Korean", "한국어")),
    "English": Group("English", ("English", "영어")),
    "code": Group("code", ("Code", "코드")),
    "other": Group("other text", ("Other", "기타")),
}
"""Groups of files by key, in the order of all tables."""
