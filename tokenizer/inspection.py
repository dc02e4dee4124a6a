"""Looking at tokens: their texts, coloured; a vocabulary in figures."""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from tokenizer.standard_streams import printable
from tokenizer.text import has_hangul
from tokenizer.tokenizer import Tokenizer

COLOURS = ("on #264653", "on #6d4c1f", "on #3d405b", "on #1d5c4d", "on #6b2d3e")

SOURCES = 10
"""Sources of a training that are shown, those that count most."""


def token_texts(tokenizer: Tokenizer, ids: Sequence[int]) -> list[str]:
    """Each token by `token_text`."""
    return [token_text(tokenizer.token_bytes(token_id)) for token_id in ids]


def token_text(raw: bytes) -> str:
    """A token as text; one that holds part of a character as ``<EA B0>``."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return f"<{raw.hex(' ').upper()}>"


def coloured(pieces: Sequence[str]) -> Text:
    """The texts of tokens on a background each, so that cuts show; spaces are part of the token that has them."""
    line = Text()
    for i, piece in enumerate(pieces):
        line.append(
            printable(piece).replace("\n", "⏎\n").replace("\t", "⇥"), style=f"white {COLOURS[i % len(COLOURS)]}"
        )
    return line


def vocabulary_record(tokenizer: Tokenizer, samples: int = 30) -> dict[str, Any]:
    """A vocabulary in figures, with the longest Hangul tokens and a random handful (always the same)."""
    ordinary = [i for i in range(len(tokenizer.vocabulary.tokens)) if i not in tokenizer.vocabulary.special_ids]
    tokens, texts = [tokenizer.token_bytes(i) for i in ordinary], token_texts(tokenizer, ordinary)
    whole = [text for text, raw in zip(texts, tokens, strict=True) if text.encode("utf-8") == raw]
    korean = [text for text in whole if has_hangul(text)]
    return {
        "tokenizer": tokenizer.name,
        "vocab_size": tokenizer.vocab_size,
        "fingerprint": tokenizer.fingerprint,
        "special_tokens": len(tokenizer.special_tokens),
        "korean_tokens": len(korean),
        "part_characters": len(tokens) - len(whole),
        "unreachable_tokens": tokenizer.unreachable_tokens,
        "mean_bytes": sum(map(len, tokens)) / len(tokens),
        "longest": sorted(korean, key=lambda text: (-len(text), text))[:samples],
        "sample": random.Random(0).sample(korean, min(samples, len(korean))),
        **{key: _without_hashes(value) for key, value in tokenizer.vocabulary.provenance.items()},
    }


def _without_hashes(value: Any) -> Any:
    """A value of the provenance; of the sample of lines, whose hashes say nothing to people, only their number."""
    if isinstance(value, dict) and "hashes" in value:
        return {key: own for key, own in value.items() if key == "lines"}
    return value


def describe_training(record: dict[str, Any]) -> Iterator[str]:
    """The `vocabulary_record` of a new vocabulary, saved in ``record["folder"]``, in lines for people."""
    yield (
        f"{record['folder']}: {record['vocab_size']:,} ids, {record['korean_tokens']:,} with Hangul, "
        f"{record['mean_bytes']:.1f} bytes a token on average; from {record['corpus']['bytes']:,} bytes of text"
    )
    for stage in record["stages"][:-1]:
        if stage["exhausted"]:
            yield f"  {stage['stage']}: no further pair was left; the next stage took the rest"
    sources = sorted(record["sources"], key=lambda source: -source["share"])
    for source in sources[:SOURCES] if len(sources) > 1 else []:
        yield f"  {source['name']}: {source['share']:.1%} of all counts (x {source['weight']:.2f})"
    if len(sources) > SOURCES:
        yield f"  and {len(sources) - SOURCES} more sources; gyeol.json has all"


def print_vocabulary(tokenizer: Tokenizer) -> None:
    """Print the `vocabulary_record`, a figure a line; of lists and tables with many items their number."""
    for key, value in vocabulary_record(tokenizer).items():
        if key in ("longest", "sample"):
            shown = "  ".join(map(repr, value))
        elif key == "corpus":
            shown = ", ".join(f"{part} {_short(amount)}" for part, amount in value.items())
        else:
            shown = _short(value)
        print(printable(f"{key:20}{shown}"))


def _short(value: Any) -> str:
    """A value of the record on one line."""
    if isinstance(value, (dict, list)) and len(value) > SOURCES:
        return f"{len(value):,}, see gyeol.json"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
