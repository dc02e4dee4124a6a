"""The raw figures of a run, a file each; everything that a comparison says is computed from them afterwards."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.compute.measures import DocumentScore
from tokenizer.errors import InputError
from tokenizer.state_files import read_state, write_state


@dataclass(frozen=True, kw_only=True)
class Row:
    """One finished run."""

    tokenizer: str
    budget: float
    """Operations that were asked for."""
    seed: int
    rate: float
    """Peak learning rate."""
    steps: int
    flops: int
    """Operations of its training steps."""
    tokens: int
    bytes: int
    """Bytes of text that it trained on, those of further epochs again."""
    seconds: float
    """Of training steps."""
    tuning_nats: float
    """Of the passages that the learning rate is chosen by."""
    tuning_bytes: int
    documents: list[dict[str, Any]]
    """Nats and bytes of the held-out documents by file, see `DocumentScore`."""

    @property
    def groups(self) -> dict[str, tuple[float, int]]:
        """Nats and bytes of the held-out documents by group, and of all."""
        found: dict[str, tuple[float, int]] = {}
        for each in (DocumentScore(**record) for record in self.documents):
            for group in ("all", each.group):
                nats, size = found.get(group, (0.0, 0))
                found[group] = nats + each.nats, size + each.bytes
        return found


@dataclass(frozen=True, kw_only=True)
class Probes:
    """What a model of the largest budget is measured by besides, see `benchmarks.compute.measures`."""

    pairs_digest: str
    """SHA-256 of the minimal pairs."""
    pairs: dict[str, list[int]]
    """By phenomenon, pairs told apart and pairs in all."""
    continuations: dict[str, Any] | None
    generation: dict[str, Any] | None


T = TypeVar("T", Row, Probes)


def write_record(path: Path, record: Row | Probes) -> None:
    """Write a record, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_state(path, asdict(record))


def read_record(path: Path, kind: type[T]) -> T | None:
    """The record in a file, or None where there is none. `InputError` for a damaged one."""
    if not path.exists():
        return None
    record = read_state(path)
    if missing := {field.name for field in fields(kind)} - set(record):
        raise InputError(f"{path}: lacks {', '.join(sorted(missing))}; remove it, and the run is done again")
    return kind(**{field.name: record[field.name] for field in fields(kind)})
