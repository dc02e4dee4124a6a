"""Evaluating models with the harness: tasks by name, data from the hub or from files, figures as dataclasses."""

import difflib
import importlib.util
import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fertility.results import as_json
from benchmarks.provenance import Provenance, provenance, shown_path
from benchmarks.tasks.contamination import Contamination, contamination, item_texts
from benchmarks.tasks.korean import KOREAN_TASKS
from tokenizer.errors import InputError
from tokenizer.files import read_json, write_json
from tokenizer.outputs import JSON_MARK, check_file

FORMAT = "gyeol-evaluation"
PACKAGES = ("gyeol", "lm_eval", "datasets", "torch", "transformers", "numpy")
MAIN = ("acc", "acc_norm", "exact_match", "f1", "byte_perplexity", "word_perplexity", "bits_per_byte", "perplexity")
"""Metrics in the order in which the first that a task has is shown."""


@dataclass(frozen=True)
class TaskFigures:
    """A task, or a group of them."""

    name: str
    metrics: dict[str, float]
    """By name."""
    errors: dict[str, float]
    """Standard errors by the harness, by name; empty where it gives none."""
    items: int | None
    """Items that were measured; None for a group."""
    group: bool


@dataclass(frozen=True)
class ModelFigures:
    """A model on all tasks."""

    model: str
    tokens: int | None
    """Tokens it was trained on, where its folder says."""
    tasks: list[TaskFigures]
    crossing: float
    """Share of the continuations at whose beginning a token lies across."""
    seconds: float


@dataclass(frozen=True)
class EvaluationReport:
    """The result of `evaluate`."""

    format: str
    version: int
    measure: str
    provenance: Provenance
    settings: dict[str, Any]
    models: list[ModelFigures]


def check_installed() -> None:
    """`InputError` when the harness is not installed."""
    if importlib.util.find_spec("lm_eval") is None:
        raise InputError("evaluation needs lm-evaluation-harness; run: pip install 'gyeol[eval]'")


def evaluate(
    models: Sequence[str | Path],
    tasks: Sequence[str],
    *,
    limit: int | None = None,
    shots: int | None = None,
    scoring: str = "exact",
    data: Path | None = None,
    chat: bool = False,
    device: str = "auto",
) -> EvaluationReport:
    """Measure each of ``models`` (run folders, or Hugging Face folders that we can run) on ``tasks`` of the harness.

    ``limit`` is the number of items of each task at most, ``shots`` the number of examples before an item (the task's
    own by default), ``data`` a folder with data sets (`benchmarks.tasks.files`), ``scoring`` exact or plain
    (`benchmarks.tasks.harness`); ``chat`` puts items into the chat template. `InputError` for unknown tasks, data that
    cannot be reached, and a folder without a model or a tokenizer.
    """
    check_installed()
    if limit is not None and limit < 1:
        raise InputError(f"limit is {limit}; it must be 1 or more")
    if data is not None and not data.is_dir():
        raise InputError(f"{data}: no such folder; name one with data sets")
    if not data:
        os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "10")
    _quiet()
    from lm_eval import simple_evaluate

    from benchmarks.tasks.harness import GyeolLM

    loaded = [GyeolLM(model, scoring=scoring, device=device) for model in models]  # type: ignore[arg-type]
    found = []
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        built = load_tasks(tasks, data, Path(folder))
        for model, lm in zip(models, loaded, strict=True):
            started = time.perf_counter()
            result = simple_evaluate(
                lm,
                tasks=built,
                limit=limit,
                num_fewshot=shots,
                log_samples=False,
                apply_chat_template=chat,
                bootstrap_iters=1000,
            )
            seconds = time.perf_counter() - started
            share = lm.crossing / lm.scored if lm.scored else 0.0
            found.append(ModelFigures(shown_path(model), _tokens(Path(model)), _figures(result or {}), share, seconds))
    settings = {"tasks": list(tasks), "limit": limit, "shots": shots, "scoring": scoring, "chat": chat}
    return EvaluationReport(FORMAT, 1, "evaluation", provenance(packages=PACKAGES), settings, found)


