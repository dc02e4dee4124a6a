"""A run folder: what it is, where it stands, and how it comes back after a crash.

    RUN/pretrain.json       options, data and tokenizer of the run; a folder is one run for ever
    RUN/config.json, model.safetensors, tokenizer files    the model, once the run is finished
    RUN/log.jsonl           one line a step and one a validation
    RUN/checkpoints/step-000100/    model.safetensors, optimizer.safetensors, training.json
    RUN/result.json         the figures at the end

Nothing is pickled. A checkpoint's folder is written under a temporary name and renamed; its training.json holds the
SHA-256 of the other two, and one that does not match is passed over for the one before.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from model.config import ModelConfig
from model.export import llama_config, load_weights, read_config, read_tensors, save_weights, write_tensors
from model.optimizer import optimizer_tensors, restore_optimizer
from model.transformer import Transformer
from tokenizer.errors import InputError
from tokenizer.files import atomic_folder, atomic_open, read_json, sha256_file, write_json

KEEP = 2
"""Checkpoints kept: the last, and one before it should that be damaged."""

WEIGHTS, OPTIMIZER, TRAINING = "model.safetensors", "optimizer.safetensors", "training.json"
IDENTITY, RESULT, LOG = "pretrain.json", "result.json", "log.jsonl"


@dataclass(frozen=True, kw_only=True)
class TrainingState:
    """Where a run stands."""

    step: int = 0
    """Optimizer updates done."""

    tokens: int = 0
    """Targets trained on."""

    seconds: float = 0.0
    """Wall-clock time spent, over all sessions."""

    loss: float | None = None
    """Training loss of the last step, nats per token."""

    initial_bits_per_byte: float | None = None
    """Validation before the first step."""


def open_run(run: Path, identity: dict[str, Any], config: ModelConfig, end_of_text: int, tokenizer: Path) -> None:
    """Create the run folder, or check that the one there is the same run.

    Raises `InputError` when ``run`` holds another run or something else; nothing is overwritten.
    """
    if run.exists() and not run.is_dir():
        raise InputError(f"{run}: a file; give a new folder")
    if (run / IDENTITY).exists():
        differences = _differences(read_json(run / IDENTITY), identity)
        if differences:
            raise InputError(
                f"{run} holds another run ({'; '.join(differences)}); repeat its options or give a new folder"
            )
        return
    if run.exists() and any(run.iterdir()):
        raise InputError(f"{run}: not empty, and holds no run; give a new folder")
    run.mkdir(parents=True, exist_ok=True)
    for file in sorted(tokenizer.iterdir()) if tokenizer.is_dir() else []:
        if file.is_file():
            shutil.copyfile(file, run / file.name)
    write_json(run / "config.json", llama_config(config, end_of_text))
    write_json(run / IDENTITY, identity)


def save_checkpoint(run: Path, model: Transformer, optimizer: torch.optim.AdamW, state: TrainingState) -> None:
    """Write a checkpoint and drop those beyond the last `KEEP`."""
    with atomic_folder(run / "checkpoints" / f"step-{state.step:06d}") as folder:
        save_weights(folder / WEIGHTS, model)
        write_tensors(folder / OPTIMIZER, optimizer_tensors(model, optimizer))
        sums = {name: sha256_file(folder / name) for name in (WEIGHTS, OPTIMIZER)}
        write_json(folder / TRAINING, {**asdict(state), "sha256": sums})
    for old in _checkpoints(run)[:-KEEP]:
        shutil.rmtree(old)


def load_checkpoint(run: Path, model: Transformer, optimizer: torch.optim.AdamW) -> TrainingState:
    """Restore the newest whole checkpoint into ``model`` and ``optimizer``; the zero state when there is none."""
    folder = latest_checkpoint(run)
    if folder is None:
        return TrainingState()
    state = read_json(folder / TRAINING)
    load_weights(folder / WEIGHTS, model)
    if state["step"]:
        restore_optimizer(model, optimizer, read_tensors(folder / OPTIMIZER), state["step"])
    return TrainingState(**{field.name: state[field.name] for field in fields(TrainingState)})


def latest_checkpoint(run: Path) -> Path | None:
    """The newest checkpoint that is whole; says on stderr which damaged ones it passed over."""
    for folder in reversed(_checkpoints(run)):
        try:
            sums = read_json(folder / TRAINING)["sha256"]
            if all(sha256_file(folder / name) == sums[name] for name in (WEIGHTS, OPTIMIZER)):
                return folder
        except (InputError, OSError, KeyError, TypeError):
            pass
        print(f"{folder}: damaged, going back to the checkpoint before", file=sys.stderr)
    return None


def trim_log(run: Path, step: int) -> None:
    """Drop log lines after ``step``, which a resumed run will write again."""
    path = run / LOG
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            break  # a line cut short by a crash is the last
        if record["step"] <= step:
            kept.append(line)
    with atomic_open(path, "w") as handle:
        handle.writelines(kept)


def load_model(run: str | Path, device: str | torch.device = "cpu") -> Transformer:
    """Load the model of a run folder for inference: the finished one, else that of the newest whole checkpoint.

    Raises `InputError` when the folder holds no model.
    """
    run = Path(run)
    with torch.device("meta"):
        model = Transformer(read_config(run / "config.json"))
    path = run / WEIGHTS
    if not path.exists():
        folder = latest_checkpoint(run)
        if folder is None:
            raise InputError(f"{run}: no {WEIGHTS} and no whole checkpoint; pretrain first")
        path = folder / WEIGHTS
    model.to_empty(device="cpu")
    if model.config.tie_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
    load_weights(path, model)
    return model.to(device).eval()


def _checkpoints(run: Path) -> list[Path]:
    found = (run / "checkpoints").glob("step-*")
    return sorted((path for path in found if path.name[5:].isdigit()), key=lambda path: int(path.name[5:]))


def _differences(old: Any, new: dict[str, Any], prefix: str = "") -> list[str]:
    """Say each value of ``old`` that is not that of ``new``."""
    if not isinstance(old, dict):
        return [f"{prefix or IDENTITY} is damaged"]
    found = []
    for key in sorted({*old, *new}):
        mine, theirs = new.get(key), old.get(key)
        if isinstance(mine, dict):
            found += _differences(theirs, mine, f"{prefix}{key}.")
        elif mine != theirs:
            found.append(f"{prefix}{key} is {theirs} there, {mine} here")
    return found
