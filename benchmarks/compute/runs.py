"""One run of a comparison: train, score, write the row. A killed run goes on from its last checkpoint."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.compute.arms import Arm, Job
from benchmarks.compute.encoded import Windows
from benchmarks.compute.measures import (
    generation_cost,
    score_continuations,
    score_documents,
    score_pairs,
    scorer,
)
from benchmarks.compute.pairs import Pair, pairs_digest
from benchmarks.compute.rows import Probes, Row, read_record, write_record
from benchmarks.compute.texts import Texts
from model.checkpoint import CONFIG, load_model
from model.data import TokenStream
from model.device import resolve_device, resolve_precision
from model.evaluate import Evaluation, Validation
from model.export import llama_config
from model.parallel import Workers
from model.trainer import Trainer
from model.weights import WEIGHTS
from tokenizer.files import write_json


def done_row(job: Job, arm: Arm, out: Path) -> Row | None:
    """The row of a run that is finished."""
    return read_record(out / "rows" / f"{job.name(arm)}.json", Row)


def best_rate(tuned: Sequence[Row]) -> float:
    """The learning rate of the fewest nats on the tuning passages."""
    return min(tuned, key=lambda row: row.tuning_nats).rate


def run_job(job: Job, arm: Arm, texts: Texts, out: Path, device: str, *, keep: bool) -> Row:
    """Train a model and score it, or read the row of a run that is finished; with ``keep`` the model stays in
    ``runs``."""
    folder = out / "runs" / job.name(arm)
    row = done_row(job, arm, out)
    if row is not None and (not keep or (folder / WEIGHTS).exists()):
        return row
    folder.mkdir(parents=True, exist_ok=True)
    windows = Windows(arm.encoded, arm.context, job.seed)
    trainer = _trainer(job, arm, windows, folder, device)
    trainer.train(Evaluation(nats_per_token=0.0, bits_per_byte=0.0), arm.encoded.bytes_per_token)
    scored, state = scorer(trainer.model, arm), trainer.state
    row = Row(
        tokenizer=arm.peer.name,
        budget=job.budget,
        seed=job.seed,
        rate=job.rate,
        steps=state.step,
        flops=arm.flops_per_token * state.tokens,
        tokens=state.tokens,
        bytes=windows.bytes_at(state.tokens),
        seconds=round(state.training_seconds, 3),
        tuning_nats=sum(scored.text_nats(texts.tuning)),
        tuning_bytes=sum(len(text.encode()) for text in texts.tuning),
        documents=[asdict(each) for each in score_documents(scored, texts.held_out)],
    )
    write_record(out / "rows" / f"{job.name(arm)}.json", row)
    shutil.rmtree(folder / "checkpoints" if keep else folder)
    return row


def probe_job(job: Job, arm: Arm, texts: Texts, pairs: Sequence[Pair], out: Path, device: str) -> Probes:
    """Measure the model that `run_job` kept, or read what was measured."""
    path, digest = out / "probes" / f"{job.name(arm)}.json", pairs_digest(pairs)
    found = read_record(path, Probes)
    if found is None or found.pairs_digest != digest:
        model = load_model(out / "runs" / job.name(arm), resolve_device(device))
        scored = scorer(model, arm)
        found = Probes(
            pairs_digest=digest,
            pairs=score_pairs(scored, pairs),
            continuations=score_continuations(scored, texts.held_out),
            generation=generation_cost(model, arm, texts.held_out),
        )
        write_record(path, found)
    return found


def _trainer(job: Job, arm: Arm, windows: Windows, folder: Path, device: str) -> Trainer:
    """The trainer of a run. What it validates on, a window, is only for its log: models are scored by whole texts."""
    place = resolve_device(device)
    write_json(folder / CONFIG, llama_config(arm.shape, arm.encoded.divider))
    stream = TokenStream([windows.batch(0, 1)[0].numpy()])
    validation = Validation(stream, arm.context, arm.context, np.ones(arm.shape.vocab_size, dtype=np.int64))
    config = arm.config(arm.steps(job.budget), job.rate, job.seed, device)
    return Trainer(
        folder,
        arm.shape,
        config,
        windows,
        validation,
        place,
        resolve_precision(config.precision, place),
        arm.encoded.divider,
        Workers(),
        arm.peer.vocab_size + 1,
    )
