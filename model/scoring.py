"""Log-probabilities of texts under a model: whole documents, and continuations whose context ends inside a token.

A text is scored by its canonical tokens, those that the tokenizer gives it, from the beginning token on.

A continuation of a context is usually scored by cutting the tokens of both together where those of the context end.
With tokens that span words the cut often falls inside a token, and the figure is wrong or empty. Here the context is
backed off to the last token that both tokenizations share, and what remains of its bytes is a condition:

    p(continuation | context) = p(tokens of rest + continuation | shared) / p(rest | shared)

where p(rest | shared) sums over all token sequences that cover the rest: every token but the last lies inside it, and
the last reaches its end or beyond (the prefix probability over a *covering*: Vieira et al., 2024, "From Language Models
over Tokens to Language Models over Characters"; Phan et al., 2024, "Exact Byte-Level Probabilities from Tokenized
Language Models"). Where no token crosses the boundary nothing remains, and this is the plain score.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from model.loss import IGNORE
from model.token_healing import Continuations
from model.transformer import Transformer
from tokenizer.errors import InputError

LOGITS, PIECE = 1 << 25, 1 << 21
"""Logits held at a time at most, about: 128 MiB in float32; and where only their sum is wanted."""
TOKENS = 4096
"""Tokens in a forward pass, about."""
LEAST = 1e-9
"""Covering sequences below this share of what is found already are not followed."""
MOST_COVERS = 256
"""Covering sequences that are followed at a time at most, the most probable ones."""


Window = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Inputs and targets of a forward pass."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What scoring needs to know of a tokenizer."""

    encode: Callable[[Sequence[str]], Sequence[Sequence[int] | NDArray[np.int32]]]
    """The canonical tokens of each text, without special tokens."""
    tokens: Sequence[bytes]
    """The bytes of each id, b"" for special tokens."""
    begin: int
    """The token before a text, so that its first token has a probability too."""
    end: int | None
    """The token behind a text, or None, where its end is not scored."""


@dataclass(frozen=True, kw_only=True)
class Continued:
    """Nats of a continuation given its context, by two ways of scoring."""

    exact: float
    """By the bytes of the context: see the module."""
    plain: float | None
    """By the tokens behind those of the context; None where there are none."""
    crossing: bool
    """Whether a token crosses the boundary, so that the two differ."""


