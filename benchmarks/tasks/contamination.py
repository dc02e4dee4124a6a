"""Test items in a corpus: a model that has read them says nothing by its score.

An item is contaminated when a run of 13 of its eojeols stands in the corpus, as Brown et al. (2020, "Language Models
are Few-Shot Learners", appendix C) have it for words; of a shorter item all eojeols, if there are at least 8.
Punctuation and case do not count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex

from tokenizer.corpus import documents, total_size
from tokenizer.errors import InputError
from tokenizer.progress import progress_bar

RUN, LEAST = 13, 8
"""Eojeols of a run, and of the shortest item that is looked for."""
_WORD = regex.compile(r"[\p{L}\p{N}]+")


@dataclass(frozen=True)
class Contamination:
    """One task."""

    task: str
    items: int
    looked_for: int
    """Items that are long enough."""
    found: int
    """Of these, items of which a run stands in the corpus."""
    example: str | None
    """The beginning of the first of them."""


def words(text: str) -> list[str]:
    """Eojeols without punctuation, in lower case; those of punctuation alone are left out."""
    found = ("".join(_WORD.findall(eojeol)) for eojeol in text.lower().split())
    return [word for word in found if word]


def runs(text: str) -> list[tuple[str, ...]]:
    """The runs of `RUN` eojeols of an item, or its one shorter run; none of an item that is too short."""
    own = words(text)
    if len(own) < LEAST:
        return []
    size = min(RUN, len(own))
    return [tuple(own[start : start + size]) for start in range(len(own) - size + 1)]


def contamination(tasks: Mapping[str, Sequence[str]], corpus: Sequence[str | Path]) -> list[Contamination]:
    """For each task, of which the texts of its items are given, how many of them stand in ``corpus``.

    `InputError` where no item is long enough to be looked for.
    """
    items = [(task, number, runs(text)) for task, texts in tasks.items() for number, text in enumerate(texts)]
    wanted: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    for task, number, own in items:
        for run in own:
            wanted.setdefault(run, []).append((task, number))
    if not wanted:
        raise InputError(f"no item has {LEAST} eojeols or more; there is nothing to look for")
    sizes = sorted({len(run) for run in wanted})
    firsts = {run[0] for run in wanted}
    found: set[tuple[str, int]] = set()
    with progress_bar("Looking for test items", total=total_size(list(corpus))) as bar:
        for document in documents(list(corpus), errors="replace", on_progress=bar.advance):
            eojeols = words(document.text)
            for start in (place for place, word in enumerate(eojeols) if word in firsts):
                for size in sizes:
                    found.update(wanted.get(tuple(eojeols[start : start + size]), ()))
    return [_of_task(task, texts, items, found) for task, texts in tasks.items()]


def _of_task(
    task: str, texts: Sequence[str], items: Iterable[tuple[str, int, list[Any]]], found: set[tuple[str, int]]
) -> Contamination:
    own = sorted(number for name, number in found if name == task)
    looked_for = sum(1 for name, _, each in items if name == task and each)
    return Contamination(task, len(texts), looked_for, len(own), texts[own[0]][:80] if own else None)


def item_texts(task: Any, limit: int | None = None) -> list[str]:
    """The texts of the items of a task of the harness: what the model is shown, and all choices."""
    found = []
    for number, item in enumerate(task.eval_docs):
        if limit is not None and number >= limit:
            break
        parts = [task.doc_to_text(item)]
        if task.OUTPUT_TYPE == "multiple_choice":
            parts += task.doc_to_choice(item) or []
        found.append(" ".join(str(part) for part in parts))
    return found
