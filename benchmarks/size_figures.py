"""Figures of vocabularies of several sizes, and what they say about the number of ids to choose.

More ids make a text shorter, and the embedding and the output head of a model larger. The two meet in the operations of
training per character of text, of which each shape of model has its own least. They count work and not quality: how
much a model learns from a character is for `gyeol pretrain` to measure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.fertility.results import SkippedFile
from benchmarks.provenance import Provenance
from model.config import padded_vocab_size, preset

PRESETS = ("nano", "mini", "small", "base", "large")
"""The shapes of `model.config.PRESETS` that are compared."""
SHIPPED = "gyeol-100k"
"""The shipped vocabulary that the largest size is compared with."""
MOST_UNUSED = 0.05
"""Share of tokens that never occur in the training text from which on a vocabulary is too large for it."""
LEAST_GAIN = 0.005
"""Share of the tokens that the shipped vocabulary must save to be named."""


@dataclass(frozen=True)
class Cost:
    """What a vocabulary costs a model of one shape, with the context that the shape is trained for."""

    parameters: int
    """All parameters of the model"""
    embedding_share: float
    """Share of them in the embedding (and the output head where it has a table of its own)"""
    operations_per_character: float
    """Floating-point operations of training per character of the measured text"""

    @classmethod
    def of(cls, shape: str, vocab_size: int, characters_per_token: float) -> "Cost":
        """The cost of ``vocab_size`` ids, padded as they are for a model, in the preset ``shape``."""
        config = preset(shape, padded_vocab_size(vocab_size))
        return cls(
            parameters=config.parameters,
            embedding_share=1 - config.body_parameters / config.parameters,
            operations_per_character=config.flops_per_token(config.max_context) / characters_per_token,
        )


@dataclass(frozen=True)
class SizeFigures:
    """A vocabulary of one size."""

    vocab_size: int
    """Number of ids; its folder has it as its name"""
    fingerprint: str
    ratio: dict[str, float | None]
    """By group of files: tokens of o200k_base / its tokens, mean over files"""
    characters_per_token: float
    """Over all measured text together"""
    unused_share: float | None
    """Share of its tokens that never occur in the encoded training text; bytes, special tokens and those of a tokenizer
    that training went on from are left out, null if none remains"""
    costs: dict[str, Cost]
    """By preset"""


@dataclass(frozen=True)
class MeasuredSource:
    """A file of the measured text."""

    path: str
    """Absolute paths cut to their last part"""
    group: str
    characters: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Vocabularies of several sizes by one training, with what `sizes.json` says of them."""

    format: str
    version: int
    measure: str
    provenance: Provenance
    corpus: list[str]
    """As it was named, absolute paths cut to their last part"""
    recipe: str
    asked: list[int]
    """Numbers of ids that were asked for"""
    left_out: bool
    """True if the measured files are of the corpus and were left out of training"""
    measured: list[MeasuredSource]
    skipped: list[SkippedFile]
    """Files that could not be measured"""
    sizes: list[SizeFigures]
    """Those that were trained, ascending"""
    shipped: dict[str, float | None] | None
    """As `SizeFigures.ratio`, of `SHIPPED`; null if it cannot be loaded"""
    advice: list[str]
    """Sentences by `advice`"""


def least_work(sizes: Sequence[SizeFigures]) -> dict[str, int]:
    """By preset the number of ids with the least operations per character."""
    return {
        shape: min(sizes, key=lambda size: size.costs[shape].operations_per_character).vocab_size for shape in PRESETS
    }


def advice(
    sizes: Sequence[SizeFigures],
    asked: Sequence[int],
    kind: str,
    recipe: str,
    shipped: Mapping[str, float | None] | None,
) -> list[str]:
    """Sentences on ``sizes``: the least work on text of a ``kind`` ("left-out"), then what is to be warned of:
    a corpus that does not fill a size or is too small for it, and a shipped vocabulary that is better."""
    found = [f"Least work per character of {kind} text: {_by_size(least_work(sizes))}."]
    if sizes[-1].vocab_size < asked[-1]:
        found.append(f"The corpus fills only {sizes[-1].vocab_size:,} of {asked[-1]:,} ids.")
    if unused := [(size.vocab_size, share) for size in sizes if (share := size.unused_share or 0) > MOST_UNUSED]:
        found.append(_too_many(unused))
    ours, theirs = sizes[-1].ratio.get("Korean"), (shipped or {}).get("Korean")
    if recipe == "curriculum" and ours and theirs and (gain := 1 - ours / theirs) >= LEAST_GAIN:
        found.append(
            f"{SHIPPED} takes {gain:.1%} fewer tokens on the {kind} Korean text than the {sizes[-1].vocab_size:,} ids "
            f"trained here: gyeol train ... --continue-from {SHIPPED} --vocab-size ... extends it."
        )
    return found


def _too_many(unused: Sequence[tuple[int, float]]) -> str:
    """A sentence on sizes of which such shares of the tokens do not occur."""
    sizes, shares = _listed([f"{size:,}" for size, _ in unused]), _listed([f"{share:.0%}" for _, share in unused])
    verb, whose = ("are", "their") if len(unused) > 1 else ("is", "its")
    return f"{sizes} {verb} too many for the training text: {shares} of {whose} tokens never occur in it."


def _by_size(least: Mapping[str, int]) -> str:
    """``nano and mini 16,384 ids, small 32,768``, the smallest size first."""
    sizes = sorted(set(least.values()))
    parts = [f"{_listed([shape for shape, own in least.items() if own == size])} {size:,}" for size in sizes]
    return ", ".join([f"{parts[0]} ids", *parts[1:]])


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
