"""Morpheme boundaries of anyone's own making, from a JSONL file.

    {"text": "학교에서는 집에", "boundaries": [[2, 4], [1]]}

``boundaries`` has a list for each eojeol of ``text``: the character offsets from the eojeol's start, strictly
inside it and ascending, where two morphemes meet. Eojeols without Hangul have a list too, and are not measured.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.fertility.alignment import Counts, Gold, Pieces, token_ends
from benchmarks.fertility.letters import code_points, eojeols, is_hangul
from benchmarks.peers.adapters import Peer
from tokenizer.errors import InputError


@dataclass(frozen=True)
class GoldText:
    """A text and, for each of its eojeols with Hangul, where its morphemes meet."""

    text: str
    boundaries: tuple[tuple[int, ...], ...]


def read_gold(path: str | Path) -> tuple[list[GoldText], list[str]]:
    """The texts of a gold file, and what is wrong with each line that does not fit, with its number.

    `InputError` if the file cannot be read or no line of it fits.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no gold file of UTF-8 JSON lines ({error})") from None
    texts: list[GoldText] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            texts.append(_gold_text(json.loads(line)))
        except (json.JSONDecodeError, InputError) as error:
            problems.append(f"line {number}: {error}")
    if not texts:
        raise InputError(f"{path}: no line of it fits ({problems[0] if problems else 'it is empty'})")
    return texts, problems


def _gold_text(row: Any) -> GoldText:
    """Check one line; `InputError` says what does not fit."""
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not isinstance(row.get("boundaries"), list):
        raise InputError('is not of the form {"text": "...", "boundaries": [[...], ...]}')
    text = row["text"]
    points = code_points(text)
    starts, ends = eojeols(points)
    if len(starts) != len(row["boundaries"]):
        raise InputError(f"has {len(starts)} eojeols but {len(row['boundaries'])} lists of boundaries")
    kept: list[tuple[int, ...]] = []
    for start, end, inside in zip(starts, ends, row["boundaries"], strict=True):
        word = text[start:end]
        if not isinstance(inside, list) or not all(type(offset) is int for offset in inside):
            raise InputError(f"the boundaries of {word!r} are {inside!r}, no list of whole numbers")
        if any(not 0 < offset < end - start for offset in inside) or any(a >= b for a, b in pairwise(inside)):
            raise InputError(f"the boundaries {inside} of {word!r} must ascend from 1 to {end - start - 1} at most")
        if is_hangul(points[start:end]).any():
            kept.append(tuple(inside))
    return GoldText(text, tuple(kept))


def gold_alignment(peer: Peer, texts: list[GoldText]) -> dict[str, Any]:
    """As `benchmarks.fertility.alignment.alignment`, with the boundaries that stand in the gold file."""
    counts = Counts()
    pieces = Pieces(peer)
    for gold, ids in zip(texts, peer.encode_batch([gold.text for gold in texts]), strict=True):
        ends = token_ends(gold.text, ids, pieces)
        if ends is None:
            counts.leave_out(gold.text)
        else:
            counts.add(gold.text, ends, Gold.in_order(gold.boundaries))
    return counts.result()
