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
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from model.token_healing import Continuations
from model.token_scores import TokenRow, TokenScores, score_rows
from model.transformer import Transformer
from tokenizer.errors import InputError

LOGITS = 1 << 25
"""Logits held at a time at most, about: 128 MiB in float32."""
LEAST = 1e-9
"""Covering sequences below this share of what is found already are not followed."""
MOST_COVERS = 256
"""Covering sequences that are followed at a time at most, the most probable ones."""


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
    """By the tokens of both, as many as the context has by itself left out, behind those of the context: what
    lm-evaluation-harness does. None where none are left."""
    crossing: bool
    """Whether a token crosses the boundary, so that the two differ."""
    greedy: bool
    """Whether each of its tokens is the most probable one; of those that cross the boundary, without regard to what is
    known of their bytes."""


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
        rows = [(own.begin, *map(int, ids), *end) for ids in own.encode(texts)]
        windows = [(number, window) for number, ids in enumerate(rows) for window in self._windows(ids)]
        totals = [0.0] * len(rows)
        for (number, _), scores in zip(windows, self.score([window for _, window in windows]), strict=True):
            totals[number] += float(scores.nats.sum())
        return totals

    def score(self, rows: Sequence[TokenRow]) -> list[TokenScores]:
        """The scores of rows of tokens, see `model.token_scores`."""
        return score_rows(self.model, rows, len(self.vocabulary.tokens))

    def continuation_nats(self, pairs: Sequence[tuple[str, str]]) -> list[Continued]:
        """Nats of continuations, each given its context, a text that begins a document: pairs of a context and what
        continues it. Where both exceed the model's context, the first tokens are left out. `InputError` for a
        continuation that is empty, or still too long."""
        cuts = self._cut(pairs)
        scores = self.score([TokenRow(cut.both, cut.shared) for cut in cuts])
        crossing = [cut for cut in cuts if cut.rest and len(cut.both) > len(cut.before)]
        rows = [TokenRow((*cut.before, *cut.both[len(cut.before) :]), len(cut.before)) for cut in crossing]
        plain = {id(cut): float(own.nats.sum()) for cut, own in zip(crossing, self.score(rows), strict=True)}
        conditions = {(cut.both[: cut.shared], cut.rest) for cut in cuts if cut.rest}
        known = {condition: self.prefix_logp(*condition) for condition in sorted(conditions)}
        found = []
        for cut, own in zip(cuts, scores, strict=True):
            whole = float(own.nats.sum())
            found.append(
                Continued(
                    exact=whole + known.get((cut.both[: cut.shared], cut.rest), 0.0),
                    plain=plain.get(id(cut)) if cut.rest else whole,
                    crossing=bool(cut.rest),
                    greedy=bool(own.greedy.all()),
                )
            )
        return found

    def _cut(self, pairs: Sequence[tuple[str, str]]) -> list["_Cut"]:
        """The tokens of each context and continuation, cut to the model's context."""
        own, limit = self.vocabulary, self.model.config.max_context
        if any(not continuation for _, continuation in pairs):
            raise InputError("the continuation is empty; there is nothing to score")
        contexts = own.encode([context for context, _ in pairs])
        wholes = own.encode([context + continuation for context, continuation in pairs])
        found = []
        for first, second in zip(contexts, wholes, strict=True):
            before, both = ((own.begin, *map(int, ids)) for ids in (first, second))
            shared, excess = _shared(before, both), max(0, len(both) - limit - 1)
            if excess >= shared:
                more = len(both) - shared
                raise InputError(f"{more:,} tokens exceed the model's context of {limit:,}; shorten the text")
            rest = b"".join(own.tokens[token] for token in before[shared:])
            before, both = ((own.begin, *ids[1 + excess :]) for ids in (before, both))
            found.append(_Cut(both, shared - excess, before, rest))
        return found

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

    def _log_softmax(self, logits: Tensor) -> Tensor:
        """Over the ids of the vocabulary: the rows that the embedding is padded with are no tokens."""
        return F.log_softmax(logits[..., : len(self.vocabulary.tokens)].float(), dim=-1)

    def _windows(self, ids: tuple[int, ...]) -> Iterator[TokenRow]:
        """The windows of a text, each with the number of the first token that no window before it scored."""
        context, stride = self.model.config.max_context, max(1, self.model.config.max_context // 2)
        start, scored = 0, 1
        while scored < len(ids):
            yield TokenRow(ids[start : start + context + 1], scored - start)
            scored = start + context + 1
            start += stride


class _Cut(NamedTuple):
    """A context and its continuation in tokens."""

    both: tuple[int, ...]
    shared: int
    """Tokens that both begin with, as the context alone does."""
    before: tuple[int, ...]
    """The context alone."""
    rest: bytes
    """Bytes of the context behind those that are shared."""


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Tokens that both begin with."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count
