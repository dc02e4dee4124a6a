"""Pretraining: a shard folder in, a run folder out.

On a CPU the losses of an interrupted and resumed run are bit for bit those of an uninterrupted one: the order of the
data follows from the seed and the step, the weights and both moments of AdamW come back exactly, and
nothing else is random. (With ``max_seconds`` the schedule follows the clock, which does not repeat.)
"""

import logging
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from model.checkpoint import RESULT, extend_run, extension, finished_files, open_run
from model.config import ModelConfig, padded_vocab_size, preset
from model.data import Data, Mixture, TokenStream, Windows, joined, open_data
from model.defaults import recipe_for
from model.device import resolve_device, resolve_precision
from model.evaluate import Validation, byte_lengths
from model.finished import complete_folder
from model.initial import initialise
from model.measure import measured_plan
from model.parallel import Workers, started_workers
from model.plan import Plan, memory_errors, plan_run
from model.pretrain_config import PretrainConfig, PretrainResult
from model.trainer import Trainer
from model.transformer import Transformer
from tokenizer.errors import InputError
from tokenizer.files import sha256_file
from tokenizer.outputs import locked
from tokenizer.shards import MANIFEST, tokenizer_folder
from tokenizer.state_files import as_dataclass, read_state, write_state

logger = logging.getLogger("gyeol")

TOKENS_PER_PARAMETER = 20
EPOCHS = 4

FREE = (
    *("device", "precision", "parallel", "compile", "recompute", "micro_batch_tokens"),
    *("validate_every", "checkpoint_steps", "checkpoint_minutes", "keep", "tensorboard", "extend"),
)
"""Options that may differ when a run goes on: what computes it, in how much memory, and how often it reports."""

DRY_VOCABULARY = 102_400
"""Tokens that a dry run without data assumes: those of gyeol-100k and A.X 3.1."""


def pretrain(
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    validation: str | Path | None = None,
    config: PretrainConfig | None = None,
    tokenizer: Any = None,
    **options: Any,
) -> PretrainResult:
    """Train a model on the shard folder ``data`` and leave it in the run folder ``out``.

    Several folders are mixed in equal shares, or as "FOLDER=WEIGHT" says. ``options`` are fields of `PretrainConfig`
    and go before ``config``. ``validation`` is another shard folder of the same tokenizer; without it the end of each
    shard of ``data`` is held out. ``tokenizer`` is loaded from ``data`` unless given. An unfinished run with the same
    options goes on where it stopped; a finished one is reported again. Under torchrun all processes call it. Raises
    `InputError` for damaged or too little data, options that do not fit, a folder that holds another run, a loss
    that is no longer finite, and too little memory; KeyboardInterrupt after saving a checkpoint.
    """
    from tokenizer import Tokenizer

    config = replace(config or PretrainConfig(), **options)
    opened = open_data([data] if isinstance(data, (str, Path)) else data, validation)
    first = opened.first
    tokenizer = tokenizer if tokenizer is not None else Tokenizer.load(tokenizer_folder(first.path))
    opened.check_tokenizer(tokenizer.fingerprint)
    if tokenizer.strict:
        logger.warning("%s is strict: other engines than Gyeol refuse the model's tokenizer", first.path)
    shape = run_shape(config, tokenizer.vocab_size)
    config = replace(config, **recipe_for(config, shape.max_context)._asdict())
    streams, held_out = opened.streams(shape.max_context)
    training = joined(streams)
    if config.tokens is None:
        config = replace(config, tokens=default_tokens(shape, len(training)))
    resolved = resolve_device(config.device)
    precision = resolve_precision(config.precision, resolved)
    measured = Validation(held_out, shape.max_context, config.eval_tokens, byte_lengths(tokenizer))
    run, end_of_text = Path(out), first.end_of_text
    memory = {"micro_batch_tokens": config.micro_batch_tokens, "context": shape.max_context}
    with started_workers(resolved) as (workers, device), memory_errors(memory), _one_writer(run, workers):
        extended_at = _open(run, config, shape, opened, workers)
        if (run / RESULT).exists():
            _say(f"{run} is finished; give more tokens and extend=True to go on, or a new folder", workers)
            return as_dataclass(PretrainResult, read_state(run / RESULT), run / RESULT)
        unigram = measured.unigram(training.counts(tokenizer.vocab_size))
        mixture = _mixture(streams, opened, shape.max_context, config.seed)
        parts = (run, shape, config, mixture, measured, device, precision, end_of_text, workers, tokenizer.vocab_size)
        trainer = Trainer(*parts, extended_at=extended_at, start=partial(_start, config, tokenizer))
        mixture.check_read(trainer.steps * trainer.windows_per_step)
        if trainer.state.step:
            _say(f"going on from step {trainer.state.step:,} of {trainer.steps:,}", workers)
        _announce(config, shape, len(training), f"{workers.count} x {device.type}", precision, workers)
        if opened.validates_on_training_data:
            _say(f"{validation}: these shards are trained on too, so that the losses say little of other text", workers)
        result = trainer.train(unigram, first.bytes / first.tokens)
        result = replace(result, validated_on_training_data=opened.validates_on_training_data)
        if workers.first:
            complete_folder(run, tokenizer, shape.max_context, result)
            write_state(run / RESULT, {**asdict(result), "sha256": finished_files(run)})
        workers.barrier()
    return result


def _open(run: Path, config: PretrainConfig, shape: ModelConfig, opened: Data, workers: Workers) -> int:
    """Make the run folder, or check that the one there is the same run; the step at which it was extended."""
    extended_at = 0
    if workers.first:
        identity, first = _identity(config, shape, opened), opened.first
        extended_at = extend_run(run, identity) if config.extend else extension(run, identity)
        open_run(run, identity, shape, first.end_of_text, tokenizer_folder(first.path))
    return workers.share(extended_at)


