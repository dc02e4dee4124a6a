"""What a dry run measures: the speed of real steps, and the memory of this machine."""

import os
import time
from dataclasses import replace
from pathlib import Path

import torch

from model.config import ModelConfig
from model.defaults import recipe_for
from model.device import autocast
from model.optimizer import Optimizer
from model.plan import Plan
from model.pretrain_config import PretrainConfig
from model.transformer import Transformer

_GROUP_FILES = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
SECONDS = 2.0
"""Time that steps are measured for, after a first one."""


def measured_plan(plan: Plan, shape: ModelConfig, config: PretrainConfig, device: torch.device, precision: str) -> Plan:
    """``plan`` with what this machine has and how fast it is; with `PretrainConfig.max_seconds` the tokens of that
    time, if fewer."""
    free = available_bytes(device)
    plan = replace(plan, available_bytes=free)
    if free is not None and plan.total_bytes > free:
        return plan
    speed = tokens_per_second(shape, config, device, precision)
    tokens = plan.tokens
    if config.max_seconds is not None:
        tokens = min(tokens, max(1, int(speed * config.max_seconds)))
    return replace(
        plan, tokens=tokens, flops=plan.flops_per_token * tokens, tokens_per_second=speed, seconds=tokens / speed
    )


def tokens_per_second(shape: ModelConfig, config: PretrainConfig, device: torch.device, precision: str) -> float:
    """Speed of training steps of a model of this shape on random ids, not compiled, for about `SECONDS`."""
    model, recipe = Transformer(shape, seed=config.seed).to(device), recipe_for(config, shape.max_context)
    optimizer = Optimizer(model, recipe.optimizer, recipe.lr, config.weight_decay)
    rows = max(1, min(config.micro_batch_tokens, recipe.batch_tokens) // shape.max_context)
    passes = max(1, recipe.batch_tokens // (rows * shape.max_context))
    ids = torch.randint(shape.vocab_size, (rows, shape.max_context + 1), device=device)
    done, started = 0, 0.0
    for step in range(1 << 20):
        for _ in range(passes):
            with autocast(device, precision):
                loss = model(ids[:, :-1], ids[:, 1:], reduction="sum")
            loss.backward()
            done += rows * shape.max_context
            if step and time.monotonic() - started > SECONDS and passes > 1:
                break  # a step of a large model may take minutes; its update is a small part of it
        optimizer.step(0.0)
        loss.item()  # waits for the device
        if step == 0:
            done, started = 0, time.monotonic()
        elif time.monotonic() - started > SECONDS:
            break
    return done / (time.monotonic() - started)


def available_bytes(device: torch.device) -> int | None:
    """Memory that is free for this process: the device's, or the machine's within the limit of its control group; None
    where that cannot be told."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        found = [line.split()[1] for line in Path("/proc/meminfo").read_text().splitlines() if "MemAvailable" in line]
        free = int(found[0]) * 1024 if found else free  # with what caches of files would give back
    except (OSError, ValueError):
        return None
    return min(free, _group_limit(Path("/sys/fs/cgroup"), free))


def _group_limit(root: Path, free: int) -> int:
    """What the control group (version 2, or 1) leaves, or ``free`` without a limit."""
    for limit, used in _GROUP_FILES:
        try:
            return int((root / limit).read_text()) - int((root / used).read_text())
        except (OSError, ValueError):  # no such version, or "max"
            continue
    return free
