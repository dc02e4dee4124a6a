"""Fertility: how many tokens a tokenizer spends on a text, beside others, over files of anyone's choice.

    ratio to a baseline = tokens of the baseline / tokens of ours        above 1, ours needs fewer

Figures are taken per file and averaged over files (macro), so that a long file does not speak for all;
``total`` has the sums. Files are also averaged by group, which is a heuristic (see `group_of`).

Read ``tokens_per_eojeol`` with care: an eojeol is a maximal run of non-white-space, and a vocabulary with
superwords has tokens that span several, so the figure can fall below 1 and does not say that eojeols are
kept whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.letters import code_points, eojeols, letter_counts
from benchmarks.peers import Peer, load_peers
from benchmarks.provenance import provenance
from tokenizer.corpus import documents, find_sources, total_size
from tokenizer.errors import InputError
from tokenizer.progress import step

BATCH_CHARACTERS = 1 << 21
"""Documents are encoded together up to this many characters, from several files if need be."""

BINARY_SHARE = 0.05
"""A file with more than this share of control and undecodable characters is not taken for text."""

_SUFFIXES = re.compile(r"(\.(txt|jsonl|json|parquet|gz|xz|zst|bz2))+$")

RATES = ("tokens_per_character", "characters_per_token", "bytes_per_token", "tokens_per_eojeol")


@dataclass
class Tally:
    """What one tokenizer spends on one file."""

    tokens: int = 0
    lossy_documents: int = 0
    lossy_characters: int = 0


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

    def add(self, text: str) -> None:
        """Count the characters of one more document."""
        points = code_points(text)
        letters, hangul, latin = letter_counts(points)
        self.documents += 1
        self.characters += len(text)
        self.bytes += len(text.encode())
        self.eojeols += len(eojeols(points)[0])
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
) -> dict[str, Any]:
    """Measure ``tokenizers`` and the baselines ``against`` on every document under ``paths``.

    Returns a dictionary that `json.dumps` takes:

    - ``provenance``, ``against`` (names), ``tokenizers`` (name, kind, vocab_size; the baselines are last);
    - ``files``: name, path, group, documents, characters, bytes, eojeols, unreadable (NUL and undecodable
      characters) and hangul_share (of the letters) of each file used;
    - ``skipped``: path and reason of each file that could not be used;
    - ``results[tokenizer]``: ``files[name]``, ``macro`` (mean over files), ``groups[group]`` (mean over the
      group's files) and ``total`` (over all text), each with tokens_per_character, characters_per_token,
      bytes_per_token, tokens_per_eojeol and ``ratio[baseline]``; and ``round_trip``: ``lossless``, and
      the share of documents and of characters that do not come back from decoding. A character that does
      not come back is one that the text has more often than the decoded text.

    Raises `InputError` if a tokenizer is unknown, a path does not exist, or no file can be used.
    """
    loaded = load_peers([*tokenizers, *against])
    peers = list(dict.fromkeys(loaded))
    if not peers:
        raise InputError("no tokenizer to measure; name at least one")
    files = _read_and_count(peers, paths, text_key)
    usable = [file for file in files if file.problem is None]
    if not usable:
        reasons = "; ".join(f"{file.path}: {file.problem}" for file in files)
        raise InputError(f"no file can be measured ({reasons or 'no files found'})")
    names = list(dict.fromkeys(peer.name for peer in loaded[len(tokenizers) :]))
    return {
        "format": 1,
        "measure": "fertility",
        "provenance": provenance(),
        "against": names,
        "tokenizers": [{"name": p.name, "kind": p.kind, "vocab_size": p.vocab_size} for p in peers],
        "files": [_describe(file) for file in usable],
        "skipped": [{"path": file.path, "reason": file.problem} for file in files if file.problem],
        "results": {peer.name: _result(i, peers, names, usable) for i, peer in enumerate(peers)},
    }


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


def _read_and_count(peers: Sequence[Peer], paths: Sequence[str | Path], text_key: str) -> list[FileText]:
    """Read every file once and let every tokenizer encode it; what goes wrong with a file is kept in it."""
    files = _find(paths, len(peers))
    readable = [file for file in files if file.problem is None]
    batch: list[tuple[FileText, str]] = []
    waiting = 0
    with step("Fertility", total=total_size([file.path for file in readable])) as bar:
        for file in readable:
            bar.note(file.name)
            for text in _texts(file, text_key, bar.advance):
                file.add(text)
                batch.append((file, text))
                waiting += len(text)
                if waiting >= BATCH_CHARACTERS:
                    _count(peers, batch)
                    batch, waiting = [], 0
            if file.problem is None:
                file.problem = _problem(file)
            file.group = group_of(file.name, file.letters, file.hangul, file.latin)
        _count(peers, batch)
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


def _count(peers: Sequence[Peer], batch: Sequence[tuple[FileText, str]]) -> None:
    """Encode the batch with every tokenizer and decode it again."""
    texts = [text for _, text in batch]
    for i, peer in enumerate(peers):
        for (file, text), ids in zip(batch, peer.encode_batch(texts) if texts else (), strict=True):
            tally = file.tallies[i]
            tally.tokens += len(ids)
            decoded = peer.decode_bytes(ids)
            if decoded != text.encode():
                tally.lossy_documents += 1
                tally.lossy_characters += (Counter(text) - Counter(decoded.decode(errors="replace"))).total()


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


def _result(index: int, peers: Sequence[Peer], against: Sequence[str], files: Sequence[FileText]) -> dict[str, Any]:
    """All figures of one tokenizer."""
    bases = {peer.name: i for i, peer in enumerate(peers) if peer.name in against}
    per_file = {file.name: _rates(index, bases, [file]) for file in files}
    groups = sorted({file.group for file in files})
    tallies = [file.tallies[index] for file in files]
    documents = sum(tally.lossy_documents for tally in tallies)
    return {
        "files": per_file,
        "macro": _mean(per_file.values(), against),
        "groups": {g: _mean((per_file[f.name] for f in files if f.group == g), against) for g in groups},
        "total": _rates(index, bases, files),
        "round_trip": {
            "lossless": documents == 0,
            "documents_lost": documents / sum(file.documents for file in files),
            "characters_lost": sum(t.lossy_characters for t in tallies) / sum(file.characters for file in files),
        },
    }


def _rates(index: int, bases: dict[str, int], files: Sequence[FileText]) -> dict[str, Any]:
    """The figures of one tokenizer over the text of ``files`` together."""
    tokens = sum(file.tallies[index].tokens for file in files)
    characters, size = sum(file.characters for file in files), sum(file.bytes for file in files)
    eojeols = sum(file.eojeols for file in files)
    of_base = {name: sum(file.tallies[i].tokens for file in files) for name, i in bases.items()}
    return {
        "tokens": tokens,
        "characters": characters,
        "bytes": size,
        "eojeols": eojeols,
        "tokens_per_character": tokens / characters,
        "characters_per_token": _divide(characters, tokens),
        "bytes_per_token": _divide(size, tokens),
        "tokens_per_eojeol": tokens / eojeols,
        "ratio": {name: _divide(base, tokens) for name, base in of_base.items()},
    }


def _mean(rows: Iterable[dict[str, Any]], against: Sequence[str]) -> dict[str, Any]:
    """The mean over files of each figure."""
    rows = list(rows)
    means: dict[str, Any] = {"files": len(rows)}
    means |= {key: _fmean([row[key] for row in rows]) for key in RATES}
    means["ratio"] = {name: _fmean([row["ratio"][name] for row in rows]) for name in against}
    return means


def _divide(part: float, whole: float) -> float | None:
    return part / whole if whole else None  # a tokenizer that drops all it does not know spends no token


def _fmean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
