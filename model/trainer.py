"""The training loop: steps, validation, log, checkpoints, and a clean stop at Ctrl-C or SIGTERM."""

import math
import signal
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

import torch
from torch import nn

from model.checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint
from model.config import ModelConfig
from model.defaults import recipe_for
from model.device import autocast, peak_flops, prepare_layers
from model.document_mask import DocumentMask
from model.evaluate import Evaluation, Validation
from model.finished import write_model
from model.log import RunLog
from model.optimizer import Optimizer
from model.parallel import Workers, check_parallel, spread_model, uses_fsdp, whole, without_exchange
from model.pretrain_config import PretrainConfig, PretrainResult
from model.schedule import learning_rate
from model.signals import DeferredSignals, Stopped
from model.transformer import Transformer
from tokenizer import progress
from tokenizer.errors import InputError


class Batches(Protocol):
    """What a run trains on: windows in an order that follows from the position alone."""

    def batch(self, position: int, size: int) -> torch.Tensor:
        """The windows at ``position`` to ``position + size``, (size, context + 1)."""


class Trainer:
    """One run in its folder; `train` takes it from where it stands to its end."""

    def __init__(
        self,
        run: Path,
        shape: ModelConfig,
        config: PretrainConfig,
        windows: Batches,
        validation: Validation,
        device: torch.device,
        precision: str,
        end_of_text: int,
        workers: Workers,
        vocab_size: int,
        *,
        extended_at: int = 0,
        start: Callable[[Transformer], None] = lambda _: None,
    ) -> None:
        self.run, self.config, self.windows, self.validation = run, config, windows, validation
        self.vocab_size = vocab_size  # of the tokenizer; the embedding may have more rows
        self.device, self.precision, self.workers = device, precision, workers
        self.end_of_text = end_of_text if config.documents else None
        # Drawn on the CPU, so that a seed means the same weights on every device and in every process.
        self.model = Transformer(shape, seed=config.seed).to(device)
        if config.init_from and latest_checkpoint(run) is None:
            start(self.model)
        self.extended_at = extended_at  # the step from which on the learning rate runs its course
        compiled = device.type == "cuda" if config.compile is None else config.compile  # see `prepare_layers`
        prepare_layers(self.model, recompute=config.recompute, compiled=compiled)
        self.recipe = recipe_for(config, shape.max_context)
        self.windows_per_step = self.recipe.batch_tokens // shape.max_context
        self.windows_per_pass = max(1, config.micro_batch_tokens // shape.max_context)
        check_parallel(
            self.windows_per_step, workers, self.recipe.optimizer, uses_fsdp(shape, workers, config.parallel)
        )
        self.spread: nn.Module = spread_model(self.model, workers, config.parallel, device)
        self.optimizer = Optimizer(self.model, self.recipe.optimizer, self.recipe.lr, config.weight_decay)
        self.state = load_checkpoint(run, self.model, self.optimizer, workers)
        self.step_tokens = self.windows_per_step * shape.max_context
        self.steps = math.ceil((config.tokens or 0) / self.step_tokens)
        self._peak = peak_flops(device, precision)
        self._saved = time.monotonic()
        self._signals = DeferredSignals()

    def train(self, unigram: Evaluation, bytes_per_token: float) -> PretrainResult:
        """Run to the end and leave the model in the run folder.

        ``unigram`` is logged beside the first validation; ``bytes_per_token`` turns the training loss into the
        bits per byte that the progress bar shows.
        """
        log = RunLog(self.run, self.state.step, tensorboard=self.config.tensorboard) if self.workers.first else None
        self._log, self._began = log, time.monotonic() - self.state.seconds
        title, total = "Pretraining, s", self.config.max_seconds
        if total is None:
            title, total = "Pretraining, tokens", self.steps * self.step_tokens
        closed = closing(log) if log else nullcontext()
        with closed, self._signals, progress.progress_bar(title, total, lines=self.workers.first) as bar:
            self._bar = bar
            try:
                evaluation, speed = self._loop(bar, unigram, bytes_per_token)
            except KeyboardInterrupt:
                self._save()
                raise
        self._save()
        finite = write_model(self.run, self.model, self.vocab_size, self.workers)
        return PretrainResult(
            steps=self.state.step,
            tokens=self.state.tokens,
            seconds=round(self.state.seconds, 3),
            tokens_per_second=round(speed, 1),
            parameters=self.model.config.parameters,
            train_loss=cast(float, self.state.loss),
            validation_loss=evaluation.nats_per_token,
            bits_per_byte=evaluation.bits_per_byte,
            initial_bits_per_byte=cast(float, self.state.initial_bits_per_byte),
            unigram_bits_per_byte=unigram.bits_per_byte,
            skipped_steps=self.state.step - self.state.updates,
            finite_weights=finite,
        )

    def _loop(self, bar: progress.ProgressBar, unigram: Evaluation, bytes_per_token: float) -> tuple[Evaluation, float]:
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
            bar.note(self._note(speed, bytes_per_token))
            reached = float(self.state.tokens) if config.max_seconds is None else self.state.training_seconds
            bar.advance(reached - shown)
            shown, evaluation = reached, None
            if self.state.step % config.validate_every == 0:
                evaluation = self._validate()
            if self.state.step % config.checkpoint_steps == 0 or self._overdue():
                self._save()
        evaluation = evaluation or self._validate()
        self.state = replace(self.state, seconds=time.monotonic() - self._began)
        return evaluation, (self.state.tokens - first) / spent if spent else 0.0

    def _note(self, speed: float, bytes_per_token: float) -> str:
        bits = (self.state.loss or 0.0) / math.log(2) / bytes_per_token
        note = f"loss {self.state.loss or 0.0:.3f}, {bits:.3f} bits/byte, {speed:,.0f} tokens/s"
        if self._peak is not None:
            flops = self.model.config.flops_per_token(self.model.config.max_context) * speed
            note += f", MFU {flops / self._peak / self.workers.count:.0%}"
        return note

    def _save(self) -> None:
        save_checkpoint(self.run, self.model, self.optimizer, self.state, self.workers, self.config.keep)
        self._saved = time.monotonic()

    def _overdue(self) -> bool:
        """Whether the last checkpoint is too long ago, by the first process's clock."""
        return bool(self.workers.share(time.monotonic() - self._saved >= 60 * self.config.checkpoint_minutes))

    def _at_end(self) -> bool:
        limit = self.config.max_seconds
        by_clock = limit is not None and self.state.training_seconds >= limit
        return self.state.step >= self.steps or bool(self.workers.share(by_clock) if limit is not None else False)

    def _progress(self) -> float:
        """Progress of the run at the middle of the coming step, so that neither end has a rate of zero."""
        by_tokens = (self.state.step - self.extended_at + 0.5) / (self.steps - self.extended_at)
        if self.config.max_seconds is None:
            return by_tokens
        spent, step = self.state.training_seconds, self.state.step
        by_time = spent * (1 + 0.5 / step) / self.config.max_seconds if step else 0.0
        return float(self.workers.share(max(by_tokens, by_time)))

    def _step(self) -> None:
        """One optimizer update over `windows_per_step` windows. KeyboardInterrupt leaves the weights as they were."""
        config, state = self.config, self.state
        started = time.monotonic()
        lr = learning_rate(config.schedule, self.recipe.lr, config.warmup, self._progress())
        loss = self._gradients()
        norm = whole(torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)).item()
        finite = math.isfinite(loss) and math.isfinite(norm)
        if finite:
            self.optimizer.step(lr)
        elif config.nonfinite == "skip":
            self.optimizer.drop_gradients()
        else:
            raise InputError(
                f"the loss is {loss} with gradient norm {norm} at step {state.step + 1} (learning rate {lr:.2e}); "
                "start again with a lower lr or a longer warmup, or leave such steps out with nonfinite=skip"
            )
        now = time.monotonic()
        self.state = replace(
            state,
            step=state.step + 1,
            updates=state.updates + finite,
            tokens=state.tokens + self.step_tokens,
            seconds=now - self._began,
            training_seconds=state.training_seconds + now - started,
            loss=loss if finite else state.loss,
        )
        skipped = {} if finite else {"skipped": 1}
        speed = round(self.step_tokens / (now - started), 1)
        self._write(loss=loss, lr=lr, grad_norm=norm, tokens_per_second=speed, **skipped)

    def _gradients(self) -> float:
        """Add up the gradients of a step and return its loss, nats per token."""
        workers = self.workers
        batch = self.windows.batch(self.state.step * self.windows_per_step, self.windows_per_step)
        parts = batch[workers.rank :: workers.count].split(self.windows_per_pass)
        total = torch.zeros((), device=self.device)
        for number, part in enumerate(parts, start=1):
            ids = part.to(self.device)
            documents = None if self.end_of_text is None else DocumentMask(ids[:, :-1], self.end_of_text)
            with without_exchange(self.spread, number < len(parts)):
                with autocast(self.device, self.precision):
                    loss = self.spread(
                        ids[:, :-1], ids[:, 1:], documents=documents, reduction="sum", z_loss=self.config.z_loss
                    )
                # Gradients are averaged over the processes, but it is their sum that is wanted.
                (loss * (workers.count / self.step_tokens)).backward()
            total += loss.detach() / self.step_tokens
            if workers.count == 1:
                self._signals.check()
        if workers.count > 1 and workers.any(self._signals.number is not None, self.device):
            raise Stopped(self._signals.number or signal.SIGTERM)
        return workers.sum(total).item()

    def _validate(self, **more: float) -> Evaluation:
        self._bar.note("validating")
        evaluation = self.validation.evaluate(self.model, self.device, self.precision, self.end_of_text)
        self._write(validation_loss=evaluation.nats_per_token, bits_per_byte=evaluation.bits_per_byte, **more)
        return evaluation

    def _write(self, **figures: float) -> None:
        if self._log is not None:
            seconds = time.monotonic() - self._began
            self._log.write(step=self.state.step, tokens=self.state.tokens, seconds=seconds, **figures)
