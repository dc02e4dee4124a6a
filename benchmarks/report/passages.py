"""Passages of the measured text and their tokens by each tokenizer, for a page that shows them side by side.

    나는 학교에서 갔다        Kiwi: 나|는 학교|에서 가|았|다 (갔 is one piece)
    [나|는][ 학교|에서 갔|다]     two tokens, the second a superword; | marks where two morphemes meet

The same files give the same passages: the places are drawn by a generator seeded with the file's name.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import regex

from benchmarks.fertility.alignment import BoundaryCounts
from benchmarks.fertility.boundaries import Boundaries, TextBoundaries
from benchmarks.fertility.cuts import TokenCuts
from benchmarks.fertility.measured_text import MeasuredText
from benchmarks.fertility.results import MeasuredFile
from benchmarks.peers.adapters import Ids, Peer
from tokenizer.corpus import STDIN, documents

PER_GROUP = 6
"""Passages of each group of files."""

LENGTH = 400
"""The most characters of a passage."""

READ = 1 << 18
"""Passages are drawn from this many characters at the start of a file, so that no long file is read to its end."""

SUPERWORD, PART, AT_MORPHEME = 1, 2, 4
"""Flags of a token: spans several eojeols; begins or ends inside a character; begins where two morphemes meet."""

_BREAK = regex.compile(r"\n+(?=\S)|(?<=\D[.!?。…]['\"”’)]?)\s+(?=\S)")


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A part of a text to look at."""

    file: str = ""
    """Name of the file that it was taken from."""
    group: str = ""
    text: str


@dataclass(frozen=True)
class Cut:
    """A passage as one tokenizer cuts it."""

    name: str
    count: int
    """Number of tokens."""
    superwords: int
    """Tokens that span several eojeols."""
    inside: int
    """Token boundaries strictly inside eojeols with Hangul."""
    hits: int
    """Those of them where two morphemes meet."""
    exact: bool
    """True if the tokens spell the text."""
    tokens: list[list[Any]]
    """Of each token the flags, then its text, in several pieces where morphemes meet inside it; a token that holds
    part of a character is shown as ``<EA B0>``."""


@dataclass(frozen=True, kw_only=True)
class PassageCuts(Passage):
    """A passage with the tokens of every tokenizer, as the page's script reads it."""

    characters: int
    morphemes: int
    """Morpheme boundaries by Kiwi."""
    cuts: list[Cut]


def sample_passages(files: Iterable[MeasuredFile], *, text_key: str = "text") -> list[Passage]:
    """A few passages of every group of ``files``.

    They come from files evenly spread over the group, several from one file where there are few. Standard
    input, which cannot be read again, gives none. Raises `InputError` for a file that can no longer be read.
    """
    groups: dict[str, list[MeasuredFile]] = {}
    for file in files:
        if file.path != str(STDIN):
            groups.setdefault(file.group, []).append(file)
    found = []
    for group, members in groups.items():
        chosen = [members[i * len(members) // PER_GROUP] for i in range(PER_GROUP)]
        for file in {one.name: one for one in chosen}.values():
            texts = _first_texts(file.path, text_key)
            number = sum(one is file for one in chosen)
            found += [Passage(file=file.name, group=group, text=text) for text in _draw(texts, number, file.name)]
    return found


def cut(passages: Sequence[Passage], peers: Sequence[Peer]) -> list[PassageCuts]:
    """Each passage with the tokens of every tokenizer. Raises `InputError` for a text that is not Unicode."""
    texts = [MeasuredText(passage.text) for passage in passages]
    boundaries = Boundaries.from_kiwi().of(texts)
    encoded = [peer.encode_batch([text.text for text in texts]) if texts else [] for peer in peers]
    found = []
    for i, (passage, text) in enumerate(zip(passages, texts, strict=True)):
        own = [_cut(text, boundaries[i], peer, ids[i]) for peer, ids in zip(peers, encoded, strict=True)]
        size, meets = len(text.text), len(boundaries[i].offsets)
        found.append(PassageCuts(**vars(passage), characters=size, morphemes=meets, cuts=own))
    return found


def _cut(text: MeasuredText, boundaries: TextBoundaries, peer: Peer, ids: Ids) -> Cut:
    """The tokens of one tokenizer."""
    row, meets = [int(token) for token in ids], set(boundaries.offsets.tolist())
    cuts, counts = TokenCuts.of(text, row, peer), BoundaryCounts()
    counts.add(text, cuts, boundaries)
    if cuts is None:  # it decodes to another text, in which the morphemes have other places
        tokens = [_token(peer.bytes_of(token), [], False) for token in row]
    else:
        tokens = [
            # The space that SentencePiece puts before a text is no part of it, but may be a token.
            _token(text.data[a:b] or peer.bytes_of(token), [m - a for m in range(a + 1, b) if m in meets], a in meets)
            for token, (a, b) in zip(row, pairwise([0, *cuts.ends.tolist()]), strict=True)
        ]
    superwords = sum(bool(flags & SUPERWORD) for flags, *_ in tokens)
    return Cut(peer.name, len(row), superwords, counts.predicted, counts.hits, cuts is not None, tokens)


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
