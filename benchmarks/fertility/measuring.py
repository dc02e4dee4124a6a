"""Fertility: how many tokens a tokenizer spends on a text, beside others, over files of anyone's choice.

    ratio to a baseline = tokens of the baseline / tokens of ours        above 1, ours needs fewer

Figures are taken per file and averaged over files (macro), so that a long file does not speak for all;
``total`` has the sums. Files are also averaged by group, the register, which is a heuristic (see `group_of`).
Intervals are by bootstrap over documents or sections (see `benchmarks.fertility.intervals`).

Read ``tokens_per_eojeol`` with care: an eojeol is a maximal run of non-white-space, and a vocabulary with
superwords has tokens that span several, so the figure can fall below 1 and does not say that eojeols are
kept whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.alignment import Gold, Pieces
from benchmarks.fertility.gold_file import gold_alignment, read_gold
from benchmarks.fertility.letters import code_points, letter_counts
from benchmarks.fertility.pages import Page
from benchmarks.fertility.rates import results
from benchmarks.fertility.tally import Tally
from benchmarks.peers.adapters import Ids, Peer
from benchmarks.peers.load import load_what_loads
from benchmarks.provenance import provenance
from tokenizer.corpus import documents, find_sources, total_size
from tokenizer.errors import InputError
from tokenizer.progress import step

FORMAT = 2
"""Number of the form of a result; it changes when a reader of the old one would go wrong."""

BATCH_CHARACTERS = 1 << 21
"""Documents are encoded together up to this many characters, from several files if need be."""

BINARY_SHARE = 0.05
"""A file with more than this share of control and undecodable characters is not taken for text."""

_SUFFIXES = re.compile(r"(\.(txt|jsonl|json|parquet|gz|xz|zst|bz2))+$")


@dataclass
class FileText:
    """One file: what is in it, and one tally per tokenizer."""

    name: str
    path: str
    tallies: list[Tally]
    documents: int = 0
    characters: int = 0
    bytes: int = 0
    eojeols: int = 0
    letters: int = 0
    hangul: int = 0
    latin: int = 0
    unreadable: int = 0
    problem: str | None = None
    group: str = field(init=False, default="other")
    sections: list[NDArray[np.int64]] = field(default_factory=list)
    """Of each document, (sections, 3): characters, bytes and eojeols."""

    def add(self, page: Page) -> None:
        """Count the characters of one more document."""
        text = page.text
        letters, hangul, latin = letter_counts(code_points(text))
        self.sections.append(np.stack([page.section_characters, page.section_bytes, page.section_eojeols], axis=1))
        self.documents += 1
        self.characters += len(text)
        self.bytes += len(page.raw)
        self.eojeols += len(page.starts)
        self.letters += letters
        self.hangul += hangul
        self.latin += latin
        self.unreadable += text.count("\0") + text.count("\ufffd")


def measure(
    tokenizers: Sequence[str | Path | Peer],
    paths: Sequence[str | Path],
    *,
    against: Sequence[str | Path | Peer] = ("o200k_base",),
    text_key: str = "text",
    claim: float | None = None,
    alignment: str | None = None,
) -> dict[str, Any]:
    """Measure ``tokenizers`` and the baselines ``against`` on every document under ``paths``.

    ``claim`` asks of every ratio whether it is at least so much, ``alignment`` compares token boundaries with
    those of "kiwi" or of a gold file (see `benchmarks.fertility.gold_file`).

    Returns a dictionary that `json.dumps` takes; ``fertility.schema.json`` beside this file says what is in it.
    What cannot be used stands in ``failed`` (tokenizers), ``skipped`` (files) and ``alignment.problems``.

    Raises `InputError` if no tokenizer can be loaded, a path does not exist, or no file can be used.
    """
    if not [*tokenizers, *against]:
        raise InputError("no tokenizer to measure; name at least one")
    loaded, failed = load_what_loads([*tokenizers, *against])
    return measure_loaded(loaded, failed, len(tokenizers), paths, text_key=text_key, claim=claim, alignment=alignment)


def measure_loaded(
    loaded: Sequence[Peer | None],
    failed: list[dict[str, str]],
    count: int,
    paths: Sequence[str | Path],
    *,
    text_key: str = "text",
    claim: float | None = None,
    alignment: str | None = None,
) -> dict[str, Any]:
    """As `measure`, with what `load_what_loads` gave: the first ``count`` are tokenizers, the others baselines."""
    if claim is not None and not claim > 0:
        raise InputError(f"the claim is {claim:g}; it is a ratio of tokens, above 0, as in 1.5")
    measured = list(dict.fromkeys(peer for peer in loaded if peer))
    if not any(loaded[:count] or measured):
        raise InputError("no tokenizer can be loaded: " + "; ".join(row["reason"] for row in failed))
    gold, standard = _standard(alignment)
    files = _read_and_count(measured, paths, text_key, gold)
    usable = [file for file in files if file.problem is None]
    if not usable:
        reasons = "; ".join(f"{file.path}: {file.problem}" for file in files)
        raise InputError(f"no file can be measured ({reasons or 'no files found'})")
    names = list(dict.fromkeys(peer.name for peer in loaded[count:] if peer))
    return {
        "format": FORMAT,
        "measure": "fertility",
        "provenance": provenance(),
        "against": names,
        "claim": claim,
        "tokenizers": [{"name": p.name, "kind": p.kind, "vocab_size": p.vocab_size} for p in measured],
        "failed": failed,
        "files": [_describe(file) for file in usable],
        "skipped": [{"path": file.path, "reason": file.problem} for file in files if file.problem],
        "results": results(measured, names, usable, claim, gold is not None),
        "alignment": _against_standard(standard, measured),
    }


def _standard(alignment: str | None) -> tuple[Gold | None, dict[str, Any] | None]:
    """Kiwi's boundaries for the texts themselves, or a gold file's texts with what is wrong with them."""
    if alignment is None:
        return None, None
    if alignment == "kiwi":
        return Gold(), {"standard": "kiwi", "problems": []}
    try:
        texts, problems = read_gold(alignment)
    except InputError as error:
        texts, problems = [], [_reason(error, alignment)]
    return None, {"standard": alignment, "problems": problems, "texts": texts}


def _against_standard(standard: dict[str, Any] | None, peers: Sequence[Peer]) -> dict[str, Any] | None:
    """How the tokenizers do on a gold file; of Kiwi the figures stand with each register."""
    if standard is None or "texts" not in standard:
        return standard
    texts = standard.pop("texts")
    return {**standard, "results": {peer.name: gold_alignment(peer, texts) for peer in peers if texts}}


def group_of(name: str, letters: int, hangul: int, latin: int) -> str:
    """Guess what a file is: "Korean", "code", "English" or "other".

    Korean if at least 20% of the letters are Hangul; else code if the file's name starts with ``code``; else
    English if most letters are Latin, which other languages' letters are too. A heuristic, to be checked
    against the table of files, where every file stands with its group.
    """
    if hangul >= 0.2 * max(letters, 1):
        return "Korean"
    if name.rpartition("/")[2].lower().startswith("code"):
        return "code"
    return "English" if latin > 0.5 * letters else "other"


def _read_and_count(
    peers: Sequence[Peer], paths: Sequence[str | Path], text_key: str, gold: Gold | None
) -> list[FileText]:
    """Read every file once and let every tokenizer encode it; what goes wrong with a file is kept in it."""
    files = _find(paths, len(peers))
    pieces = [Pieces(peer) for peer in peers]
    readable = [file for file in files if file.problem is None]
    batch: list[tuple[FileText, Page]] = []
    waiting = 0
    with step("Fertility", total=total_size([file.path for file in readable])) as bar:
        for file in readable:
            bar.note(file.name)
            for text in _texts(file, text_key, bar.advance):
                page = Page(text, cut=".txt" in Path(file.path).suffixes or file.path == "-")
                file.add(page)
                batch.append((file, page))
                waiting += len(text)
                if waiting >= BATCH_CHARACTERS:
                    _count(peers, pieces, batch, gold)
                    batch, waiting = [], 0
            if file.problem is None:
                file.problem = _problem(file)
            file.group = group_of(file.name, file.letters, file.hangul, file.latin)
        _count(peers, pieces, batch, gold)
    return files


def _find(paths: Sequence[str | Path], tallies: int) -> list[FileText]:
    """The files behind ``paths``. What exists but is no text is kept with its problem; what is missing raises."""
    sources: dict[str, str | None] = {}
    for path in paths:
        try:
            sources.update(dict.fromkeys(map(str, find_sources([path]))))
        except InputError as error:
            if not Path(path).exists():
                raise
            sources[str(path)] = _reason(error, str(path))
    names = _names([Path(source) for source in sources])
    return [
        FileText(name, source, [Tally() for _ in range(tallies)], problem=problem)
        for name, (source, problem) in zip(names, sources.items(), strict=True)
    ]


def _texts(file: FileText, text_key: str, on_progress: Callable[[int], None]) -> Iterator[str]:
    """The documents of one file; damage in it ends the iteration and is noted in the file."""
    try:
        for document in documents([file.path], text_key=text_key, on_progress=on_progress):
            yield document.text
    except (InputError, OSError) as error:
        file.problem = _reason(error, file.path)


def _reason(error: Exception, path: str) -> str:
    """What is wrong, without the path, which stands beside it."""
    return str(error).removeprefix(path).removeprefix(": ")


def _problem(file: FileText) -> str | None:
    if not file.eojeols:
        return "holds no text but white space"
    if file.unreadable > BINARY_SHARE * file.characters:
        return f"binary: {file.unreadable / file.characters:.0%} of the characters are NUL or not UTF-8"
    return None


def _count(
    peers: Sequence[Peer], pieces: Sequence[Pieces], batch: Sequence[tuple[FileText, Page]], gold: Gold | None
) -> None:
    """Encode the batch with every tokenizer and decode it again."""
    texts = [page.text for _, page in batch]
    for i, peer in enumerate(peers):
        encoded = peer.encode_batch(texts) if texts else []
        of_file: dict[int, list[Ids]] = {}
        for (file, page), ids in zip(batch, encoded, strict=True):
            file.tallies[i].add(page, ids, peer, pieces[i], gold)
            of_file.setdefault(id(file), []).append(ids)
        for file in {id(file): file for file, _ in batch}.values():
            file.tallies[i].count_types(of_file[id(file)])


def _names(paths: Sequence[Path]) -> list[str]:
    """A short name for each file: without suffixes, with as many parent folders as tell it apart."""
    stems = [path.with_name(_SUFFIXES.sub("", path.name) or path.name) for path in paths]
    names = [""] * len(paths)
    for depth in range(1, max((len(stem.parts) for stem in stems), default=0) + 1):
        tails = ["/".join(stem.parts[-depth:]) for stem in stems]
        seen = Counter(tails)
        names = [name or (tail if seen[tail] == 1 else "") for name, tail in zip(names, tails, strict=True)]
    return [name or str(path) for name, path in zip(names, paths, strict=True)]


def _describe(file: FileText) -> dict[str, Any]:
    shown = ("name", "path", "group", "documents", "characters", "bytes", "eojeols", "unreadable")
    share = file.hangul / file.letters if file.letters else 0.0
    return {key: getattr(file, key) for key in shown} | {"hangul_share": share}
