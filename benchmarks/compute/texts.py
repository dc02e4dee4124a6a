"""The texts of a comparison: passages to train on, passages to tune by, and whole documents to score.

A corpus is cut at line ends into passages, of which a sample is drawn that does not depend on any tokenizer. Lines of
the held-out documents are looked for in the whole corpus, not only in the sample.
"""

import hashlib
import heapq
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import regex

from benchmarks.fertility.tally import group_of
from tokenizer.corpus import documents, total_size
from tokenizer.errors import InputError
from tokenizer.progress import progress_bar

logger = logging.getLogger("gyeol")

PASSAGE = 2000
"""Characters of a passage, about; it ends at a line end where there is one."""
LONG_LINE = 32
"""Characters of the shortest line that tells that two texts are the same."""
SHARED, FEWEST = 0.01, 3
"""Share of the long lines of a held-out file from which on it is refused, and fewest lines, unless all are found: one
or two may be a licence's or an import's. Passages with such lines are left out of training."""
TUNING = 65_536
"""Bytes of passages that the learning rate is chosen by, at most a tenth of the sample."""
_LETTERS, _HANGUL, _LATIN = (regex.compile(rf"\p{{{name}}}") for name in ("L", "Hangul", "Latin"))


@dataclass(frozen=True)
class HeldOut:
    """One held-out document, whole."""

    file: str
    """Name of its file."""
    group: str
    """Korean, English, code or other."""
    text: str
    bytes: int


@dataclass(frozen=True)
class Texts:
    """All texts of a comparison."""

    training: list[str]
    tuning: list[str]
    held_out: list[HeldOut]
    corpus_bytes: int
    """Bytes of the whole corpus."""
    left_out: int
    """Passages left out of training because a line of them stands in a held-out document."""

    @property
    def training_bytes(self) -> int:
        """Bytes of the passages to train on."""
        return sum(len(text.encode()) for text in self.training)

    @property
    def digest(self) -> str:
        """SHA-256 of all of them."""
        digest = hashlib.sha256()
        for texts in (self.training, self.tuning, [document.text for document in self.held_out]):
            for text in texts:
                digest.update(hashlib.sha256(text.encode()).digest())
            digest.update(b"|")
        return digest.hexdigest()


def read_texts(
    corpus: Sequence[str | Path], held_out: Sequence[str | Path], sample: int, text_key: str = "text"
) -> Texts:
    """Read and sample ``corpus``, and read ``held_out`` whole.

    `InputError` for a held-out file of which a hundredth of the long lines stand in the corpus, for one without text,
    and for a corpus too small to train on.
    """
    documents_ = _held_out(held_out, text_key)
    lines = {line: 0 for document in documents_ for line in long_lines(document.text)}
    drawn: list[tuple[int, int, str]] = []  # a heap of those drawn, the first to go on top
    held = whole = number = left_out = 0
    with progress_bar("Reading the corpus", total=total_size(list(corpus))) as bar:
        for document in documents(list(corpus), text_key=text_key, on_progress=bar.advance, errors="replace"):
            for passage in passages(document.text):
                found = [line for line in long_lines(passage) if line in lines]
                for line in found:
                    lines[line] += 1
                size, number = len(passage.encode()), number + 1
                whole += size
                if found:
                    left_out += 1
                    continue
                heapq.heappush(drawn, (-_place(number, passage), size, passage))
                held += size
                while held > sample:
                    held -= heapq.heappop(drawn)[1]
    _check_overlap(documents_, lines)
    if left_out:
        logger.warning("%s passages with a line of a held-out text are left out of training", f"{left_out:,}")
    kept = [(size, passage) for _, size, passage in sorted(drawn, reverse=True)]
    tuning, used = 0, 0
    while tuning < len(kept) and used < min(TUNING, held // 10):
        used += kept[tuning][0]
        tuning += 1
    if len(kept) - tuning < 2:
        raise InputError(f"the corpus has {whole:,} bytes, too few to train on; give some 100,000 or more")
    texts = [passage for _, passage in kept]
    return Texts(texts[tuning:], texts[:tuning], documents_, whole, left_out)


def passages(text: str) -> Iterator[str]:
    """``text`` in passages of about `PASSAGE` characters, cut behind line ends; those of white space are left out."""
    start = 0
    while start < len(text):
        end = len(text)
        if end - start > PASSAGE:
            found = text.find("\n", start + PASSAGE - 1)
            end = found + 1 if 0 <= found < start + 2 * PASSAGE else start + PASSAGE
        if (passage := text[start:end]) and not passage.isspace():
            yield passage
        start = end


def long_lines(text: str) -> list[str]:
    """The lines of `LONG_LINE` characters or more, without white space around them."""
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if len(line) >= LONG_LINE]


def _held_out(paths: Sequence[str | Path], text_key: str) -> list[HeldOut]:
    """The documents of all files, pieces of a long one joined."""
    if not paths:
        raise InputError("no held-out text to score; name files or folders with eval_texts")
    found: list[HeldOut] = []
    parts: list[str] = []
    for document in documents(list(paths), text_key=text_key, errors="strict"):
        parts.append(document.text)
        if document.last:
            text, parts = "".join(parts), []
            if text.strip():
                found.append(HeldOut(Path(document.source).name.split(".")[0], "", text, len(text.encode())))
    if not found:
        raise InputError(f"{', '.join(map(str, paths))}: no text to score")
    by_file: dict[str, str] = {}
    for document_ in found:
        by_file[document_.file] = by_file.get(document_.file, "") + document_.text
    groups = {name: _group(name, text) for name, text in by_file.items()}
    return [HeldOut(each.file, groups[each.file], each.text, each.bytes) for each in found]


def _group(name: str, text: str) -> str:
    counts = (len(pattern.findall(text)) for pattern in (_LETTERS, _HANGUL, _LATIN))
    return group_of(name, *counts)


def _check_overlap(held_out: Sequence[HeldOut], found: dict[str, int]) -> None:
    by_file: dict[str, list[str]] = {}
    for document in held_out:
        by_file.setdefault(document.file, []).extend(long_lines(document.text))
    for name, lines in by_file.items():
        shared = sum(found[line] > 0 for line in lines)
        if shared and shared >= min(len(lines), max(FEWEST, SHARED * len(lines))):
            raise InputError(
                f"{name}: {shared:,} of its {len(lines):,} lines of {LONG_LINE} characters or more stand in the corpus "
                "too; score text that the models do not train on, or leave that out of the corpus"
            )


def _place(number: int, passage: str) -> int:
    """A number that orders passages at random, the same in every run."""
    digest = hashlib.blake2b(passage.encode(), digest_size=8, salt=number.to_bytes(8, "little")).digest()
    return int.from_bytes(digest, "little")
