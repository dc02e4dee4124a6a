"""Morpheme boundaries by Kiwi (https://github.com/bab2min/Kiwi), which no token of the strict recipe crosses.

A boundary is a place between two characters of the *surface* form where one morpheme ends and the next
begins. Contracted forms, whose morphemes overlap (했 = 하 + 었, the 한 of 개발한 = 하 + ㄴ), have none inside.

    >>> boundaries(["개발했습니다"])
    [(2, 3)]
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.pretokenize.grammars import pretoken_ends
from tokenizer.text.unicode import has_hangul
from tokenizer.text.utf8 import to_utf8
from tokenizer.threads import cores

BATCH = 20_000
"""Eojeols analysed between two updates of the progress bar."""
REMEMBERED = 1 << 18
"""Eojeols whose boundaries are kept for the next call."""
LONGEST = 200
"""Characters of the longest eojeol that is analysed; longer ones (a line of ㅋㅋㅋ) have no boundaries, as the time
of the analysis grows with the square of the length."""

_lock = threading.Lock()
_known: dict[str, tuple[int, ...]] = {}
_analysers: dict[int, Any] = {}
"""Kiwi by process id."""


def _kiwi() -> Any:
    """The analyser of this process: a forked child has none of its parent's threads, and so needs its own."""
    from kiwipiepy import Kiwi  # loading the model takes a second, and only strict work needs it

    if os.getpid() not in _analysers:
        _analysers[os.getpid()] = Kiwi(num_workers=cores())
    return _analysers[os.getpid()]


def _renew() -> None:
    """In a forked child: a lock that nobody holds, and no end for the parent's analysers, which would wait for their
    threads."""
    global _lock
    _lock = threading.Lock()
    for analyser in _analysers.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(analyser))


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew)


def _meeting_points(tokens: Iterable[Any], length: int) -> tuple[int, ...]:
    """Interior offsets where a morpheme starts and none lies across; ``tokens`` come in the order of their starts."""
    points: list[int] = []
    covered = 0  # to where the morphemes so far reach
    for token in tokens:
        start, size = token.start, token.len
        if size > 0:
            if covered <= start < length and start > 0 and (not points or points[-1] != start):
                points.append(start)
            covered = max(covered, start + size)
    return tuple(points)


def boundaries(eojeols: Sequence[str], *, on_progress: Callable[[int], None] | None = None) -> list[tuple[int, ...]]:
    """For each eojeol the interior character offsets where morphemes meet, ascending.

    Every eojeol is analysed by itself, without its neighbours, so that equal eojeols are cut alike
    everywhere; Kiwi works on all cores. ``on_progress`` is told how many were analysed at each turn.
    Results are remembered (the last `REMEMBERED` or so), so that encoding meets Kiwi once per eojeol.
    """
    with _lock:
        if len(_known) > REMEMBERED:
            _known.clear()
        found = {e: _known.get(e, ()) for e in eojeols if e in _known or len(e) > LONGEST}
        unknown = list(dict.fromkeys(e for e in eojeols if e not in found))
        for start in range(0, len(unknown), BATCH):
            batch = unknown[start : start + BATCH]
            for eojeol, tokens in zip(batch, _kiwi().tokenize(batch), strict=True):
                found[eojeol] = _meeting_points(tokens, len(eojeol))
            if on_progress:
                on_progress(len(batch))
        if len(unknown) <= REMEMBERED:
            _known.update((e, found[e]) for e in unknown)
    return [found[e] for e in eojeols]


def _core(pretoken: str) -> tuple[int, str]:
    """A pre-token without the space or sign before its letters, and how many characters that was."""
    lead = 0 if pretoken[0].isalnum() else 1
    return lead, pretoken[lead:]


def cuts_of(pretokens: Sequence[str]) -> list[list[int]]:
    """Interior character offsets at which each pre-token with Hangul is cut."""
    cores = [_core(pretoken) for pretoken in pretokens]
    return [
        [lead + p for p in points]
        for (lead, _), points in zip(cores, boundaries([core for _, core in cores]), strict=True)
    ]


def piece_ends(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Byte offsets in the joined UTF-8 of ``texts`` where strict pieces end, and for each text the number of
    pieces up to its end."""
    pretokens: list[str] = []
    counts: list[int] = []
    for text in texts:
        raw = to_utf8(text)
        edges = [0, *pretoken_ends(text).tolist()]
        pretokens += [raw[a:b].decode("utf-8") for a, b in pairwise(edges)]
        counts.append(len(pretokens))
    korean = [i for i, pretoken in enumerate(pretokens) if has_hangul(pretoken)]
    cuts = dict(zip(korean, cuts_of([pretokens[i] for i in korean]), strict=True))
    ends: list[int] = []
    pieces_before = [0]
    base = 0
    for i, pretoken in enumerate(pretokens):
        ends += [base + len(pretoken[:p].encode("utf-8")) for p in cuts.get(i, [])]
        base += len(pretoken.encode("utf-8"))
        ends.append(base)
        pieces_before.append(len(ends))
    return np.array(ends, dtype=np.int64), np.array([pieces_before[n] for n in counts], dtype=np.int64)
