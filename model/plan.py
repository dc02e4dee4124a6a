"""Needs of a run, computed before it starts: parameters, operations, memory, and the share of each GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from model.config import ModelConfig
from model.defaults import recipe_for
from model.loss import CHUNK_ELEMENTS, CHUNK_TOKENS
from model.parallel import Workers, uses_fsdp
from model.pretrain_config import PretrainConfig
from model.transformer import Transformer
from tokenizer.errors import InputError

LESS_MEMORY = (
    "lower micro_batch_tokens (batch_tokens may stay) or context, choose recompute=True or a smaller preset, or shard "
    "over more GPUs"
)
OUT_OF_MEMORY = ("not enough memory", "can't allocate memory")
"""Messages of torch's CPU allocator, which raises a plain RuntimeError."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The needs of a run, by `plan_run`; bytes are those of one process."""

    parameters: int
    """All parameters."""
    body_parameters: int
    """Those outside embedding and head."""
    flops_per_token: int
    """Operations of training on one token: forward and backward, the head counted, the embedding look-up not."""
    tokens: int
    """Tokens to train on."""
    flops: int
    """Operations of the whole run."""
    state_bytes: int
    """Weights, gradients and the optimizer's moments, all float32."""
    gathered_bytes: int
    """Sharded: the parts of the weights and gradients that are whole for a while (the tables and two layers)."""
    activation_bytes: int
    """Estimate of what the forward pass keeps for the backward pass of one micro-batch."""
    loss_bytes: int
    """Logits of one chunk and what the softmax makes of them."""
    processes: int
    """GPUs that share the run."""
    sharded: bool
    """Whether weights and moments are sharded (FSDP2) or copied."""
    available_bytes: int | None = None
    """Memory that is free on this machine."""
    tokens_per_second: float | None = None
    """Speed of steps on this machine, measured for some seconds; None where the memory is not enough."""
    seconds: float | None = None
    """Time of the run at that speed, validation and checkpoints left out."""

    @property
    def total_bytes(self) -> int:
        """Estimate of the peak of one process, without the libraries' own share."""
        return self.state_bytes + self.gathered_bytes + self.activation_bytes + self.loss_bytes


def plan_run(shape: ModelConfig, config: PretrainConfig, *, tokens: int, precision: str, processes: int) -> Plan:
    """Work out what a run needs; the model is built on the meta device only, so the 34B takes no memory."""
    with torch.device("meta"):
        model = Transformer(shape)
    parameters = sum(weight.numel() for weight in model.parameters())
    layer = sum(weight.numel() for weight in model.model.layers[0].parameters())
    in_layers = layer * shape.num_layers
    muon = recipe_for(config, shape.max_context).optimizer == "muon"
    moments = 8 * (parameters - in_layers) + (4 if muon else 8) * in_layers
    sharded = uses_fsdp(shape, Workers(count=processes), config.parallel)
    width = 2 if precision == "bf16" else 4
    flops = shape.flops_per_token(shape.max_context)
    chunk = min(CHUNK_TOKENS, CHUNK_ELEMENTS // shape.vocab_size, config.micro_batch_tokens)
    kept = max(config.micro_batch_tokens, shape.max_context)
    return Plan(
        parameters=parameters,
        body_parameters=shape.body_parameters,
        flops_per_token=flops,
        tokens=tokens,
        flops=flops * tokens,
        state_bytes=(8 * parameters + moments) // (processes if sharded else 1),
        gathered_bytes=8 * (parameters - in_layers + 2 * layer) if sharded else 0,
        activation_bytes=kept * _activation_bytes(shape, width, config.recompute),
        loss_bytes=chunk * shape.vocab_size * (width + 4),
        processes=processes,
        sharded=sharded,
    )


def _activation_bytes(shape: ModelConfig, width: int, recompute: bool) -> int:
    """Bytes that one token keeps for the backward pass, with an attention kernel that keeps no scores.

    A layer keeps its input and the stream behind attention (float32, each with its norm's output), queries, keys,
    values and their mixture, and four vectors of the feed-forward layer. Recomputed, only its input, and one layer
    at a time the rest.
    """
    attention = (2 * shape.num_heads + 2 * shape.num_kv_heads) * shape.head_dim
    layer = 2 * shape.hidden_size * (4 + width) + width * (2 * attention + 4 * shape.intermediate_size)
    return shape.num_layers * 4 * shape.hidden_size + layer if recompute else shape.num_layers * layer


def describe_plan(plan: Plan) -> Iterator[str]:
    """The plan in lines for people."""
    yield (
        f"{plan.parameters:,} parameters, {plan.body_parameters:,} of them outside embedding and head; "
        f"{plan.flops_per_token / 1e9:,.3f} GFLOP a token, {plan.flops:.3g} FLOP in all for {plan.tokens:,} tokens"
    )
    sharing = "sharded by FSDP2" if plan.sharded else "a copy on each (DDP)" if plan.processes > 1 else "whole"
    parts = {
        "weights, gradients, moments": plan.state_bytes,
        "gathered while in use": plan.gathered_bytes,
        "activations (estimate)": plan.activation_bytes,
        "logits of a chunk": plan.loss_bytes,
    }
    yield f"{plan.processes} process{'es' if plan.processes > 1 else ''}, {sharing}; memory of each:"
    yield from (f"  {size / 2**30:9.2f} GiB  {what}" for what, size in parts.items() if size)
    yield f"  {plan.total_bytes / 2**30:9.2f} GiB  in all"
    if plan.available_bytes is not None:
        enough = "enough" if plan.total_bytes <= plan.available_bytes else "not enough; " + LESS_MEMORY
        yield f"  {plan.available_bytes / 2**30:9.2f} GiB  free on this machine: {enough}"
    if plan.seconds is not None:
        time = f"{plan.seconds / 3600:,.1f} hours" if plan.seconds >= 5400 else f"{plan.seconds / 60:,.1f} minutes"
        yield f"{time} for {plan.tokens:,} tokens at {plan.tokens_per_second:,.0f} tokens a second (measured now)"


@contextmanager
def memory_errors(settings: dict[str, Any]) -> Iterator[None]:
    """Turn running out of memory into an `InputError` that says what to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        known = isinstance(error, (torch.OutOfMemoryError, MemoryError))
        if not known and not any(words in str(error) for words in OUT_OF_MEMORY):
            raise
        given = ", ".join(f"{name} {value:,}" for name, value in settings.items())
        raise InputError(f"out of memory with {given}: {LESS_MEMORY}; a dry run estimates the need") from error
