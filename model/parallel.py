"""Several processes as one run, applied to the model from outside: DDP or FSDP2 under torchrun.

Every process holds the same options and takes every n-th window of each step; gradients are averaged over the
processes, so that losses are those of one process but for rounding. Without torchrun there is one process and
nothing here does anything.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from model.config import ModelConfig
from model.transformer import Transformer
from tokenizer.errors import InputError

FSDP_PARAMETERS = 1_000_000_000
"""From so many parameters on "auto" shards the model: 16 bytes each no longer sit easily beside activations."""


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The processes of a run, seen from one of them."""

    rank: int = 0
    """Number of this process."""
    count: int = 1
    """Processes in all."""

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait until all are here."""
        if self.count > 1:
            dist.barrier()

    def share(self, value: Any) -> Any:
        """The first process's ``value``, on all."""
        if self.count == 1:
            return value
        held = [value]
        dist.broadcast_object_list(held)
        return held[0]

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether ``flag`` is set on any process."""
        return bool(self.sum(torch.tensor(float(flag), device=device)).item())

    def sum(self, value: Tensor) -> Tensor:
        """The sum of ``value`` over all processes, which takes its place."""
        if self.count > 1:
            dist.all_reduce(value)
        return value


@contextmanager
def started_workers(device: torch.device) -> Iterator[tuple[Workers, torch.device]]:
    """The processes that torchrun started, and the device of this one; one process where it did not."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield Workers(), device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(rank=dist.get_rank(), count=dist.get_world_size()), device
    finally:
        dist.destroy_process_group()


def spread_model(model: Transformer, workers: Workers, parallel: str, device: torch.device) -> nn.Module:
    """Return ``model`` ready to be trained by all ``workers``; "fsdp" shards it in place, layer by layer."""
    if workers.count == 1:
        return model
    if uses_fsdp(model.config, workers, parallel):
        mesh = init_device_mesh(device.type, (workers.count,))
        for layer in model.model.layers:
            fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
        return model
    return DistributedDataParallel(model, device_ids=[device.index] if device.type == "cuda" else None)


def uses_fsdp(shape: ModelConfig, workers: Workers, parallel: str) -> bool:
    """Whether the model is sharded rather than copied."""
    if parallel == "auto":
        parallel = "fsdp" if shape.parameters >= FSDP_PARAMETERS else "ddp"
    return workers.count > 1 and parallel == "fsdp"


def without_exchange(model: nn.Module, without: bool) -> AbstractContextManager[None]:
    """A backward pass that leaves gradients to be exchanged by a later one of the same step, if ``without``."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(not without)
    elif without and isinstance(model, DistributedDataParallel):
        return model.no_sync()
    return nullcontext()


def whole(tensor: Tensor) -> Tensor:
    """A tensor with all its shards; every process has to call it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def check_parallel(windows: int, workers: Workers, optimizer: str, sharded: bool) -> None:
    """Refuse what cannot be divided among ``workers``."""
    if windows % workers.count:
        raise InputError(
            f"a step has {windows} windows, which {workers.count} processes cannot share evenly; change batch_tokens"
        )
    if sharded and optimizer == "muon":
        raise InputError("muon needs whole matrices, which fsdp cuts up; choose parallel=ddp or optimizer=adamw")
