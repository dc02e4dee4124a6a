"""How ``tokenizer.json`` says where a text is cut: the normalizer and pre-tokenizers that Gyeol can run, read and
written.

Read are null and NFC as normalizers, and before the ``ByteLevel`` that byte-level vocabularies end with ``Split`` that
keeps all of the text and ``Digits``; ``ByteLevel`` itself may cut by GPT-2's pattern. All else is refused by name.
"""

from pathlib import Path
from typing import Any, NamedTuple

import regex

from tokenizer.errors import InputError
from tokenizer.pretokenize.grammars import PATTERNS, pattern
from tokenizer.pretokenize.patterns import CL100K, GPT2, check_pattern
from tokenizer.vocabulary.vocabulary import Vocabulary

STRICT_SPLIT = {"type": "KiwiMorphemes"}
"""The pre-tokenizer of strict vocabularies, which no other engine knows: it refuses the file, where without it it would
give other ids."""
_COVERING = {GPT2, CL100K, *PATTERNS.values()}
"""Patterns that match all of every text: taking their matches and leaving out the rest leaves out nothing."""
OTHERWISE = "Gyeol reads byte-level BPE only; encode with Hugging Face tokenizers, or compare with `gyeol fertility`"


class Splits(NamedTuple):
    """Fields of a `Vocabulary` that say where a text is cut."""

    grammar: str
    patterns: tuple[str, ...]
    strict: bool
    prefix_space: bool


def composes(normalizer: Any, path: Path) -> bool:
    """Whether a normalizer composes text (NFC); False for none. `InputError` for any other."""
    steps = _steps(normalizer, "normalizers")
    for step in steps:
        if _type(step) != "NFC":
            raise InputError(
                f"{path}: normalizer {_type(step)!r}, which changes the text otherwise than NFC; {OTHERWISE}"
            )
    return bool(steps)


def read_splits(pre_tokenizer: Any, path: Path) -> Splits:
    """The splits of a pre-tokenizer. `InputError` for one that is not byte-level or cuts in another way."""
    steps = _steps(pre_tokenizer, "pretokenizers")
    types = list(map(_type, steps))
    if "ByteLevel" not in types:
        raise InputError(f"{path}: not byte-level (pre-tokenizer {', '.join(types) or 'null'}); {OTHERWISE}")
    *before, last = steps
    if types.count("ByteLevel") > 1 or types[-1] != "ByteLevel":
        raise InputError(f"{path}: pre-tokenizer {types[-1]!r} behind ByteLevel, where it meets bytes; {OTHERWISE}")
    strict = STRICT_SPLIT in before
    patterns = [_pattern(step, path) for step in before if step != STRICT_SPLIT]
    if last.get("use_regex", True):
        patterns.append(GPT2)
    for each in patterns:
        try:
            check_pattern(each)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
    prefix_space = last.get("add_prefix_space", True) is True
    if prefix_space and before:
        raise InputError(
            f"{path}: add_prefix_space of ByteLevel behind {types[0]!r} gives every piece a space; {OTHERWISE}"
        )
    known = next((name for name, each in PATTERNS.items() if patterns == [each]), None)
    return Splits(known or "regex", () if known else tuple(patterns), strict, prefix_space)


def pre_tokenizer(vocabulary: Vocabulary) -> dict[str, Any]:
    """The pre-tokenizer of a vocabulary, as `read_splits` reads it."""
    patterns = vocabulary.patterns if vocabulary.grammar == "regex" else (pattern(vocabulary.grammar),)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    if vocabulary.prefix_space:
        return byte_level | {"add_prefix_space": True, "use_regex": bool(patterns)}
    splits: list[dict[str, Any]] = [
        {"type": "Split", "pattern": {"Regex": each}, "behavior": "Isolated", "invert": False} for each in patterns
    ]
    strict = [STRICT_SPLIT] if vocabulary.strict else []
    return {"type": "Sequence", "pretokenizers": [*splits, *strict, byte_level]}


def _pattern(step: dict[str, Any], path: Path) -> str:
    """The pattern of a pre-tokenizer that cuts around matches."""
    if step["type"] == "Digits":  # Rust's char::is_numeric
        return r"\p{N}" if step.get("individual_digits") is True else r"\p{N}+"
    if step["type"] != "Split":
        raise InputError(f"{path}: pre-tokenizer {step['type']!r}; {OTHERWISE}")
    given = step.get("pattern")
    given = given if isinstance(given, dict) else {}
    found = regex.escape(given["String"]) if isinstance(given.get("String"), str) else given.get("Regex")
    if not isinstance(found, str):
        raise InputError(f"{path}: a pre-tokenizer Split without a pattern; the file is damaged")
    behavior = step.get("behavior")
    keeps_matches = behavior == "Removed" and step.get("invert") is True and found in _COVERING
    if behavior != "Isolated" and not keeps_matches:
        raise InputError(f"{path}: pre-tokenizer Split with the behavior {behavior!r}, not Isolated; {OTHERWISE}")
    return found


def _steps(part: Any, name: str) -> list[Any]:
    """The steps of a normalizer or pre-tokenizer in order, those inside sequences included."""
    if part is None:
        return []
    if isinstance(part, dict) and part.get("type") == "Sequence" and isinstance(part.get(name), list):
        return [step for inner in part[name] for step in _steps(inner, name)]
    return [part]


def _type(step: Any) -> str:
    return str(step.get("type")) if isinstance(step, dict) else repr(step)
