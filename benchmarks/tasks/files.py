"""Tasks of the harness with data from a folder, and tasks of our own.

The harness loads data sets from the Hugging Face hub. Where that cannot be reached, or the data may not be there, files
in the form of the hub are taken from a folder instead:

    DATA/kobest_v1/boolq/test.jsonl         DATA/NAME/CONFIGURATION/SPLIT.*, NAME without its owner
    DATA/CLIcK/train.json                   a data set without configurations
    DATA/klue/nli/klue-nli-v1.1_dev.json    a split at the end of the name, dev for validation

A definition that includes the harness's own and changes nothing but the data is written for each into a folder that the
harness then reads.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lm_eval.tasks import TaskManager

from benchmarks.compute.pairs import FOLDER as PAIRS
from tokenizer.errors import InputError

DEFINITIONS = Path(__file__).parent / "definitions"
PAIRS_GROUP = "gyeol_pairs"
SPLITS = {"training_split": "train", "validation_split": "validation", "test_split": "test", "fewshot_split": "train"}
"""Fields of a definition that name a split, and the usual name."""
_SYNONYMS = {"validation": ("validation", "valid", "dev"), "train": ("train", "training"), "test": ("test",)}
_KINDS = {".jsonl": "json", ".json": "json", ".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".txt": "csv"}
"""Builders of the package datasets by suffix."""


def own_tasks(folder: Path) -> None:
    """Write the definitions of our own tasks to ``folder``: those in ``definitions``, and the minimal pairs."""
    for path in DEFINITIONS.glob("*.yaml"):
        (folder / path.name).write_text(path.read_text("utf-8"), "utf-8")
    names = []
    for path in sorted(PAIRS.glob("*.tsv")):
        names.append(f"{PAIRS_GROUP}_{path.stem}")
        definition = {
            "task": names[-1],
            "dataset_path": "csv",
            "dataset_kwargs": {"data_files": {"test": str(path)}, "sep": "\t", "quoting": 3},
            "output_type": "multiple_choice",
            "test_split": "test",
            "doc_to_text": "",
            "doc_to_choice": "{{[good, bad]}}",
            "doc_to_target": 0,
            "target_delimiter": "",
            "metric_list": [{"metric": "acc"}],
            "metadata": {"version": 1.0},
        }
        _write(folder / f"{names[-1]}.yaml", definition)
    metrics = [{"metric": "acc", "aggregation": "mean", "weight_by_size": False}]
    group = {"group": PAIRS_GROUP, "task": names, "aggregate_metric_list": metrics, "metadata": {"version": 1.0}}
    _write(folder / f"{PAIRS_GROUP}.yaml", group)


def tasks_from_files(manager: TaskManager, names: Iterable[str], data: Path, folder: Path) -> list[str]:
    """Write to ``folder`` a definition for each of the tasks ``names`` whose data lie in ``data``; the paths at which
    the data of others were looked for."""
    missing = []
    for name in leaves(manager, names):
        entry = manager.task_index[name]
        config = entry.cfg or {}
        if config.get("dataset_path") in (None, *_KINDS.values()):
            continue
        place = data_folder(config, data)
        found = {split: files for split in _splits(config) if (files := _files(place, split))}
        if not found or not entry.yaml_path:
            missing.append(f"{name}: {place / (_splits(config)[-1] + '.jsonl')}")
            continue
        kind = _KINDS[_suffix(next(iter(found.values()))[0])]
        definition: dict[str, Any] = {
            "include": str(entry.yaml_path),
            "task": name,
            "dataset_path": kind,
            "dataset_name": None,
            "dataset_kwargs": {"data_files": {split: [str(file) for file in files] for split, files in found.items()}},
        }
        if kind == "csv" and _suffix(next(iter(found.values()))[0]) != ".csv":
            definition["dataset_kwargs"] |= {"sep": "\t", "quoting": 3}
        _write(folder / f"{name}.yaml", definition)
    return missing


def leaves(manager: TaskManager, names: Iterable[str]) -> list[str]:
    """The single tasks of ``names``, those of groups and tags among them, each once."""
    found: dict[str, None] = {}
    for name in names:
        entry = manager.task_index.get(name)
        members: Sequence[Any] = []
        if entry is not None and entry.kind.name == "GROUP":
            members = (entry.cfg or {}).get("task", [])
        elif entry is not None and entry.kind.name == "TAG":
            members = [other.name for other in manager.task_index.values() if name in other.tags]
        if members:
            inner = [each if isinstance(each, str) else each.get("task") or each.get("group", "") for each in members]
            found.update(dict.fromkeys(leaves(manager, inner)))
        elif entry is not None:
            found[name] = None
    return list(found)


def data_folder(config: dict[str, Any], data: Path) -> Path:
    """Where the files of a task's data set are looked for."""
    place = data / str(config["dataset_path"]).rpartition("/")[2]
    return place / config["dataset_name"] if config.get("dataset_name") else place


def _splits(config: dict[str, Any]) -> list[str]:
    """The splits that a definition names, the one that is measured last."""
    return list(dict.fromkeys(config[field] for field in ("fewshot_split", *SPLITS) if config.get(field)))


def _files(place: Path, split: str) -> list[Path]:
    """The files of a split: SPLIT.*, SPLIT-00000-of-00001.parquet, or NAME_SPLIT.*"""
    names = _SYNONYMS.get(split, (split,))
    candidates = [path for path in sorted(place.glob("*")) if _suffix(path) in _KINDS]
    for matches in (lambda stem, name: stem == name, lambda stem, name: stem.startswith(f"{name}-")):
        if found := [path for path in candidates for name in names if matches(_stem(path), name)]:
            return found
    return [path for path in candidates for name in names if _stem(path).endswith((f"_{name}", f"-{name}"))]


def _suffix(path: Path) -> str:
    """The suffix, without that of compression."""
    return (path.with_suffix("") if path.suffix in (".gz", ".xz", ".zst") else path).suffix.lower()


def _stem(path: Path) -> str:
    return path.name.partition(".")[0] if path.name.count(".") < 3 else path.name.rpartition(".")[0]


def _write(path: Path, definition: dict[str, Any]) -> None:
    """JSON is YAML."""
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder")
    path.write_text(json.dumps(definition, ensure_ascii=False, indent=1), "utf-8")