def load_tasks(names: Sequence[str], data: Path | None, folder: Path) -> list[Any]:
    """The tasks and groups ``names``, with data from ``data`` where it has them; ``folder`` is for definitions."""
    _quiet()
    from lm_eval.tasks import TaskManager

    from benchmarks.tasks.files import own_tasks, tasks_from_files

    own_tasks(folder)
    manager = TaskManager(include_path=str(folder))
    if not names:
        raise InputError("no task; name one or more, see the list of Korean ones")
    for name in names:
        if name not in manager.task_index:
            near = difflib.get_close_matches(name, [*manager.task_index, *(task.name for task in KOREAN_TASKS)], 3, 0.5)
            raise InputError(f"unknown task {name!r}; the nearest names are {', '.join(near) or 'none'}")
    missing = tasks_from_files(manager, names, data, folder) if data else []
    if data:
        manager = TaskManager(include_path=str(folder))
    try:
        loaded = manager.load(list(names))
    except Exception as error:  # the hub and the package datasets raise many kinds
        raise InputError(_unreachable(names, data, missing, error)) from None
    inside = {child for children in loaded["group_map"].values() for child in children}
    top = [*loaded["groups"].values(), *loaded["tasks"].values()]
    return [each for each in top if getattr(each, "name", None) or each.task_name not in inside]


def _quiet() -> None:
    """No bars of the harness where there is no terminal, and no word of metrics that it would look for on the hub."""
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    logging.getLogger("lm_eval.api.registry").setLevel(logging.CRITICAL)


def _unreachable(names: Sequence[str], data: Path | None, missing: Sequence[str], error: Exception) -> str:
    reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
    if data is None:
        return (
            f"the data of {', '.join(names)} cannot be loaded from the Hugging Face hub ({reason}); put its files into "
            "a folder DATA as DATA/NAME/CONFIGURATION/SPLIT.jsonl (kobest_v1/boolq/test.jsonl), and name that as data"
        )
    looked = "; ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
    return f"the data of {', '.join(names)} cannot be loaded ({reason}); looked for {looked or data}"


def _figures(result: dict[str, Any]) -> list[TaskFigures]:
    """What the harness gives, by task and group."""
    found = []
    samples, groups = result.get("n-samples", {}), result.get("groups", {})
    for name, record in {**result.get("results", {}), **groups}.items():
        values = {key.partition(",")[0]: value for key, value in record.items() if isinstance(value, (int, float))}
        errors = {key.removesuffix("_stderr"): value for key, value in values.items() if key.endswith("_stderr")}
        metrics = {key: float(value) for key, value in values.items() if not key.endswith("_stderr") and key in MAIN}
        count = samples.get(name, {}).get("effective")
        found.append(TaskFigures(name, metrics, errors, count, name in groups))
    return found


def _tokens(folder: Path) -> int | None:
    """Tokens that the model of a run folder was trained on."""
    path = folder / "result.json"
    record = read_json(path) if path.is_file() else {}
    tokens = record.get("tokens") if isinstance(record, dict) else None
    return tokens if isinstance(tokens, int) else None


def evaluate_and_write(
    models: Sequence[str | Path], tasks: Sequence[str], out: Path | None, *, force: bool = False, **options: Any
) -> EvaluationReport:
    """As `evaluate`, and the result in the file ``out``, which is looked at before the work."""
    if out:
        check_file(out, JSON_MARK, force)
    report = evaluate(models, tasks, **options)
    if out:
        write_json(out, as_json(report))
    return report


def check_corpus(
    tasks: Sequence[str], corpus: Sequence[str | Path], *, data: Path | None = None, limit: int | None = None
) -> list[Contamination]:
    """How many items of ``tasks`` stand in ``corpus``, see `benchmarks.tasks.contamination`."""
    check_installed()
    from lm_eval.api.group import Group

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        loaded = load_tasks(tasks, data, Path(folder))
        single = [task for each in loaded for task in (each.get_all_tasks() if isinstance(each, Group) else [each])]
        texts = {task.task_name: item_texts(task, limit) for task in single}
    return contamination(texts, corpus)
