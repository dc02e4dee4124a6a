"""Weights on disk: safetensors files of a few gigabytes with an index, written and read one after another, so that a
model may be larger than the memory."""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from tokenizer.errors import InputError
from tokenizer.files import atomic_open, read_json, write_json

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
"""Of weights in several files, as Hugging Face writes large models."""
DTYPE_BYTES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2}
SHARD_BYTES = 5_000_000_000
"""Most bytes in a file, as transformers has it; a single tensor may be larger."""


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file, atomically."""
    with atomic_open(path) as handle:
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        handle.write(save(plain, {"format": "pt"}))


def file_names(sizes: Mapping[str, int], limit: int = SHARD_BYTES) -> dict[str, str]:
    """The file of each weight by its bytes: `WEIGHTS` when all fit into ``limit``, else files that are filled one after
    another."""
    numbers, number, held = {}, 0, 0
    for name, size in sizes.items():
        if held and held + size > limit:
            number, held = number + 1, 0
        numbers[name] = number
        held += size
    if number == 0:
        return dict.fromkeys(sizes, WEIGHTS)
    return {name: f"model-{own + 1:05d}-of-{number + 1:05d}.safetensors" for name, own in numbers.items()}


def write_weights(
    folder: Path, sizes: Mapping[str, int], tensors: Iterable[tuple[str, Tensor]], limit: int = SHARD_BYTES
) -> list[str]:
    """Write ``tensors``, which come in the order of ``sizes`` (bytes by name), holding those of one file at a time.

    The names of the files written. Files of an older model in ``folder`` that has more of them are removed.
    """
    names, held = file_names(sizes, limit), dict[str, Tensor]()
    last = {file: name for name, file in names.items()}
    for name, tensor in tensors:
        held[name] = tensor
        if last[names[name]] == name:
            write_tensors(folder / names[name], held)
            held = {}
    written = sorted(last)
    if written != [WEIGHTS]:
        write_json(folder / INDEX, {"metadata": {"total_size": sum(sizes.values())}, "weight_map": names})
        written.append(INDEX)
    for older in (*folder.glob("model-*-of-*.safetensors"), folder / WEIGHTS, folder / INDEX):
        if older.name not in written:
            older.unlink(missing_ok=True)
    return written


def weight_files(folder: Path) -> dict[str, Path] | None:
    """The file of each weight of the model in ``folder``; None when it holds no weights. `InputError` for a damaged
    index."""
    if (folder / WEIGHTS).is_file():
        return dict.fromkeys(_names(folder / WEIGHTS), folder / WEIGHTS)
    if not (folder / INDEX).is_file():
        return None
    places = read_json(folder / INDEX)
    names = places.get("weight_map") if isinstance(places, dict) else None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InputError(f"{folder / INDEX}: not an index of weights; restore it")
    return {weight: folder / Path(name).name for weight, name in names.items()}


def read_weights(files: Mapping[str, Path]) -> Iterator[tuple[str, Tensor]]:
    """Each weight by its name, read when it is asked for. `InputError` for a file that is damaged or lacks it."""
    for name, path in files.items():
        try:
            with safe_open(path, "pt") as held:
                yield name, held.get_tensor(name)
        except (SafetensorError, FileNotFoundError) as error:
            raise InputError(f"{path}: incomplete ({error}); restore or rebuild it") from None


def weight_sizes(files: Mapping[str, Path]) -> dict[str, int]:
    """Bytes of each weight, without reading it. `InputError` as `read_weights`."""
    sizes = {}
    for name, (shape, kind) in _headers(files).items():
        if kind not in DTYPE_BYTES:
            raise InputError(f"{files[name]}: {name} is of type {kind}; weights are F32, BF16 or F16, convert it")
        sizes[name] = math.prod(shape) * DTYPE_BYTES[kind]
    return sizes


def weight_shapes(files: Mapping[str, Path]) -> dict[str, tuple[int, ...]]:
    """Shape of each weight, without reading it. `InputError` as `read_weights`."""
    return {name: shape for name, (shape, _) in _headers(files).items()}


def _headers(files: Mapping[str, Path]) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of each weight."""
    found = {}
    for name, path in files.items():
        try:
            with safe_open(path, "pt") as held:
                part = held.get_slice(name)
                found[name] = tuple(part.get_shape()), str(part.get_dtype())
        except (SafetensorError, FileNotFoundError) as error:
            raise InputError(f"{path}: incomplete ({error}); restore or rebuild it") from None
    return found


def _names(path: Path) -> list[str]:
    try:
        with safe_open(path, "pt") as held:
            return list(held.keys())
    except SafetensorError as error:
        raise InputError(f"{path}: incomplete ({error}); restore or rebuild it") from None
