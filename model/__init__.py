"""Gyeol's language model: a compact Llama-shaped transformer, its pretraining and its sampling.

>>> from model import pretrain, generate
>>> pretrain("shards", "run", preset="nano", max_seconds=600)    # doctest: +SKIP
>>> print(*generate("run", "한국어는"), sep="")                   # doctest: +SKIP
"""

import os

# Threads of OpenMP that wait in a loop take the cores of other processes, and of each other: eight times slower beside
# a busy one. It must be set before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from model.checkpoint import load_model
from model.config import PRESETS, ModelConfig, preset
from model.generation import generate, generate_batch
from model.loss import chunked_cross_entropy
from model.plan import describe_plan
from model.pretrain_config import PretrainConfig, PretrainResult
from model.pretraining import describe_result, dry_run, pretrain
from model.sampling import GenerationConfig
from model.transformer import Transformer

__all__ = [
    "PRESETS",
    "GenerationConfig",
    "ModelConfig",
    "PretrainConfig",
    "PretrainResult",
    "Transformer",
    "chunked_cross_entropy",
    "describe_plan",
    "describe_result",
    "dry_run",
    "generate",
    "generate_batch",
    "load_model",
    "preset",
    "pretrain",
]
