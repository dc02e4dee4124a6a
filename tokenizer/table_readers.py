"""Texts from columns: Parquet files and Hugging Face datasets, read in small batches of rows.

Rows whose text is null are skipped, which one warning per source tells.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizer.errors import InputError
from tokenizer.text_readers import BLOCK, BadText, optional

logger = logging.getLogger("gyeol")

DATASET = "hf:"
ROWS = 128


def parquet_texts(path: Path, text_key: str, bad: BadText, progress: Callable[[int], None]) -> Iterator[str]:
    """Yield the column ``text_key``; ``progress`` is told the share of the file's bytes that its rows stand for."""
    pyarrow, parquet = optional("pyarrow", path), optional("pyarrow.parquet", path)
    try:
        with parquet.ParquetFile(path, buffer_size=BLOCK) as file:
            _check_column(file.schema_arrow, text_key, path, pyarrow)
            yield from _present(_parquet_rows(file, text_key, bad, progress, path.stat().st_size, pyarrow), bad.name)
    except PermissionError:
        raise InputError(f"{path}: may not be read; change its permissions") from None
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: no Parquet file, or damaged ({error}); fetch or write it again") from None


def _parquet_rows(
    file: Any, text_key: str, bad: BadText, progress: Callable[[int], None], size: int, pyarrow: Any
) -> Iterator[str | None]:
    row, told = 0, 0
    for batch in file.iter_batches(batch_size=ROWS, columns=[text_key]):
        # As bytes: pyarrow checks no UTF-8 when it reads a file, and fails on it later without a place.
        for value in batch.column(0).cast(pyarrow.large_binary()).to_pylist():
            yield None if value is None else _as_text(value, row, bad)
            row += 1
        reached = size * row // file.metadata.num_rows
        progress(reached - told)
        told = reached
    progress(size - told)


def _check_column(schema: Any, text_key: str, path: Path, pyarrow: Any) -> None:
    if text_key not in schema.names:
        raise InputError(f"{path}: no column {text_key!r} (it has {', '.join(schema.names)}); use --text-key")
    kind, types = schema.field(text_key).type, pyarrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if not (types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)):
        raise InputError(f"{path}: column {text_key!r} holds {kind}, not text; name another with --text-key")


def _as_text(value: bytes, row: int, bad: BadText) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("utf-8", "replace")
        places = text.count("\ufffd") - value.count("\ufffd".encode())
        bad.found(f"invalid UTF-8 in row {row}", "repair the text", places)
        return text


def dataset_texts(name: str, text_key: str, bad: BadText) -> Iterator[str]:
    """Yield the texts of a Hugging Face dataset, streamed: ``hf:NAME`` (its train split) or ``hf:NAME:SPLIT``."""
    datasets = optional("datasets", name)
    dataset, _, split = name.removeprefix(DATASET).partition(":")
    try:
        rows = datasets.load_dataset(dataset, split=split or "train", streaming=True)
    except Exception as error:  # datasets raises many kinds, from network to spelling
        raise InputError(f"{name}: cannot be loaded ({type(error).__name__}: {error})") from None
    yield from _present(_dataset_rows(rows, name, text_key, bad), name)


def _dataset_rows(rows: Any, name: str, text_key: str, bad: BadText) -> Iterator[str | None]:
    for number, row in enumerate(rows):
        if text_key not in row:
            raise InputError(f"{name}: no column {text_key!r} (it has {', '.join(row)}); use --text-key")
        text = row[text_key]
        if text is not None and not isinstance(text, str):
            raise InputError(f"{name}: column {text_key!r} holds {type(text).__name__}, not text; use --text-key")
        yield text and bad.without_surrogates(text, f"in row {number}")


def _present(texts: Iterable[str | None], name: str) -> Iterator[str]:
    missing = 0
    for text in texts:
        if text is None:
            missing += 1
        else:
            yield text
    if missing:
        logger.warning("%s: %d rows without text skipped", name, missing)
