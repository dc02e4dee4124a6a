"""Nats of given tokens under a model, many rows of tokens at once.

Rows are sorted by length, padded on the right, which a causal model does not see, and the head is applied only where a
token is scored. Rows that differ in their last token alone, as the choices A, B, C and D of a question do, share a
forward pass.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.transformer import Transformer

TOKENS = 4096
"""Tokens in a forward pass, about."""
PIECE = 1 << 21
"""Logits computed at a time: they stay in the cache of a CPU."""


class TokenRow(NamedTuple):
    """Tokens, of which those from number ``first`` (1 or more) on are scored."""

    ids: tuple[int, ...]
    first: int


class TokenScores(NamedTuple):
    """Of the scored tokens of a row, in order."""

    nats: NDArray[np.float64]
    greedy: NDArray[np.bool_]
    """Whether each is the most probable token at its place."""


@torch.no_grad()
def score_rows(model: Transformer, rows: Sequence[TokenRow], vocab_size: int) -> list[TokenScores]:
    """The scores of each row, at most the model's context and one token long.

    ``vocab_size`` is the number of ids: further rows of a padded embedding are no tokens.
    """
    device = next(model.parameters()).device
    members: dict[tuple[int, ...], list[int]] = {}
    for number, row in enumerate(rows):
        members.setdefault(row.ids[:-1], []).append(number)
    found: list[TokenScores | None] = [None] * len(rows)
    for inputs in _batches(sorted(members, key=len)):
        padded = np.zeros((len(inputs), len(inputs[-1])), dtype=np.int64)
        for place, ids in enumerate(inputs):
            padded[place, : len(ids)] = ids
        hidden = model.model(torch.from_numpy(padded).to(device))
        numbers = [(place, number) for place, ids in enumerate(inputs) for number in members[ids]]
        wanted = [rows[number].ids[rows[number].first :] for _, number in numbers]
        counts = [len(ids) for ids in wanted]
        of_row = torch.from_numpy(np.repeat([place for place, _ in numbers], counts)).to(device)
        starts = [rows[number].first - 1 for _, number in numbers]
        places = [np.arange(start, start + count) for start, count in zip(starts, counts, strict=True)]
        at = torch.from_numpy(np.concatenate(places)).to(device)
        targets = torch.tensor([token for ids in wanted for token in ids], device=device)
        nats, greedy = _head(model, hidden[of_row, at], targets, vocab_size)
        ends = np.cumsum(counts)[:-1]
        for (_, number), own, best in zip(numbers, np.split(nats, ends), np.split(greedy, ends), strict=True):
            found[number] = TokenScores(own, best)
    return [scores for scores in found if scores is not None]


def _head(
    model: Transformer, hidden: Tensor, targets: Tensor, vocab_size: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Nats of ``targets`` (tokens,) at ``hidden`` (tokens, width), and whether they are the most probable."""
    size = max(1, PIECE // model.config.vocab_size)
    nats, greedy = [], []
    for states, wanted in zip(hidden.split(size), targets.split(size), strict=True):
        logits = model.lm_head(states)[:, :vocab_size].float()
        own = logits.gather(1, wanted[:, None])[:, 0]
        nats.append(torch.logsumexp(logits, dim=1) - own)
        greedy.append(own == logits.amax(dim=1))
    return torch.cat(nats).double().cpu().numpy(), torch.cat(greedy).cpu().numpy()


def _batches(inputs: Sequence[tuple[int, ...]]) -> Iterator[Sequence[tuple[int, ...]]]:
    """Inputs, the shortest first, in batches of about `TOKENS` tokens with what pads them."""
    start = 0
    for end in range(1, len(inputs) + 1):
        if end == len(inputs) or (end + 1 - start) * len(inputs[end]) > TOKENS:
            yield inputs[start:end]
            start = end
