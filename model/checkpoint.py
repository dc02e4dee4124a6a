"""A run folder: what it is, where it stands, and how it comes back after a crash.

    RUN/pretrain.json       options, data and tokenizer of the run, which never change
    RUN/config.json, model.safetensors, generation_config.json, README.md, tokenizer files
                            the model, once the run is finished (`model.finished`)
    RUN/log.jsonl           one line a step and one a validation
    RUN/checkpoints/step-000100/    model.safetensors, optimizer.safetensors (or shards of both), training.json
    RUN/result.json         the figures at the end

Nothing is pickled. A checkpoint's folder is written under a temporary name and renamed; its training.json holds the
SHA-256 of the others, and one that does not match is passed over for the one before.
"""

import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch import Tensor
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.tensor import DTensor

from model.config import ModelConfig
from model.export import llama_config, load_weights, model_tensors, read_config
from model.log import LOG
from model.optimizer import Optimizer
from model.parallel import Workers
from model.transformer import Transformer
from model.weights import INDEX, WEIGHTS, read_weights, weight_files, weight_sizes, write_tensors
from tokenizer.errors import InputError
from tokenizer.files import atomic_folder, atomic_open, sha256_file, write_json
from tokenizer.outputs import Kind, is_empty
from tokenizer.state_files import as_dataclass, read_state, write_state
from tokenizer.vocabulary import TOKENIZER_FOLDER

logger = logging.getLogger("gyeol")

OPTIMIZER, TRAINING = "optimizer.safetensors", "training.json"
CONFIG, IDENTITY, RESULT, CARD = "config.json", "pretrain.json", "result.json", "README.md"
GENERATION = "generation_config.json"
_TOKENIZER = (*TOKENIZER_FOLDER.markers, *TOKENIZER_FOLDER.files)
_SAVED = (WEIGHTS, INDEX, "model-*-of-*.safetensors", CONFIG, GENERATION, CARD)
_FILES = (*_SAVED, RESULT, LOG, *_TOKENIZER, "checkpoints/step-*", "tensorboard/events.*")
RUN_FOLDER = Kind("run", (IDENTITY,), "gyeol-run", _FILES)


@dataclass(frozen=True, kw_only=True)
class TrainingState:
    """State of a run."""

    step: int = 0
    """Steps done."""
    updates: int = 0
    """Updates of the weights: steps, but for those skipped because their loss was not finite."""
    tokens: int = 0
    """Targets trained on."""
    seconds: float = 0.0
    """Wall-clock time spent, over all sessions."""
    training_seconds: float = 0.0
    """Of that, time spent in steps, without validation and checkpoints."""
    loss: float | None = None
    """Training loss of the last step, nats per token."""
    initial_bits_per_byte: float | None = None
    """Validation before the first step."""


def open_run(run: Path, identity: dict[str, Any], config: ModelConfig, end_of_text: int, tokenizer: Path) -> None:
    """Create the run folder, or check that the one there is the same run.

    Raises `InputError` when ``run`` holds another run or something else; nothing is overwritten.
    """
    if run.exists() and not run.is_dir():
        raise InputError(f"{run}: is a file; give a new folder")
    if (run / IDENTITY).exists():
        if differences := _differences(read_state(run / IDENTITY), identity):
            raise InputError(
                f"{run} holds another run ({'; '.join(differences)}); repeat its options or give a new folder"
            )
    elif run.exists() and not is_empty(run):
        raise InputError(f"{run}: is not empty and does not hold a run; give a new folder")
    else:
        run.mkdir(parents=True, exist_ok=True)
        write_state(run / IDENTITY, identity)  # first: what is killed behind it goes on
    for file in sorted(tokenizer.iterdir()) if tokenizer.is_dir() else []:
        if file.is_file() and file.name != CARD and not (run / file.name).exists():
            with atomic_open(run / file.name) as handle:
                handle.write(file.read_bytes())
    if not (run / CONFIG).exists():
        write_json(run / CONFIG, llama_config(config, end_of_text))


