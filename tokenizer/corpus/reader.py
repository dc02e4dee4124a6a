"""Documents from files: text, JSON lines, JSON, CSV, Parquet; folders, standard input and Hugging Face datasets.

Everything streams; at most one document, or one piece of a long text file, is held at a time.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from tokenizer.corpus.compression import file_blocks, unpacked_stream
from tokenizer.corpus.decoding import decoded, repaired
from tokenizer.corpus.find import STDIN, find_sources, format_of, named_sources
from tokenizer.corpus.formats import checked_text, csv_texts, json_line_texts, json_texts, parquet_texts
from tokenizer.corpus.reading import Composition, FileNotes, Progress, Reading, optional
from tokenizer.errors import InputError
from tokenizer.text.cutting import safe_pieces


@dataclass(frozen=True)
class Document:
    """A text and where it came from; of a long text file a piece."""

    text: str
    source: str
    """The path as found (bytes that are not UTF-8 as U+FFFD), ``-`` for stdin, ``hf:NAME`` for a dataset."""
    origin: str = ""
    """The path as it was named: a file, a folder or a pattern."""
    last: bool = True
    """False if the document goes on with the next piece."""
    encoding: str = "utf-8"
    """The encoding that it was found in."""


def documents(
    paths: Sequence[str | Path],
    *,
    without: Collection[str | Path] = (),
    on_progress: Callable[[int], None] | None = None,
    **reading: Any,
) -> Iterator[Document]:
    """Yield the documents of ``paths`` in order; folders are walked in the order of their file names.

    ``reading`` are fields of `Reading`. A text file is a document, which comes in pieces if it is long; empty and null
    texts are left out, and so are the files ``without``. What is not UTF-8, and other things that a user should know
    of a file, is said in a warning when it has been read. ``on_progress`` is told the bytes read, in the unit of
    `total_size`. `InputError` for a missing, damaged or unknown kind of file, text that cannot be decoded, and when all
    of them together hold no text.
    """
    how = Reading(**reading)
    composition = Composition(how.nfc)
    empty = True
    try:
        for source, name, origin in named_sources(paths, without):
            notes = FileNotes(str(source), how)
            try:
                for text, last in _texts(source, notes, on_progress or (lambda _: None)):
                    empty = False
                    yield Document(composition.of(text, name), name, origin, last, notes.encoding)
            finally:  # also when the reader has had enough
                notes.warn()
    finally:
        composition.warn()
    if empty:
        raise InputError(f"{', '.join(map(str, paths)) or 'the corpus'}: holds no text; name files that do")


def _texts(source: Path | str, notes: FileNotes, progress: Progress) -> Iterator[tuple[str, bool]]:
    """The texts of one source that are not empty, and for each whether its document ends with it."""
    if isinstance(source, str):
        yield from _whole(_dataset_texts(source, notes))
    elif source == STDIN:
        notes.name = "stdin"
        yield from _stdin_texts(decoded(unpacked_stream(sys.stdin.buffer, "stdin"), notes), notes)
    elif (kind := format_of(source)) == ".parquet":
        yield from _whole(parquet_texts(source, notes, progress))
    else:
        blocks = decoded(file_blocks(source, progress), notes)
        if kind == ".jsonl":
            yield from _whole(json_line_texts(blocks, notes))
        elif kind == ".json":
            yield from _whole(json_texts(blocks, notes))
        elif kind in (".csv", ".tsv"):
            yield from _whole(csv_texts(blocks, "," if kind == ".csv" else "\t", notes))
        else:
            yield from _plain_texts(blocks, notes)


def _whole(texts: Iterable[str]) -> Iterator[tuple[str, bool]]:
    return ((text, True) for text in texts if text)


def _plain_texts(blocks: Iterable[str], notes: FileNotes) -> Iterator[tuple[str, bool]]:
    if notes.reading.documents == "paragraphs":
        yield from _whole(_paragraphs(blocks))
        return
    held = ""
    for piece in filter(None, safe_pieces(blocks)):
        if held:
            yield held, False
        held = piece
    if held:
        yield held, True


def _paragraphs(blocks: Iterable[str]) -> Iterator[str]:
    """The blocks of lines between blank lines, with the blank lines behind them left out."""
    held: list[str] = []
    rest = ""
    for block in chain(blocks, ["\n\n"]):
        *lines, rest = (rest + block).split("\n")
        for line in lines:
            if line.strip():
                held.append(line)
            elif held:
                yield "\n".join(held) + "\n"
                held = []


def _stdin_texts(blocks: Iterator[str], notes: FileNotes) -> Iterator[tuple[str, bool]]:
    """Standard input is JSONL when it begins with an object that has the field of texts, else plain text."""
    first = next(blocks, "")
    while "\n" not in first and (more := next(blocks, "")):
        first += more
    line, rejoined = first.lstrip().partition("\n")[0], chain([first], blocks)
    if line.startswith("{") and any(f'"{key}"' in line for key in notes.reading.keys):
        yield from _whole(json_line_texts(rejoined, notes))
    else:
        yield from _plain_texts(rejoined, notes)


def _dataset_texts(name: str, notes: FileNotes) -> Iterator[str]:
    """The texts of a Hugging Face dataset, streamed: ``hf:NAME`` (its train split) or ``hf:NAME:SPLIT``."""
    datasets = optional("datasets", name)
    _, dataset, *split = name.split(":")
    keys = notes.reading.keys
    try:
        rows = datasets.load_dataset(dataset, split=split[0] if split else "train", streaming=True)
        for number, row in enumerate(rows):
            if (key := next((key for key in keys if key in row), None)) is None:
                wanted = " or ".join(map(repr, keys))
                raise InputError(f"{name}: no column {wanted} (it has {', '.join(row)}); name one as text_key")
            if text := checked_text(row[key], f"{name}: column {key!r}"):
                yield repaired(text, f"{name}: row {number}", notes)
    except InputError:
        raise
    except Exception as error:  # datasets raises many kinds, from network to spelling
        raise InputError(f"{name}: cannot be loaded ({type(error).__name__}: {error})") from None


def total_size(paths: Sequence[str | Path], without: Collection[str | Path] = ()) -> int | None:
    """The bytes that `documents` will read of ``paths`` without some files; None when that cannot be known."""
    sources = find_sources(paths, without)
    if any(source == STDIN or isinstance(source, str) for source in sources):
        return None
    return sum(Path(source).stat().st_size for source in sources)
