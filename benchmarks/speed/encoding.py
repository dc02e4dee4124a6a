"""Encoding speed of Gyeol and other engines with the same vocabularies, also on texts that engines are slow on."""

import json
import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.report.terminal import optional, print_speed, span
from benchmarks.speed.encoders import ENGINES, EncodeJob, encoder_inputs
from benchmarks.speed.rounds import check_known, describe, missing, run_rounds, speed_result, spread
from tokenizer.corpus import documents

CUT = 1 << 14
"""Texts to encode are cut into documents of about so many characters, behind a line end where there is one."""


def measure_encoding(
    tokenizers: Sequence[str],
    paths: Sequence[str | Path],
    *,
    engines: Sequence[str] = (),
    threads: int = 1,
    rounds: int = 1,
    worst: bool = False,
    worst_bytes: int = 10_000_000,
    timeout: float = 600,
    text_key: str = "text",
) -> dict[str, Any]:
    """Encode the texts once per round with every engine and vocabulary, on one thread and on ``threads``.

    ``results`` is a list: vocabulary, engine, method, threads, case ("text", or one of `worst_texts`), rounds,
    ``mb_per_second`` (10**6 bytes of UTF-8; median, min, max), ``equal_documents`` (of ``documents``: those whose
    ids are those of the vocabulary's first engine here), ``of_normal`` (median speed / that of "text", one thread)
    and ``of_one_thread`` (speed / that of one thread in the same round: median, min, max).
    """
    chosen = list(dict.fromkeys(engines)) or list(ENGINES)
    check_known(chosen, ENGINES, "engine")
    described = describe(paths, text_key)
    texts = [piece for document in documents(paths, text_key=text_key) for piece in cut(document.text)]
    cases = {"text": texts} | (worst_texts(worst_bytes, texts) if worst else {})
    skipped: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        vocabularies = encoder_inputs(tokenizers, Path(scratch))
        jobs: dict[str, EncodeJob] = {}
        for number, (case, documents_of_case) in enumerate(cases.items()):
            file = Path(scratch) / f"case{number}.json"
            file.write_text(json.dumps(documents_of_case), encoding="utf-8")
            for own, name in product(vocabularies, chosen):
                if own.folder is None and ENGINES[name].needs_folder:
                    continue
                for count in sorted({1, threads}) if case == "text" else [1]:
                    key = f"{own.name} | {name} | {case} | {count}"
                    jobs[key] = EncodeJob(engine=name, texts=str(file), threads=count, **vars(own))
                    if reason := missing((ENGINES[name].module,)):
                        skipped[key] = reason
        found = run_rounds(jobs, rounds, timeout, skipped)
    settings = {"rounds": rounds, "threads": threads, "worst_bytes": worst_bytes if worst else None}
    results = _encoding_rows(found, cases)
    return speed_result("encoding", settings, {"texts": described | {"pieces": len(texts)}}, results, skipped)


def cut(text: str) -> Iterator[str]:
    """Cut a text into pieces of about `CUT` characters; joined they are the text."""
    start = 0
    while start < len(text):
        stop = text.rfind("\n", start, start + CUT) + 1 if len(text) - start > CUT else len(text)
        stop = stop or start + CUT
        yield text[start:stop]
        start = stop


def worst_texts(size: int, texts: Iterable[str]) -> dict[str, list[str]]:
    """Texts that engines are known to be slow on, one document of about ``size`` bytes each."""
    solid = "".join("".join(text.split()) for text in texts) or "가"
    soup = random.Random(0).randbytes(size // 2).decode("utf-8", errors="replace")
    units = {
        "one syllable": "가",
        "one letter": "a",
        "spaces": " ",
        "laughter": "ㅋㅋㅋ",
        "no space": solid,
        "alternating scripts": "가a漢1я.",
        "byte soup": soup,
    }
    encoded = {name: unit.encode() for name, unit in units.items()}
    return {name: [(raw * (size // len(raw) + 1))[:size].decode(errors="ignore")] for name, raw in encoded.items()}


def _encoding_rows(found: dict[str, list[dict[str, Any]]], cases: dict[str, list[str]]) -> list[dict[str, Any]]:
    """A row per key of ``found``, the ids compared with those of the first engine of the vocabulary."""
    sizes = {case: sum(len(text.encode()) for text in texts) for case, texts in cases.items()}
    reference: dict[tuple[str, str], list[str]] = {}
    normal: dict[tuple[str, str], float] = {}
    rows = []
    for key, runs in found.items():
        vocabulary, engine, case, threads = key.split(" | ")
        ids, *_ = [run.pop("ids") for run in runs]
        first = reference.setdefault((vocabulary, case), ids)
        speed = spread([sizes[case] / 1e6 / run["seconds"] for run in runs])
        if case == "text" and threads == "1":
            normal[vocabulary, engine] = speed["median"]
        usual = normal.get((vocabulary, engine)) if threads == "1" else None
        row: dict[str, Any] = {"vocabulary": vocabulary, "engine": engine, "method": ENGINES[engine].method}
        row |= {"case": case, "threads": int(threads), "bytes": sizes[case], "mb_per_second": speed, "rounds": runs}
        row |= {"documents": len(ids), "equal_documents": sum(a == b for a, b in zip(ids, first, strict=True))}
        row["of_normal"] = speed["median"] / usual if usual else None
        one = found.get(f"{vocabulary} | {engine} | {case} | 1")
        gains = [a["seconds"] / b["seconds"] for a, b in zip(one, runs, strict=True)] if one else []
        row["of_one_thread"] = spread(gains) if gains else None
        rows.append(row)
    return rows


def print_encoding(result: dict[str, Any]) -> None:
    """Print the result of `measure_encoding`."""
    rows = []
    for row in result["results"]:
        names, of_one = [row["vocabulary"], row["engine"], row["case"]], row["of_one_thread"] or {}
        relative = [*optional(row, "of_normal"), *optional(of_one, "median")]
        same = f"{row['equal_documents']}/{row['documents']}"
        rows.append([*names, str(row["threads"]), *span(row["mb_per_second"], ".2f"), *relative, same])
    title = f"Encoding {result['texts']['bytes'] / 1e6:.1f} MB, cold caches"
    heads = ("threads", "MB/s", "min - max", "of normal", "of 1 thread", "same ids")
    print_speed(result, title, ["vocabulary", "engine", "case"], heads, rows)