def extension(run: Path, identity: dict[str, Any]) -> int:
    """The step at which the run was last extended, else 0; ``identity`` learns of its extensions."""
    extensions = read_state(run / IDENTITY).get("extensions", []) if (run / IDENTITY).exists() else []
    if not extensions:
        return 0
    identity["extensions"] = extensions
    if (run / RESULT).exists() and read_state(run / RESULT).get("steps") == extensions[-1]:
        (run / RESULT).unlink()  # killed between the two writes of `extend_run`
    return int(extensions[-1])


def extend_run(run: Path, identity: dict[str, Any]) -> int:
    """Make a finished run one that goes on to the tokens of ``identity``; the step at which it was extended.

    An unfinished run stays as it is, so that an extension that was interrupted goes on with the same command.
    `InputError` for a run that is not there, that has as many tokens already, or that differs in anything else.
    """
    last = extension(run, identity)
    if not (run / IDENTITY).exists():
        raise InputError(f"{run}: there is no run to extend; leave out extend=True to start one")
    if not (run / RESULT).exists():
        return last
    old, options = read_state(run / IDENTITY), identity["options"]
    grown = {name: old["options"].get(name) for name in ("tokens", "max_seconds")}
    steps, tokens = (int(read_state(run / RESULT)[name]) for name in ("steps", "tokens"))
    if options["max_seconds"] is not None or options["tokens"] <= tokens:
        raise InputError(
            f"{run} has {tokens:,} tokens already; extend it by tokens above that, and without a limit of time"
        )
    if differences := _differences(old, {**identity, "options": {**options, **grown}}):
        raise InputError(f"{run} holds another run ({'; '.join(differences)}); repeat its options")
    identity["extensions"] = [*identity.get("extensions", []), steps]
    write_state(run / IDENTITY, identity)
    (run / RESULT).unlink()
    return steps


def save_checkpoint(
    run: Path, model: Transformer, optimizer: Optimizer, state: TrainingState, workers: Workers, keep: int
) -> None:
    """Write a checkpoint and drop those beyond the last ``keep``; all ``workers`` call it.

    A model that is sharded is written by all of them, each its own shards, through torch's distributed checkpoints.
    """
    parent = run / "checkpoints"
    with ExitStack() as stack:
        final = parent / f"step-{state.step:06d}"
        folder = workers.share(stack.enter_context(atomic_folder(final)) if workers.first else None)
        weights, moments = model_tensors(model), optimizer.tensors()
        if any(isinstance(weight, DTensor) for weight in model.parameters()):
            dcp.save(weights | moments, storage_writer=HuggingFaceStorageWriter(str(folder), save_distributed=True))
        elif workers.first:
            write_tensors(folder / WEIGHTS, weights)
            write_tensors(folder / OPTIMIZER, moments)
        workers.barrier()
        if workers.first:
            sums = {path.name: sha256_file(path) for path in sorted(folder.glob("*.safetensors"))}
            write_state(folder / TRAINING, {**asdict(state), "sha256": sums, "threads": torch.get_num_threads()})
    if workers.first:
        for old in _checkpoints(run)[:-keep]:
            shutil.rmtree(old)
    workers.barrier()


def load_checkpoint(run: Path, model: Transformer, optimizer: Optimizer, workers: Workers) -> TrainingState:
    """Restore the newest whole checkpoint into ``model`` and ``optimizer``; the zero state when there is none.

    However many processes wrote it, and however many read it now.
    """
    folder = workers.share(latest_checkpoint(run) if workers.first else None)
    if folder is None:
        return TrainingState()
    moments = optimizer.tensors()
    _read_into(folder, model_tensors(model) | moments)
    record = read_state(folder / TRAINING)
    if workers.first and record.get("threads", torch.get_num_threads()) != torch.get_num_threads():
        logger.warning(
            "%s was computed with %s threads, now there are %s: sums are rounded otherwise, so that losses differ in "
            "their last digits from those of a run that was not interrupted",
            run,
            record["threads"],
            torch.get_num_threads(),
        )
    state = as_dataclass(TrainingState, record, folder / TRAINING)
    if state.updates:
        optimizer.restore(moments, state.updates)
    return state