def _mixture(streams: list[TokenStream], opened: Data, context: int, seed: int) -> Mixture:
    """The windows of all sources in their shares."""
    named = zip(streams, opened.sources, strict=True)
    windows = [Windows(stream, context, seed, str(source.path)) for stream, source in named]
    return Mixture(windows, list(opened.sources.values()), seed)


def _start(config: PretrainConfig, tokenizer: Any, model: Transformer) -> None:
    """Give a new model its first weights, where they are those of another."""
    if config.init_from:
        rows = initialise(model, Path(config.init_from), tokenizer)
        same, made = f"{rows.same:,}", f"{rows.made:,}"
        logger.warning("weights of %s; %s rows of the same tokens, %s means of others", config.init_from, same, made)


def _one_writer(run: Path, workers: Workers) -> AbstractContextManager[None]:
    """The lock of the run folder, held by the first process for all."""
    return locked(run) if workers.first else nullcontext()


def dry_run(
    data: Sequence[str | Path] = (), *, gpus: int | None = None, config: PretrainConfig | None = None, **options: Any
) -> Plan:
    """The needs of `pretrain` with these options, with ``gpus`` GPUs or on this machine; nothing is written. On this
    machine the speed is measured for two seconds, if the memory is enough.

    Without ``data`` the vocabulary is `DRY_VOCABULARY` and the tokens are 20 for each parameter of the body.
    """
    config = replace(config or PretrainConfig(), **options)
    if gpus is not None and gpus < 1:
        raise InputError(f"gpus is {gpus}; it must be at least 1")
    opened = open_data(data) if data else None
    shape = run_shape(config, opened.first.vocab_size if opened else DRY_VOCABULARY)
    available = sum(source.tokens for source in opened.sources) if opened else sys.maxsize
    device = torch.device("cuda") if gpus else resolve_device(config.device)
    auto = "bf16" if gpus else resolve_precision(config.precision, device)
    precision = auto if config.precision == "auto" else config.precision
    tokens = config.tokens or default_tokens(shape, available)
    plan = plan_run(shape, config, tokens=tokens, precision=precision, processes=gpus or 1)
    return plan if gpus else measured_plan(plan, shape, config, device, precision)


def default_tokens(shape: ModelConfig, available: int) -> int:
    """Tokens to train on when none are named: see `PretrainConfig.tokens`."""
    return max(1, min(TOKENS_PER_PARAMETER * shape.body_parameters, EPOCHS * available))


def run_shape(config: PretrainConfig, vocab_size: int) -> ModelConfig:
    """The shape of the model that ``config`` asks for; `InputError` when context and batch do not fit it."""
    if "vocab_size" in config.shape:
        raise InputError("shape vocab_size is the tokenizer's; leave it out")
    shape = preset(config.preset, padded_vocab_size(vocab_size), **config.shape)
    if config.context is not None:
        if config.context > shape.max_context:
            raise InputError(
                f"context {config.context:,} is longer than the {shape.max_context:,} of {config.preset}; lower it, "
                f"or give the model a longer one by shape max_context={config.context}"
            )
        shape = replace(shape, max_context=config.context)
    if config.batch_tokens is not None and config.batch_tokens < shape.max_context:
        raise InputError(
            f"batch_tokens {config.batch_tokens:,} is below one window of {shape.max_context:,} tokens; "
            "raise it or lower context"
        )
    return shape


_LATER = ("qkv_bias", "head_size")
"""Fields of the shape that runs of earlier versions lack: left out where they are not used, so that those go on."""


def _identity(config: PretrainConfig, shape: ModelConfig, data: Data) -> dict[str, Any]:
    """All that makes a run this run and not another."""
    sums = [(sha256_file(source.path / MANIFEST), weight) for source, weight in data.sources.items()]
    return {
        "format": "gyeol-run",
        "version": 1,
        "options": {name: value for name, value in asdict(config).items() if name not in FREE},
        "model": {name: value for name, value in asdict(shape).items() if name not in _LATER or value},
        "tokenizer": data.first.fingerprint,
        "data": sums[0][0] if len(sums) == 1 else [list(pair) for pair in sums],
        "validation": sha256_file(data.validation.path / MANIFEST) if data.validation else None,
    }


def _announce(
    config: PretrainConfig, shape: ModelConfig, available: int, device: str, precision: str, workers: Workers
) -> None:
    body, table = shape.body_parameters / 1e6, (shape.parameters - shape.body_parameters) / 1e6
    tokens = config.tokens or 0
    clock = "" if config.max_seconds is None else f", or {config.max_seconds:,.0f} s"
    _say(
        f"{config.preset}: {body:.1f} M parameters and {table:.1f} M for {shape.vocab_size:,} tokens, "
        f"{shape.flops_per_token(shape.max_context) / 1e6:,.0f} MFLOP a token; "
        f"{tokens:,} tokens{clock} ({tokens / available:.2f} epochs of {available:,}); {precision} on {device}",
        workers,
    )


def _say(text: str, workers: Workers) -> None:
    if workers.first:
        logger.warning(text)


def describe_result(result: PretrainResult) -> str:
    """The result in a line for people."""
    return (
        f"{result.parameters:,} parameters, {result.tokens:,} tokens in {result.seconds:.0f} s "
        f"({result.tokens_per_second:,.0f} a second); validation {result.initial_bits_per_byte:.3f} -> "
        f"{result.bits_per_byte:.3f} bits per byte (token frequencies alone: {result.unigram_bits_per_byte:.3f})"
    )
