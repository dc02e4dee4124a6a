"""The log of a run: a line of JSON for each step and validation, and TensorBoard's files if asked for."""

import json
import math
from pathlib import Path
from typing import Any

from tokenizer.errors import InputError
from tokenizer.files import atomic_open

LOG = "log.jsonl"


class RunLog:
    """Appends to RUN/log.jsonl from ``step`` on; lines of later steps, which will be written again, are dropped, and a
    validation of ``step`` that is there already is not written again."""

    def __init__(self, run: Path, step: int, *, tensorboard: bool = False) -> None:
        self._validated = _trim(run / LOG, step)
        self._board = _board(run, step) if tensorboard else None
        self._file = open(run / LOG, "a", encoding="utf-8")  # noqa: SIM115, closed by `close`

    def write(self, *, step: int, tokens: int, seconds: float, **figures: float | None) -> None:
        """Append a line, and see that it leaves the process. A figure that is not a number becomes null."""
        if "validation_loss" in figures and step in self._validated:
            return
        line = {"step": step, "tokens": tokens, **figures, "seconds": round(seconds, 3)}
        kept = {name: None if value is None or not math.isfinite(value) else value for name, value in line.items()}
        self._file.write(json.dumps(kept) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(name, math.nan if value is None else value, step)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_log(run: Path) -> list[dict[str, Any]]:
    """The lines of a run's log; what is behind a line cut short or damaged is left out. `InputError` where there is no
    log."""
    try:
        lines = (run / LOG).read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{run}: has no {LOG}, so it is not a run; give a folder that `gyeol pretrain` wrote"
        ) from None
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except ValueError:  # no JSON, or no UTF-8
            break
    return records


def _trim(path: Path, step: int) -> set[int]:
    """Drop the lines of steps beyond ``step``; the steps that have a validation."""
    if not path.exists():
        return set()
    kept = [record for record in read_log(path.parent) if record["step"] <= step]
    with atomic_open(path, "w") as handle:
        handle.writelines(json.dumps(record) + "\n" for record in kept)
    return {record["step"] for record in kept if "validation_loss" in record}


def _board(run: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError("tensorboard is not installed; pip install 'gyeol[tensorboard]'") from None
    return SummaryWriter(run / "tensorboard", purge_step=step + 1)
