"""Records of one file: JSON lines, JSON, CSV, Parquet.

Everything streams: of JSONL a line is held at a time, of Parquet a few rows; only a ``.json`` is read whole.
"""

import csv
import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from tokenizer.corpus.compression import BLOCK, file_blocks
from tokenizer.corpus.decoding import REMEDY, repaired, replaced
from tokenizer.corpus.reading import FileNotes, Progress, optional
from tokenizer.errors import InputError

ROWS = 128
"""Rows of Parquet read at a time."""


def json_line_texts(blocks: Iterable[str], notes: FileNotes) -> Iterator[str]:
    """The text of each line of JSONL, null left out; `InputError` names file and line."""
    for number, line in enumerate(_lines(blocks), start=1):
        place = f"{notes.name}:{number}"
        try:
            text = _text_in(_parsed(line, place), place, notes) if line.strip() else None
        except InputError as problem:
            notes.bad_line(problem)
            continue
        if text is not None:
            yield repaired(text, place, notes)


def json_texts(blocks: Iterable[str], notes: FileNotes) -> Iterator[str]:
    """The texts of a JSON file: of its object, of each object in its list, or each string in that."""
    content = _parsed("".join(blocks), notes.name)
    for number, record in enumerate(content if isinstance(content, list) else [content], start=1):
        place = f"{notes.name}: item {number}"
        text = record if isinstance(record, str) else _text_in(record, place, notes)
        if text is not None:
            yield repaired(text, place, notes)


def csv_texts(blocks: Iterable[str], delimiter: str, notes: FileNotes) -> Iterator[str]:
    """The column of texts of a CSV file, whose first line names the columns."""
    csv.field_size_limit((1 << 31) - 1)
    rows = csv.DictReader((line + "\n" for line in _lines(blocks)), delimiter=delimiter, strict=True)
    try:
        columns = rows.fieldnames or []
        if (key := next((key for key in notes.reading.keys if key in columns), None)) is None:
            raise InputError(
                f"{notes.name}: no column {_named(notes)} (it has {', '.join(columns)}); name one as text_key"
            )
        for row in rows:
            if row[key]:
                yield row[key]
    except csv.Error as error:
        raise InputError(
            f"{notes.name}: line {rows.line_num} is not valid CSV ({error}); repair or convert it"
        ) from None


_KINDS = {list: "array", str: "string", int: "number", float: "number"}


def _text_in(record: Any, place: str, notes: FileNotes) -> str | None:
    """The text of a record of JSON, None for null."""
    if not isinstance(record, dict):
        raise InputError(f"{place}: a JSON {_KINDS.get(type(record), 'value')}, not an object with a field of text")
    key = next((key for key in notes.reading.keys if key in record), None)
    if key is None:
        raise InputError(f"{place}: no text in field {_named(notes)}; name the field as text_key")
    return checked_text(record[key], f"{place}: field {key!r}")


def _named(notes: FileNotes) -> str:
    return " or ".join(map(repr, notes.reading.keys))


def _lines(blocks: Iterable[str]) -> Iterator[str]:
    held: list[str] = []
    for block in blocks:
        first, *others = block.split("\n")
        held.append(first)
        for line in others:
            yield "".join(held)
            held = [line]
    yield "".join(held)


def _parsed(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        problem = str(error)
    raise InputError(f"{place}: not valid JSON ({problem}); give one object a line in .jsonl, all in .json")


def checked_text(value: Any, place: str) -> str | None:
    """``value`` if it is a str or None; `InputError` else."""
    if value is not None and not isinstance(value, str):
        raise InputError(f"{place} holds {type(value).__name__}, not text; name another as text_key")
    return value


def parquet_texts(path: Path, notes: FileNotes, progress: Progress) -> Iterator[str]:
    """The column of texts of a Parquet file, null left out.

    Parquet is read from its end, so a compressed file is unpacked into a temporary one first.
    """
    if path.suffix.lower() == ".parquet":
        yield from _parquet_rows(path, path, notes, progress)
        return
    with tempfile.TemporaryFile() as unpacked:
        for block in file_blocks(path, progress):
            unpacked.write(block)
        yield from _parquet_rows(unpacked, path, notes, lambda _: None)


def _parquet_rows(source: Path | IO[bytes], path: Path, notes: FileNotes, progress: Progress) -> Iterator[str]:
    pyarrow, parquet = optional("pyarrow", path), optional("pyarrow.parquet", path)
    size, row, told = path.stat().st_size, 0, 0
    try:
        with parquet.ParquetFile(source, pre_buffer=False, buffer_size=BLOCK) as file:
            text_key = _column(pyarrow, file.schema_arrow, notes)
            for batch in file.iter_batches(batch_size=ROWS, columns=[text_key]):
                for raw in batch.column(0).cast(pyarrow.large_binary()).to_pylist():
                    row += 1
                    if raw is not None:
                        text = raw.decode("utf-8", errors="replace")
                        if bad := replaced(raw, text):
                            notes.damage(f"{path}: invalid UTF-8 in row {row}", bad, REMEDY)
                        yield text
                done = size * row // file.metadata.num_rows
                progress(done - told)
                told = done
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputError(f"{path}: not a Parquet file, or damaged ({error})") from None
    progress(size - told)


def _column(pyarrow: Any, schema: Any, notes: FileNotes) -> str:
    """The column that holds the texts."""
    text_key = next((key for key in notes.reading.keys if key in schema.names), None)
    if text_key is None:
        raise InputError(
            f"{notes.name}: no column {_named(notes)} (it has {', '.join(schema.names)}); name one as text_key"
        )
    kind, types = schema.field(text_key).type, pyarrow.types
    kind = kind.value_type if types.is_dictionary(kind) else kind
    if not any(is_text(kind) for is_text in (types.is_string, types.is_large_string, types.is_string_view)):
        raise InputError(f"{notes.name}: column {text_key!r} holds {kind}, not text; name another as text_key")
    return text_key
