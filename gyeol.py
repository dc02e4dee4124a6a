"""Gyeol in one import; ``python -m gyeol`` is the command ``gyeol``.

>>> from gyeol import Tokenizer
>>> Tokenizer.load("gyeol-32k").decode(Tokenizer.load("gyeol-32k").encode("결을 따라"))
'결을 따라'

The parts are in `tokenizer`, `model` and `benchmarks`, which are loaded when a name of theirs is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tokenizer.errors import InputError

if TYPE_CHECKING:
    from benchmarks.fertility import measure
    from model import (
        GenerationConfig,
        ModelConfig,
        PretrainConfig,
        Transformer,
        generate,
        generate_batch,
        load_model,
        pretrain,
    )
    from model.exporting import export
    from tokenizer import Tokenizer, train, train_from_iterator
    from tokenizer.shards import write_shards
    from tokenizer.training import CurriculumOptions

__all__ = [
    "CurriculumOptions",
    "GenerationConfig",
    "InputError",
    "ModelConfig",
    "PretrainConfig",
    "Tokenizer",
    "Transformer",
    "export",
    "generate",
    "generate_batch",
    "load_model",
    "measure",
    "pretrain",
    "train",
    "train_from_iterator",
    "write_shards",
]
_PLACES = {
    "CurriculumOptions": "tokenizer.training",
    "Tokenizer": "tokenizer",
    "export": "model.exporting",
    "measure": "benchmarks.fertility",
    "train": "tokenizer",
    "train_from_iterator": "tokenizer",
    "write_shards": "tokenizer.shards",
}
"""The modules of the names that are not in `model`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'gyeol' has no attribute {name!r}")
    return getattr(import_module(_PLACES.get(name, "model")), name)


def __dir__() -> list[str]:
    return __all__


if __name__ == "__main__":
    from cli import main

    main()