def latest_checkpoint(run: Path) -> Path | None:
    """The newest checkpoint that is whole; a warning names the damaged ones that it passed over."""
    for folder in reversed(_checkpoints(run)):
        try:
            _check_checkpoint(folder)
            return folder
        except (InputError, OSError) as error:
            logger.warning("%s: damaged (%s), going back to the checkpoint before", folder, error)
    return None


def _check_checkpoint(folder: Path) -> None:
    """`InputError` for a checkpoint whose files are not those that were written: damaged, or others beside them."""
    record = read_state(folder / TRAINING)
    as_dataclass(TrainingState, record, folder / TRAINING)
    sums = record.get("sha256")
    if not isinstance(sums, dict) or not sums:
        raise InputError(f"{folder / TRAINING}: names no files")
    if foreign := sorted({path.name for path in folder.glob("*.safetensors")} - set(sums)):
        raise InputError(f"{folder / foreign[0]} does not belong to the checkpoint; move it away")
    check_sums(folder, sums)


def check_sums(folder: Path, sums: dict[str, str]) -> None:
    """`InputError` for the first file of ``sums`` that is missing or has another SHA-256."""
    for name, expected in sums.items():
        path = folder / Path(name).name
        if not path.is_file() or sha256_file(path) != expected:
            raise InputError(f"{path}: missing or altered since it was written; restore it, or train again")


def finished_files(run: Path) -> dict[str, str]:
    """SHA-256 of what a finished run leaves for others to load."""
    weights = weight_files(run) or {}
    names = [*dict.fromkeys(path.name for path in weights.values()), INDEX, CONFIG]
    return {name: sha256_file(run / name) for name in names if (run / name).exists()}


def _read_into(folder: Path, tensors: dict[str, Tensor]) -> None:
    """Fill ``tensors``, sharded or not, from the safetensors files of a checkpoint, sharded or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it runs in one process
        dcp.load(tensors, storage_reader=HuggingFaceStorageReader(str(folder)))


def load_model(run: str | Path, device: str | torch.device = "cpu") -> Transformer:
    """Load the model of a run folder for inference: the finished one, else that of the newest whole checkpoint.

    Raises `InputError` when the folder holds no model.
    """
    run = Path(run)
    if (run / RESULT).exists():
        check_sums(run, read_state(run / RESULT).get("sha256", {}))
    with torch.device("meta"):
        model = Transformer(read_config(run / CONFIG))
    model.to_empty(device="cpu")
    if model.config.tie_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
    if files := weight_files(run):
        load_weights(files, model)
    elif (folder := latest_checkpoint(run)) is not None:
        _read_into(folder, model_tensors(model))
    else:
        raise InputError(f"{run}: no {WEIGHTS} and no complete checkpoint; pretrain first")
    return model.to(device).eval()


def stored_weights(run: Path) -> tuple[dict[str, int], Iterator[tuple[str, Tensor]]]:
    """Bytes by name, and the weights one after another, each read when it is asked for: of the finished model in
    ``run``, else of the newest whole checkpoint. `InputError` when the folder holds no model."""
    if (run / RESULT).exists():
        check_sums(run, read_state(run / RESULT).get("sha256", {}))
    if files := weight_files(run):
        return weight_sizes(files), read_weights(files)
    if (folder := latest_checkpoint(run)) is None:
        raise InputError(f"{run}: no {WEIGHTS} and no complete checkpoint; pretrain first")
    with torch.device("meta"):
        shapes = model_tensors(Transformer(read_config(run / CONFIG)))

    def each() -> Iterator[tuple[str, Tensor]]:
        for name, shape in shapes.items():
            held = {name: torch.empty(shape.shape, dtype=shape.dtype)}
            _read_into(folder, held)
            yield name, held[name]

    return {name: shape.nbytes for name, shape in shapes.items()}, each()


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
