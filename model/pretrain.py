"""Pretraining: a shard folder in, a run folder out.

On a CPU the losses of an interrupted and resumed run are bit for bit those of an uninterrupted one: the order of the
data follows from the seed and the step, the weights and both moments of AdamW come back exactly, and
nothing else is random. (With ``max_seconds`` the schedule follows the clock, which does not repeat.)
"""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from model.checkpoint import RESULT, open_run
from model.config import ModelConfig, padded_vocab_size, preset
from model.data import ShardFolder, TokenStream, Windows
from model.evaluate import Validation, byte_lengths
from model.precision import resolve_device, resolve_precision
from model.pretrain_config import PretrainConfig, PretrainResult
from model.trainer import Trainer
from tokenizer.errors import InputError
from tokenizer.files import read_json, sha256_file, write_json

TOKENS_PER_PARAMETER = 20
EPOCHS = 4

FREE = ("device", "precision", "eval_every", "checkpoint_every")
"""Options that may differ when a run goes on: which machine computes, and how often it reports."""


def pretrain(
    data: str | Path,
    out: str | Path,
    *,
    validation: str | Path | None = None,
    config: PretrainConfig | None = None,
    tokenizer: Any = None,
    **options: Any,
) -> PretrainResult:
    """Train a model on the shard folder ``data`` and leave it in the run folder ``out``.

    ``options`` are fields of `PretrainConfig` and go before ``config``. ``validation`` is another shard folder of the
    same tokenizer; without it the end of each shard of ``data`` is held out. ``tokenizer`` is loaded from
    ``data`` unless given. An unfinished run with the same options goes on where it stopped; a finished one is
    reported again. Raises `InputError` for damaged or too little data, options that do not fit, a folder that
    holds another run, and a loss that is no longer finite; KeyboardInterrupt after saving a checkpoint.
    """
    config = replace(config or PretrainConfig(), **options)
    shards = ShardFolder(data)
    tokenizer = tokenizer if tokenizer is not None else _load_tokenizer(shards.path)
    _check_tokenizer(shards, tokenizer)
    shape = _shape(config, tokenizer.vocab_size)
    other = None if validation is None else ShardFolder(validation)
    training, held_out = _streams(shards, other, shape.max_context, tokenizer)
    if config.tokens is None:
        config = replace(config, tokens=default_tokens(shape, len(training)))

    device = resolve_device(config.device)
    precision = resolve_precision(config.precision, device)
    measured = Validation(held_out, shape.max_context, config.eval_tokens, byte_lengths(tokenizer))

    run = Path(out)
    identity = _identity(config, shape, shards, other)
    open_run(run, identity, shape, int(shards.manifest["tokenizer"]["end_of_text"]), shards.path / "tokenizer")
    if (run / RESULT).exists():
        _say(f"{run} is finished; give a new folder to train again")
        return PretrainResult(**read_json(run / RESULT))

    unigram = measured.unigram(training.counts(tokenizer.vocab_size))
    trainer = Trainer(
        run, shape, config, Windows(training, shape.max_context, config.seed), measured, device, precision
    )
    _announce(config, shape, len(training), device.type, precision)
    figures = trainer.train(unigram, shards.bytes / shards.tokens)
    result = PretrainResult(parameters=shape.parameters, unigram_bits_per_byte=unigram.bits_per_byte, **figures)
    write_json(run / RESULT, asdict(result))
    return result


def default_tokens(shape: ModelConfig, available: int) -> int:
    """Tokens to train on when none are named: see `PretrainConfig.tokens`."""
    return max(1, min(TOKENS_PER_PARAMETER * shape.body_parameters, EPOCHS * available))


def _shape(config: PretrainConfig, vocab_size: int) -> ModelConfig:
    shape = preset(config.preset, padded_vocab_size(vocab_size))
    if config.context is not None:
        shape = replace(shape, max_context=config.context)
    if config.batch_tokens < shape.max_context:
        raise InputError(
            f"batch_tokens {config.batch_tokens:,} is below one window of {shape.max_context:,} tokens; "
            "raise it or lower context"
        )
    return shape


def _load_tokenizer(data: Path) -> Any:
    from tokenizer import Tokenizer

    return Tokenizer.load(data / "tokenizer")


def _check_tokenizer(shards: ShardFolder, tokenizer: Any) -> None:
    if shards.fingerprint != tokenizer.fingerprint:
        raise InputError(
            f"{shards.path} was encoded by tokenizer {shards.fingerprint[:12]}, not by {tokenizer.fingerprint[:12]}; "
            "encode it again with the tokenizer of this run"
        )


def _streams(
    shards: ShardFolder, other: ShardFolder | None, context: int, tokenizer: Any
) -> tuple[TokenStream, TokenStream]:
    """Return what to train on and what to validate on; `InputError` when either is too short."""
    if other is not None:
        _check_tokenizer(other, tokenizer)
        training, held_out = shards.stream(), other.stream()
    else:
        training, held_out = shards.split(context)
    if len(training) <= context or len(held_out) < 2:
        needed = context + 1 if other is not None else 2 * (context + 1)
        raise InputError(
            f"{shards.path} has {shards.tokens:,} tokens; training with context {context:,} needs {needed:,} in one "
            "shard. Give more text or a smaller context"
        )
    return training, held_out


def _identity(
    config: PretrainConfig, shape: ModelConfig, shards: ShardFolder, other: ShardFolder | None
) -> dict[str, Any]:
    """All that makes a run this run and not another."""
    return {
        "format": "gyeol-run",
        "version": 1,
        "options": {name: value for name, value in asdict(config).items() if name not in FREE},
        "model": shape.as_dict(),
        "tokenizer": shards.fingerprint,
        "data": sha256_file(shards.path / "manifest.json"),
        "validation": None if other is None else sha256_file(other.path / "manifest.json"),
    }


def _announce(config: PretrainConfig, shape: ModelConfig, available: int, device: str, precision: str) -> None:
    body, table = shape.body_parameters / 1e6, (shape.parameters - shape.body_parameters) / 1e6
    tokens = config.tokens or 0
    clock = "" if config.max_seconds is None else f", or {config.max_seconds:,.0f} s"
    _say(
        f"{config.preset}: {body:.1f} M parameters and {table:.1f} M for {shape.vocab_size:,} tokens; "
        f"{tokens:,} tokens{clock} ({tokens / available:.2f} epochs of {available:,}); {precision} on {device}"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr)
