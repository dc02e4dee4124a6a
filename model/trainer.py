"""The training loop: steps, validation, log, checkpoints, and a clean stop at Ctrl-C."""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from model.checkpoint import LOG, WEIGHTS, load_checkpoint, save_checkpoint, trim_log
from model.config import ModelConfig
from model.data import Windows
from model.evaluate import Evaluation, Validation
from model.export import save_weights
from model.optimizer import build_optimizer
from model.precision import autocast
from model.pretrain_config import PretrainConfig
from model.schedule import learning_rate
from model.transformer import Transformer
from tokenizer import progress
from tokenizer.errors import InputError


class Trainer:
    """One run in its folder; `train` takes it from where it stands to its end."""

    def __init__(
        self,
        run: Path,
        shape: ModelConfig,
        config: PretrainConfig,
        windows: Windows,
        validation: Validation,
        device: torch.device,
        precision: str,
    ) -> None:
        self.run, self.config, self.windows, self.validation = run, config, windows, validation
        self.device, self.precision = device, precision
        # Drawn on the CPU, so that a seed means the same weights on every device.
        self.model = Transformer(shape, seed=config.seed).to(device)
        self.optimizer = build_optimizer(self.model, config.lr, config.weight_decay)
        self.state = load_checkpoint(run, self.model, self.optimizer)
        self.windows_per_step = config.batch_tokens // shape.max_context
        self.windows_per_pass = max(1, config.micro_batch_tokens // shape.max_context)
        self.step_tokens = self.windows_per_step * shape.max_context
        self.steps = math.ceil((config.tokens or 0) / self.step_tokens)
        self._began = time.monotonic() - self.state.seconds
        self._validation_seconds = 0.0
        self._interrupted = threading.Event()

    def train(self, unigram: Evaluation, bytes_per_token: float) -> dict[str, Any]:
        """Run to the end, leave the model in the run folder, and return the figures of `PretrainResult`.

        ``unigram`` is logged beside the first validation; ``bytes_per_token`` turns the training loss into the
        bits per byte that the progress bar shows.
        """
        trim_log(self.run, self.state.step)
        self._began = time.monotonic() - self.state.seconds
        timed = self.config.max_seconds
        title, total = (
            ("Pretraining, tokens", self.steps * self.step_tokens) if timed is None else ("Pretraining, s", timed)
        )
        with (
            _deferred_interrupt(self._interrupted),
            open(self.run / LOG, "a", encoding="utf-8") as self._log,
            progress.step(title, total) as bar,
        ):
            try:
                evaluation, speed = self._loop(bar, unigram, bytes_per_token)
            except KeyboardInterrupt:
                save_checkpoint(self.run, self.model, self.optimizer, self.state)
                raise
        save_checkpoint(self.run, self.model, self.optimizer, self.state)
        save_weights(self.run / WEIGHTS, self.model)
        return {
            "steps": self.state.step,
            "tokens": self.state.tokens,
            "seconds": round(self.state.seconds, 3),
            "tokens_per_second": round(speed, 1),
            "train_loss": self.state.loss,
            "validation_loss": evaluation.nats_per_token,
            "bits_per_byte": evaluation.bits_per_byte,
            "initial_bits_per_byte": self.state.initial_bits_per_byte,
        }

    def _loop(self, bar: progress.Step, unigram: Evaluation, bytes_per_token: float) -> tuple[Evaluation, float]:
        """Step until the end; return the last validation and the tokens per second of this session."""
        config, evaluation = self.config, None
        shown, spent, first = 0.0, 0.0, self.state.tokens
        if self.state.initial_bits_per_byte is None:
            evaluation = self._validate(unigram_bits_per_byte=unigram.bits_per_byte)
            self.state = replace(self.state, initial_bits_per_byte=evaluation.bits_per_byte)
        while not self._at_end():
            started = time.monotonic()
            self._step()
            spent += time.monotonic() - started
            speed = (self.state.tokens - first) / spent
            bits = (self.state.loss or 0.0) / math.log(2) / bytes_per_token
            bar.note(f"loss {self.state.loss:.3f}, {bits:.3f} bits/byte, {speed:,.0f} tokens/s")
            reached = float(self.state.tokens) if config.max_seconds is None else self.state.seconds
            bar.advance(reached - shown)
            shown, evaluation = reached, None
            if self.state.step % config.eval_every == 0:
                evaluation = self._validate()
            if self.state.step % config.checkpoint_every == 0:
                save_checkpoint(self.run, self.model, self.optimizer, self.state)
        evaluation = evaluation or self._validate()
        self.state = replace(self.state, seconds=time.monotonic() - self._began)
        return evaluation, (self.state.tokens - first) / spent if spent else 0.0

    def _at_end(self) -> bool:
        limit = self.config.max_seconds
        by_clock = limit is not None and time.monotonic() - self._began + self._validation_seconds >= limit
        return self.state.step >= self.steps or by_clock

    def _progress(self) -> float:
        """Where the middle of the coming step lies in the run, so that neither end has a rate of zero."""
        by_tokens = (self.state.step + 0.5) / self.steps
        if self.config.max_seconds is None:
            return by_tokens
        available = max(self.config.max_seconds - self._validation_seconds, 1e-9)
        return max(by_tokens, (time.monotonic() - self._began) / available)

    def _step(self) -> None:
        """One optimizer update over `windows_per_step` windows. KeyboardInterrupt leaves the weights as they were."""
        config, state = self.config, self.state
        started = time.monotonic()
        lr = learning_rate(config.schedule, config.lr, config.warmup, self._progress())
        batch = self.windows.batch(state.step * self.windows_per_step, self.windows_per_step)
        total = torch.zeros((), device=self.device)
        for part in batch.split(self.windows_per_pass):
            ids = part.to(self.device)
            with autocast(self.device, self.precision):
                loss = self.model(ids[:, :-1], ids[:, 1:], reduction="sum") / self.step_tokens
            loss.backward()
            total += loss.detach()
            if self._interrupted.is_set():
                raise KeyboardInterrupt
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        figures = {"loss": total.item(), "lr": lr, "grad_norm": norm.item()}
        if not (math.isfinite(figures["loss"]) and math.isfinite(figures["grad_norm"])):
            raise InputError(
                f"the loss is {figures['loss']} with gradient norm {figures['grad_norm']} at step {state.step + 1} "
                f"(learning rate {lr:.2e}); start again with a lower lr or a longer warmup"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        now = time.monotonic()
        self.state = replace(
            state,
            step=state.step + 1,
            tokens=state.tokens + self.step_tokens,
            seconds=now - self._began,
            loss=figures["loss"],
        )
        self._write(**figures, tokens_per_second=round(self.step_tokens / (now - started), 1))

    def _validate(self, **more: float) -> Evaluation:
        started = time.monotonic()
        evaluation = self.validation.evaluate(self.model, self.device, self.precision)
        self._validation_seconds = time.monotonic() - started
        self._write(validation_loss=evaluation.nats_per_token, bits_per_byte=evaluation.bits_per_byte, **more)
        return evaluation

    def _write(self, **figures: float) -> None:
        """Append a line to the log, and see that it leaves the process."""
        line = {"step": self.state.step, "tokens": self.state.tokens, **figures}
        self._log.write(json.dumps({**line, "seconds": round(time.monotonic() - self._began, 3)}) + "\n")
        self._log.flush()


@contextmanager
def _deferred_interrupt(flag: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C set ``flag``, to be acted on between two passes, and the second raise at once.

    Only the main thread may handle signals; in another one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if flag.is_set():
            raise KeyboardInterrupt
        flag.set()

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
