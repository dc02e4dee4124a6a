"""Passages of the measured text, and how each tokenizer cuts them, for a page that shows both side by side.

    나는 학교에서 갔다        Kiwi: 나|는 학교|에서 가|았|다 (갔 is one piece)
    [나|는][ 학교|에서 갔|다]     two tokens, the second a superword; | marks where two morphemes meet

The same files give the same passages: the places are drawn by a generator seeded with the file's name.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import Any

import regex

from benchmarks.fertility.alignment import token_ends
from benchmarks.fertility.letters import byte_offsets, code_points, eojeols
from benchmarks.peers.adapters import Ids, Peer
from tokenizer.corpus import STDIN, documents
from tokenizer.pretokenize import morphemes
from tokenizer.text import has_hangul

PER_GROUP = 6
"""Passages of each group of files."""

LENGTH = 400
"""The most characters of a passage."""

READ = 1 << 18
"""Passages are drawn from this many characters at the start of a file, so that no long file is read to its end."""

SUPERWORD, PART, AT_MORPHEME = 1, 2, 4
"""Flags of a token: spans several eojeols; begins or ends inside a character; begins where two morphemes meet."""

_BREAK = regex.compile(r"\n+(?=\S)|(?<=\D[.!?。…]['\"”’)]?)\s+(?=\S)")


@dataclass(frozen=True)
class Passage:
    """A piece of text to look at, with the file and group that it was taken from."""

    text: str
    file: str = ""
    group: str = ""


def sample_passages(files: Iterable[dict[str, Any]], *, text_key: str = "text") -> list[Passage]:
    """A few passages of every group of ``files`` (the ``files`` of `benchmarks.fertility.measure`).

    They come from files evenly spread over the group, several from one file where there are few. Standard
    input, which cannot be read again, gives none. Raises `InputError` for a file that can no longer be read.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for file in files:
        if file["path"] != str(STDIN):
            groups.setdefault(file["group"], []).append(file)
    found = []
    for group, members in groups.items():
        chosen = [members[i * len(members) // PER_GROUP] for i in range(PER_GROUP)]
        for file in {one["name"]: one for one in chosen}.values():
            texts = _first_texts(file["path"], text_key)
            number = sum(one is file for one in chosen)
            found += [Passage(text, file["name"], group) for text in _draw(texts, number, file["name"])]
    return found


def cut(passages: Sequence[Passage], peers: Sequence[Peer]) -> list[dict[str, Any]]:
    """Each passage with the tokens of every tokenizer, as `json.dumps` takes it.

    A passage is ``file``, ``group``, ``text``, ``characters``, ``morphemes`` (boundaries by Kiwi in it) and
    ``cuts``: for each tokenizer ``name``, ``count``, ``superwords``, ``hits`` of ``inside`` (token boundaries
    inside eojeols with Hangul, and those of them where morphemes meet), ``exact`` (whether the tokens spell the
    text) and ``tokens``: the flags, then the text, in several pieces where morphemes meet inside it. A token
    that holds part of a character is shown as ``<EA B0>``. Raises `InputError` for a text that is no Unicode.
    """
    texts = [passage.text for passage in passages]
    encoded = [peer.encode_batch(texts) if texts else [] for peer in peers]
    found = []
    for i, passage in enumerate(passages):
        marks = _marks(passage.text)
        cuts = [_cut(passage.text, marks, peer, ids[i]) for peer, ids in zip(peers, encoded, strict=True)]
        about = {"file": passage.file, "group": passage.group, "text": passage.text}
        found.append(about | {"characters": len(passage.text), "morphemes": len(marks.meets), "cuts": cuts})
    return found


@dataclass(frozen=True)
class _Marks:
    """Byte offsets in a text."""

    meets: frozenset[int]
    """Where two morphemes of an eojeol meet."""
    inside: frozenset[int]
    """Strictly inside an eojeol with Hangul."""


def _marks(text: str) -> _Marks:
    points = code_points(text)
    starts, ends = eojeols(points)
    spans = [(a, b) for a, b in zip(starts.tolist(), ends.tolist(), strict=True) if has_hangul(text, a, b)]
    byte_of = byte_offsets(points).tolist()
    offsets = morphemes.boundaries([text[a:b] for a, b in spans])
    return _Marks(
        frozenset(byte_of[a + offset] for (a, _), inside in zip(spans, offsets, strict=True) for offset in inside),
        frozenset(chain.from_iterable(range(byte_of[a] + 1, byte_of[b]) for a, b in spans)),
    )


def _cut(text: str, marks: _Marks, peer: Peer, ids: Ids) -> dict[str, Any]:
    """The tokens of one tokenizer, see `cut`."""
    row = [int(token) for token in ids]
    pieces = {token: peer.token_bytes(token) for token in set(row)}
    ends = token_ends(text, row, pieces)
    if ends is None:  # what it decodes to is another text, in which the morphemes have other places
        tokens = [_token(pieces[token], [], False) for token in row]
        edges = []
    else:
        data, edges = text.encode(), [0, *ends.tolist()]
        tokens = [
            # The space that SentencePiece puts before a text is no part of it, but may be a token.
            _token(data[a:b] or pieces[token], [m - a for m in range(a + 1, b) if m in marks.meets], a in marks.meets)
            for token, (a, b) in zip(row, pairwise(edges), strict=True)
        ]
    inside = [edge for edge in edges if edge in marks.inside]
    return {
        "name": peer.name,
        "count": len(row),
        "superwords": sum(bool(flags & SUPERWORD) for flags, *_ in tokens),
        "inside": len(inside),
        "hits": sum(edge in marks.meets for edge in inside),
        "exact": ends is not None,
        "tokens": tokens,
    }


def _token(raw: bytes, meets: Sequence[int], at_morpheme: bool) -> list[Any]:
    """Flags and pieces of a token in which morphemes meet at the byte offsets ``meets``."""
    flags = AT_MORPHEME if at_morpheme else 0
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return [flags | PART, f"<{raw.hex(' ').upper()}>"]
    if len(text.split()) > 1:
        flags |= SUPERWORD
    return [flags, *(raw[a:b].decode() for a, b in pairwise([0, *meets, len(raw)]))]


def _first_texts(path: str, text_key: str) -> list[str]:
    """Documents at the start of a file, `READ` characters of them."""
    texts: list[str] = []
    left = READ
    for document in documents([path], text_key=text_key):
        texts.append(document.text[:left])
        left -= len(texts[-1])
        if not left:
            break
    return texts


def _draw(texts: Sequence[str], number: int, seed: str) -> list[str]:
    """``number`` passages from as many parts of the texts; fewer where the texts are too short for it."""
    ends = list(accumulate(map(len, texts)))
    drawn = random.Random(seed)
    found: dict[str, None] = {}
    for part in range(number):
        place = int((part + drawn.random()) / number * ends[-1])
        which = next(i for i, end in enumerate(ends) if end > place)
        found[_passage(texts[which], place - (ends[which] - len(texts[which])))] = None
    return [text for text in found if text]


def _passage(text: str, place: int) -> str:
    """At most `LENGTH` characters, whole lines or sentences if possible, from around ``place``."""
    breaks = [0, *(found.end() for found in _BREAK.finditer(text))]
    latest = max(min(place, len(text) - LENGTH), 0)
    start = max(at for at in breaks if at <= latest)
    end = start + LENGTH
    if end < len(text):
        whole = max((at for at in breaks if start + LENGTH // 2 <= at <= end), default=0)
        end = whole or next((at for sign in "\n " if (at := text.rfind(sign, start + LENGTH // 2, end) + 1)), end)
    return text[start:end].rstrip()