class Scorer:
    """Scores texts by ``model``, in windows of its context, on the device where it is."""

    def __init__(self, model: Transformer, vocabulary: Vocabulary) -> None:
        self.model, self.vocabulary = model.eval(), vocabulary
        self.device = next(model.parameters()).device
        self._continuations = Continuations(vocabulary.tokens)

    def text_nats(self, texts: Sequence[str]) -> list[float]:
        """Nats of each text, whole, by its canonical tokens, the token that ends it included.

        A text longer than the context is scored in windows that overlap by half, so that every token but those at
        its beginning is predicted from at least half a context.
        """
        own = self.vocabulary
        end = [] if own.end is None else [own.end]
        rows = [np.concatenate([[own.begin], ids, end]).astype(np.int64) for ids in own.encode(texts)]
        windows = [(number, window) for number, ids in enumerate(rows) for window in self._windows(ids)]
        totals = [0.0] * len(rows)
        for batch in self._batches(windows):
            for (number, _), nats in zip(batch, self._nats([window for _, window in batch]), strict=True):
                totals[number] += nats
        return totals

    def continuation_nats(self, context: str, continuation: str) -> Continued:
        """Nats of ``continuation`` given ``context``, a text that begins a document, of which the first tokens are left
        out where both exceed the model's context. `InputError` for a continuation that is empty, or still too long."""
        if not continuation:
            raise InputError("the continuation is empty; there is nothing to score")
        own, limit = self.vocabulary, self.model.config.max_context
        before, both = ([own.begin, *map(int, ids)] for ids in own.encode([context, context + continuation]))
        shared, excess = _shared(before, both), max(0, len(both) - limit - 1)
        if excess >= shared:
            raise InputError(f"{len(both) - shared:,} tokens exceed the model's context of {limit:,}; shorten the text")
        shared -= excess
        before, both = ([own.begin, *ids[1 + excess :]] for ids in (before, both))
        rest = b"".join(own.tokens[token] for token in before[shared:])
        nats = self._token_nats(both)  # of each token but the first
        plain = float(nats[len(before) - 1 :].sum()) if len(both) > len(before) else None
        exact = float(nats[shared - 1 :].sum())
        if rest:
            exact += self.prefix_logp(both[:shared], rest)
        return Continued(exact=exact, plain=plain, crossing=bool(rest))

    @torch.no_grad()
    def prefix_logp(self, ids: Sequence[int], rest: bytes) -> float:
        """The log-probability that the text behind the tokens ``ids`` begins with the bytes ``rest``: summed over all
        sequences of tokens that cover them, but for those too improbable to matter (`LEAST`)."""
        found = -math.inf
        paths: list[tuple[float, tuple[int, ...], bytes]] = [(0.0, (), rest)]
        while paths:
            further: list[tuple[float, tuple[int, ...], bytes]] = []
            nexts = self._next_logps(ids, [path for _, path, _ in paths])
            for (logp, path, left), own in zip(paths, nexts, strict=True):
                covering, inside = self._continuations.covers(left)
                if covering:
                    found = float(np.logaddexp(found, logp + torch.logsumexp(own[covering], 0).item()))
                further += [(logp + own[token].item(), (*path, token), left[size:]) for token, size in inside]
            paths = sorted((p for p in further if p[0] > found + math.log(LEAST)), reverse=True)[:MOST_COVERS]
        return found

    def _next_logps(self, ids: Sequence[int], paths: Sequence[tuple[int, ...]]) -> Iterator[Tensor]:
        """Log-probabilities of the next token behind each path, all of one length, (vocabulary,)."""
        size = max(1, LOGITS // self.model.config.vocab_size // (len(ids) + len(paths[0])))
        for start in range(0, len(paths), size):
            rows = torch.tensor([[*ids, *path] for path in paths[start : start + size]], device=self.device)
            rows = rows[:, -self.model.config.max_context :]
            yield from self._log_softmax(self.model(rows)[:, -1]).cpu()

    def _token_nats(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """Nats of every token but the first."""
        with torch.no_grad():
            row = torch.tensor([ids], device=self.device)
            logps = self._log_softmax(self.model(row[:, :-1])[0])
            return -logps.gather(1, row[0, 1:, None])[:, 0].double().cpu().numpy()

    def _log_softmax(self, logits: Tensor) -> Tensor:
        """Over the ids of the vocabulary: the rows that the embedding is padded with are no tokens."""
        return F.log_softmax(logits[..., : len(self.vocabulary.tokens)].float(), dim=-1)

    def _windows(self, ids: NDArray[np.int64]) -> Iterator[Window]:
        """Inputs and targets of the windows of a text; targets that another window has are `IGNORE`."""
        context, stride = self.model.config.max_context, max(1, self.model.config.max_context // 2)
        counted = 0  # targets that windows before had
        start = 0
        while counted < len(ids) - 1:
            window = ids[start : start + context + 1]
            targets = window[1:].copy()
            targets[: counted - start] = IGNORE
            yield window[:-1], targets
            counted = start + len(window) - 1
            start += stride

    def _batches(self, windows: Sequence[tuple[int, Window]]) -> Iterator[list[tuple[int, Window]]]:
        """Windows of one length together, as many as `LOGITS` has room for."""
        ordered = sorted(windows, key=lambda item: (len(item[1][0]), item[0]))
        while ordered:
            length = len(ordered[0][1][0])
            most = max(1, TOKENS // length)
            count = 1
            while count < min(most, len(ordered)) and len(ordered[count][1][0]) == length:
                count += 1
            yield ordered[:count]
            del ordered[:count]

    @torch.no_grad()
    def _nats(self, windows: Sequence[Window]) -> list[float]:
        """Nats of the targets of each window, all of one length; the head is applied only where there is a target."""
        inputs, targets = (torch.from_numpy(np.stack(part)).to(self.device) for part in zip(*windows, strict=True))
        counted = targets != IGNORE
        hidden, wanted = self.model.model(inputs)[counted], targets[counted]
        size = max(1, PIECE // self.model.config.vocab_size)  # pieces of logits that stay in the cache of a CPU
        nats = [self._head_nats(*part) for part in zip(hidden.split(size), wanted.split(size), strict=True)]
        each = torch.zeros(targets.shape, dtype=torch.float64, device=self.device)
        each[counted] = torch.cat(nats).double()
        return each.sum(dim=1).tolist()

    def _head_nats(self, hidden: Tensor, targets: Tensor) -> Tensor:
        logits = self.model.lm_head(hidden)[:, : len(self.vocabulary.tokens)].float()
        return torch.logsumexp(logits, dim=1) - logits.gather(1, targets[:, None])[:, 0]


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Tokens that both begin with."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count
