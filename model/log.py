"""The log of a run: a line of JSON for each step and validation, and TensorBoard's files if asked for."""

import json
import math
from pathlib import Path
from typing import Any

from tokenizer.errors import InputError
from tokenizer.files import atomic_open

LOG = "log.jsonl"


class RunLog:
    """Appends to RUN/log.jsonl from ``step`` on; lines of later steps, which will be written again, are dropped."""

    def __init__(self, run: Path, step: int, *, tensorboard: bool = False) -> None:
        if (run / LOG).exists():
            kept = [record for record in read_log(run) if record["step"] <= step]
            with atomic_open(run / LOG, "w") as handle:
                handle.writelines(json.dumps(record) + "\n" for record in kept)
        self._board = _board(run, step) if tensorboard else None
        self._file = open(run / LOG, "a", encoding="utf-8")  # noqa: SIM115, closed by `close`

    def write(self, *, step: int, tokens: int, seconds: float, **figures: float | None) -> None:
        """Append a line, and see that it leaves the process. A figure that is no number becomes null."""
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
    """The lines of a run's log; a line cut short by a crash is left out. `InputError` where there is no log."""
    try:
        lines = (run / LOG).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{run}: no {LOG}, so no run; give a folder that `gyeol pretrain` wrote") from None
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


def _board(run: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError("tensorboard is not installed; pip install 'gyeol[tensorboard]'") from None
    return SummaryWriter(run / "tensorboard", purge_step=step + 1)
