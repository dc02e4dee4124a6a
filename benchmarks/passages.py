"""Passages of a text with the tokens of several tokenizers side by side, for a reader to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.letters import code_points, eojeols
from benchmarks.peers import Peer
from tokenizer import morphemes

if TYPE_CHECKING:
    from benchmarks.fertility import FileText

LENGTH = 320
"""Characters of a passage, at most."""


def passage_of(text: str) -> str:
    """A passage from a third of the way into ``text``, from the beginning of a line where one begins nearby."""
    third = len(text) // 3 if len(text) > LENGTH else 0
    start = text.find("\n", third, third + LENGTH) + 1 or third
    passage = text[start : start + LENGTH].strip()
    if start + LENGTH < len(text) and (cut := max(passage.rfind(" "), passage.rfind("\n"))) > LENGTH // 2:
        passage = passage[:cut].rstrip()
    return passage


def chosen(files: Sequence[FileText], number: int) -> list[tuple[str, str, str]]:
    """Name, group and passage of at most ``number`` files, from every group in turn."""
    with_text = [file for file in files if file.passage]
    rank = {id(file): sum(other.group == file.group for other in with_text[:i]) for i, file in enumerate(with_text)}
    size = {file.group: sum(other.group == file.group for other in with_text) for file in with_text}
    spread = sorted(with_text, key=lambda file: (rank[id(file)] / size[file.group] % 1, file.group))[:number]
    spread.sort(key=lambda file: (file.group != "Korean", with_text.index(file)))
    return [(file.name, file.group, file.passage) for file in spread]


def shown_passages(peers: Sequence[Peer], passages: Sequence[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Each passage with its morpheme boundaries (character offsets, by Kiwi) and each tokenizer's tokens."""
    return [
        {
            "file": name,
            "group": group,
            "text": text,
            "boundaries": _boundaries(text),
            "tokens": {peer.name: _tokens(peer, text) for peer in peers},
        }
        for name, group, text in passages
    ]


def _boundaries(text: str) -> list[int]:
    spans = [(int(a), int(b)) for a, b in zip(*eojeols(code_points(text)), strict=True)]
    korean = [(a, text[a:b]) for a, b in spans if morphemes.HANGUL.search(text[a:b])]
    inside = morphemes.boundaries([word for _, word in korean]) if korean else []
    return [start + offset for (start, _), offsets in zip(korean, inside, strict=True) for offset in offsets]


def _tokens(peer: Peer, text: str) -> list[str]:
    """The tokens one after another; one that holds part of a character as ``<EA B0>``."""
    (ids,) = peer.encode_batch([text])
    pieces = [peer.token_bytes(token) for token in np.asarray(ids).tolist()]
    shown = []
    for piece in pieces:
        try:
            shown.append(piece.decode())
        except UnicodeDecodeError:
            shown.append(f"<{piece.hex(' ').upper()}>")
    return shown
