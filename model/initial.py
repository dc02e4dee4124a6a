"""Starting from the weights of another model: those of a run, or of a Hugging Face folder of the same shape.

Rows of embedding and head belong to tokens. Where the tokenizer is another one, a token that both have keeps its row,
and the row of a new one is the mean of the rows of the old tokens that spell it, as in Hewitt (2021), "Initializing New
Word Embeddings for Pretrained Language Models".
"""

from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.checkpoint import CONFIG, load_model
from model.config import ModelConfig
from model.export import EMBEDDING, HEAD, model_tensors, read_config
from model.transformer import Transformer
from tokenizer import Tokenizer
from tokenizer.errors import InputError

_ROWS = (EMBEDDING, HEAD)
_FREE = ("vocab_size", "max_context", "tie_embeddings")
"""Fields of the shape that may differ: rows are mapped, the context is no weight, a tied head is copied."""


class Initialised(NamedTuple):
    """Rows of the vocabulary by where they come from."""

    same: int
    """Taken from the same token."""
    made: int
    """Means of the rows of several tokens."""


def check_shape(folder: Path, shape: ModelConfig) -> None:
    """`InputError` when the model in ``folder`` has another shape, with the options that give its own."""
    own = read_config(folder / CONFIG)
    names = [field.name for field in fields(ModelConfig) if field.name not in _FREE]
    if differing := [name for name in names if getattr(own, name) != getattr(shape, name)]:
        given = ", ".join(f"{name}={getattr(shape, name)}" for name in differing)
        wanted = " ".join(f"--shape {name}={getattr(own, name)}" for name in differing)
        raise InputError(f"{folder}: its model is not of this shape ({given}); give {wanted}")


def initialise(model: Transformer, folder: Path, tokenizer: Tokenizer) -> Initialised:
    """Give ``model``, whose ids are ``tokenizer``'s, the weights of the model in ``folder``, which has its tokenizer
    beside it. `InputError` when one is missing or of another shape."""
    check_shape(folder, model.config)
    old = Tokenizer.load(folder)
    source = model_tensors(load_model(folder))
    source.setdefault(HEAD, source[_ROWS[0]])
    spelled, offsets = _spellings(tokenizer, old)
    if offsets[-1] and int(spelled.max()) >= len(source[_ROWS[0]]):
        raise InputError(f"{folder}: its model has fewer rows than its tokenizer has ids; restore the folder")
    with torch.no_grad():
        for name, weight in model_tensors(model).items():
            if name in _ROWS:
                weight[: tokenizer.vocab_size] = _means(source[name], spelled, offsets).to(weight)
            else:
                weight.copy_(source[name])
    made = int((np.diff(offsets) > 1).sum())
    return Initialised(tokenizer.vocab_size - made, made)


def _spellings(tokenizer: Tokenizer, old: Tokenizer) -> tuple[np.ndarray, np.ndarray]:
    """The ids by which ``old`` spells each token of ``tokenizer``, one after another, and where each token's begin."""
    id_of = {old.token_bytes(i): i for i in reversed(range(old.vocab_size))}
    tokens = [tokenizer.token_bytes(i) for i in range(tokenizer.vocab_size)]
    spelled = old.encode_bytes(tokens)
    rows = [np.array([id_of[token]]) if token in id_of else ids for token, ids in zip(tokens, spelled, strict=True)]
    return np.concatenate(rows), np.cumsum([0, *map(len, rows)])


def _means(rows: Tensor, spelled: np.ndarray, offsets: np.ndarray) -> Tensor:
    """The mean of ``rows`` (ids, width) over each token's ids: (tokens, width)."""
    bags = torch.nn.functional.embedding_bag(
        torch.from_numpy(spelled.astype(np.int64)), rows.float(), torch.from_numpy(offsets[:-1]), mode="mean"
    )
    return bags.to(rows.dtype)
