"""Rows of embedding and head for tokens that a tokenizer was extended by, from the rows of the old tokens.

An old tokenizer spells a new token by several old ones; the new row is made of theirs:

``mean``
    their mean, in embedding and head alike (Gee et al. 2022, "Fast Vocabulary Transfer for Language Model
    Compression"; Hewitt 2021, "Initializing New Word Embeddings for Pretrained Language Models", has the mean of all).
``weighted``
    a mean that favours the last of them in the embedding, by exp(2i) for the i-th, and the first in the head, by
    exp(-2i): a model goes on from what it read last, and what it writes is first decided by how it begins (Nakash et
    al. 2025, "AdaptiVocab"). It needs no embeddings from elsewhere, as FOCUS does (Dobler and de Melo 2023). A tied
    head shares its rows with the embedding, where both cannot be; there the first are favoured.
``random``
    normal numbers around zero, of the standard deviation that the model was initialised with: what `transformers` did
    before it knew better. To compare.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tokenizer.errors import InputError

Init = Literal["mean", "weighted", "random"]
INITS: tuple[Init, ...] = ("mean", "weighted", "random")
SLOPE = 2.0
"""Of the exponent of ``weighted``, as in AdaptiVocab."""
BLOCK = 4096
"""Tokens whose rows are made at a time: some hundred megabytes."""


def check_init(init: str) -> None:
    """`InputError` for the name of no initialisation."""
    if init not in INITS:
        raise InputError(f"init is {init!r}; it must be one of {', '.join(INITS)}")


def new_rows(rows: Tensor, spelled: Sequence[NDArray[np.int32]], init: Init, *, head: bool, std: float) -> Tensor:
    """The rows of new tokens, shape (tokens, width), of the type of ``rows`` (ids, width).

    ``spelled`` has the old ids of each new token, ``head`` says that the rows are those of a head, tied or not, and
    ``std`` is the standard deviation of ``random``.
    """
    if init == "random":
        generator = torch.Generator().manual_seed(0)
        return (torch.randn(len(spelled), rows.shape[1], generator=generator) * std).to(rows.dtype)
    slope = 0.0 if init == "mean" else -SLOPE if head else SLOPE
    made = [_averages(rows, spelled[at : at + BLOCK], slope) for at in range(0, len(spelled), BLOCK)]
    return torch.cat(made).to(rows.dtype)


def _averages(rows: Tensor, spelled: Sequence[NDArray[np.int32]], slope: float) -> Tensor:
    """Averages of the rows that spell each token, the i-th weighted by exp(slope i), in float32."""
    weights = [torch.softmax(slope * torch.arange(len(ids), dtype=torch.float32), 0) for ids in spelled]
    used = rows[torch.from_numpy(np.concatenate(spelled).astype(np.int64))].float()
    starts = torch.tensor([0, *map(len, spelled[:-1])]).cumsum(0)
    return torch.nn.functional.embedding_bag(
        torch.arange(len(used)), used, starts, mode="sum", per_sample_weights=torch.cat(weights)
    )
