"""One training, encoding or pretraining by a rival, in a process of its own.

``python -m benchmarks.speed.worker JOB ANSWER`` is what `benchmarks.speed.child` starts. All do their work
once before the clock, on the embedded samples, so that compiling and first-use tables are paid by then.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import samples
from benchmarks.speed.child import clocked
from benchmarks.speed.encoders import ENGINES, Form
from benchmarks.speed.pretraining import run_pretraining
from benchmarks.speed.trainers import TRAINERS, TrainJob

WARM_UP_SIZE = 3000
"""Ids that the training before the clock asks for."""
WARM_UP_CHARACTERS = 1 << 20
"""Characters a thread of the encoding before the clock: enough that all threads have started and have their memory."""


def run_train(job: dict[str, Any]) -> dict[str, Any]:
    """Train once: the figures, and the seconds of importing and warming up before the clock."""
    trainer = TRAINERS[job["trainer"]].train
    asked = TrainJob(**job["train"])
    start = time.perf_counter()
    trainer(TrainJob([str(samples.folder())], WARM_UP_SIZE, asked.threads))
    warm_up = time.perf_counter() - start
    trained, figures = clocked(lambda: trainer(asked))
    if job.get("save"):
        trained.save(Path(job["save"]))
    return {"tokens": trained.tokens, "warm_up_seconds": warm_up, **figures}


def run_encode(job: dict[str, Any]) -> dict[str, Any]:
    """Encode the texts once, after English samples: the figures, and a checksum of each text's ids."""
    engine, texts = ENGINES[job["engine"]], json.loads(Path(job["texts"]).read_bytes())
    start = time.perf_counter()
    encode = engine.load(Form(**job["form"]), job["threads"])
    english = (samples.folder() / "english.txt").read_text(encoding="utf-8")
    encode([english] * (job["threads"] * WARM_UP_CHARACTERS // len(english)))
    warm_up = time.perf_counter() - start
    encoded, figures = clocked(lambda: encode(texts))
    rows = [np.asarray(ids, dtype=np.uint32) for ids in engine.ids(encoded)]
    sums = [hashlib.sha256(row.tobytes()).hexdigest()[:16] for row in rows]
    return {"tokens": sum(row.size for row in rows), "ids": sums, "warm_up_seconds": warm_up, **figures}


def main() -> None:
    """Do the job in the first file and write the answer, or the error, to the second."""
    job = json.loads(Path(sys.argv[1]).read_bytes())
    try:
        work = run_pretraining if "pretrainer" in job else run_train if "trainer" in job else run_encode
        answer = work(job)
    except Exception as error:  # whatever a rival raises is its answer
        answer = {"error": f"{type(error).__name__}: {error}", "input": type(error).__name__ == "InputError"}
    except BaseException as error:  # a panic of a Rust library derives from BaseException
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        answer = {"error": f"{type(error).__name__}: {error}"}
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
