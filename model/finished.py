"""The folder of a finished run, complete for those who load it: weights, configurations and the card.

The embedding of a run has rows up to a multiple of 128, which no token has and no training touches. They are left out
here, so that no engine can sample them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.card import run_card
from model.checkpoint import CARD, CONFIG, GENERATION
from model.export import EMBEDDING, HEAD, model_tensors
from model.parallel import Workers, whole
from model.pretrain_config import PretrainResult
from model.transformer import Transformer
from model.weights import write_weights
from tokenizer import Tokenizer
from tokenizer.files import atomic_open, read_json, write_json

TOKENIZER_CONFIG = "tokenizer_config.json"


def write_model(run: Path, model: Transformer, vocab_size: int, workers: Workers) -> bool:
    """Write the weights, those of ``vocab_size`` ids, and the ``config.json`` that goes with them; whether all are
    finite. All ``workers`` call it; a tensor is gathered when it is written."""
    finite = True

    def gathered() -> Iterator[tuple[str, Tensor]]:
        nonlocal finite
        for name, tensor in model_tensors(model).items():
            full = whole(tensor.detach())
            full = full[:vocab_size].clone() if name in (EMBEDDING, HEAD) else full
            finite = finite and bool(torch.isfinite(full).all())
            yield name, full

    if workers.first:
        rows = {EMBEDDING: vocab_size, HEAD: vocab_size}
        sizes = {
            name: rows.get(name, tensor.shape[0]) * tensor.shape[1:].numel() * tensor.element_size()
            for name, tensor in model_tensors(model).items()
        }
        write_weights(run, sizes, gathered())
        write_json(run / CONFIG, read_json(run / CONFIG) | {"vocab_size": vocab_size})
    else:
        for _ in gathered():
            pass
    return finite


def complete_folder(run: Path, tokenizer: Tokenizer, context: int, result: PretrainResult) -> None:
    """Write what goes with the weights: the tokens that generation ends at, the longest context, the card."""
    ends = generation_config(tokenizer)
    own = {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.eos_id, "pad_token_id": tokenizer.pad_id}
    config = read_json(run / CONFIG) | own
    write_json(run / CONFIG, config)
    write_json(run / GENERATION, ends)
    if (run / TOKENIZER_CONFIG).exists():
        write_json(run / TOKENIZER_CONFIG, read_json(run / TOKENIZER_CONFIG) | {"model_max_length": context})
    with atomic_open(run / CARD, "w") as handle:
        handle.write(run_card(run.resolve().name, config, tokenizer.name, result))


def generation_config(tokenizer: Tokenizer) -> dict[str, Any]:
    """The ``generation_config.json`` for a tokenizer: which tokens begin a text, end it and fill up a batch."""
    found = {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.end_ids, "pad_token_id": tokenizer.pad_id}
    return {name: value for name, value in found.items() if value not in (None, [])}
