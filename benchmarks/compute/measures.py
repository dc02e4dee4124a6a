"""What a trained model is measured by: nats of whole documents, continuations, minimal pairs, cost of generation.

Nats are those of a text's canonical tokens and of the token that ends it; bytes are those of the raw text. Nothing is
cut off and nothing is left out, so that quotients compare across tokenizers.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import regex
import torch

from benchmarks.compute.arms import Arm
from benchmarks.compute.pairs import Pair
from benchmarks.compute.texts import HeldOut
from benchmarks.peers.adapters import Peer
from model import Transformer
from model.attention import Cache
from model.scoring import Scorer, Vocabulary

CUTS = 60
"""Places in the held-out Korean text at which continuations are scored."""
BEFORE, BEHIND = 120, 24
"""Characters of the context of a continuation, and of it itself, about."""
GENERATED = 1000
"""Characters whose cost of generation is measured."""
_EOJEOL = regex.compile(r"(?<=\S)(?= \S)")


@dataclass(frozen=True)
class DocumentScore:
    """Nats of the documents of one file."""

    file: str
    group: str
    nats: float
    bytes: int


def scorer(model: Transformer, arm: Arm) -> Scorer:
    """The scorer of an arm's model: documents stand between two dividers."""
    peer, divider = arm.peer, arm.encoded.divider
    tokens = [*(_bytes(peer, token) for token in range(peer.vocab_size)), b""]
    return Scorer(model, Vocabulary(encode=peer.encode_batch, tokens=tokens, begin=divider, end=divider))


def _bytes(peer: Peer, token: int) -> bytes:
    """The bytes of a token; none for an id that no token has."""
    try:
        return peer.bytes_of(token)
    except (KeyError, ValueError, IndexError):
        return b""


def score_documents(scored: Scorer, held_out: Sequence[HeldOut]) -> list[DocumentScore]:
    """The score of each file."""
    totals: dict[tuple[str, str], list[float]] = {}
    for document, nats in zip(held_out, scored.text_nats([each.text for each in held_out]), strict=True):
        own = totals.setdefault((document.file, document.group), [0.0, 0])
        own[0] += nats
        own[1] += document.bytes
    return [DocumentScore(file, group, nats, int(size)) for (file, group), (nats, size) in totals.items()]


def score_continuations(scored: Scorer, held_out: Sequence[HeldOut]) -> dict[str, Any] | None:
    """Continuations behind `CUTS` random ends of eojeols of the Korean documents: at how many a token crosses the cut,
    and nats per byte by exact and by plain scoring. None without Korean text."""
    chosen = _cuts([document.text for document in held_out if document.group == "Korean"])
    if not chosen:
        return None
    found = list(zip(scored.continuation_nats(chosen), (len(rest.encode()) for _, rest in chosen), strict=True))
    both = [(each, size) for each, size in found if each.plain is not None]
    bytes_ = sum(size for _, size in both)
    return {
        "cuts": len(found),
        "crossing": sum(each.crossing for each, _ in found),
        "without_token": len(found) - len(both),
        "exact_nats_per_byte": sum(each.exact for each, _ in both) / bytes_ if bytes_ else None,
        "plain_nats_per_byte": sum(each.plain or 0 for each, _ in both) / bytes_ if bytes_ else None,
    }


def _cuts(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Contexts and what follows them, drawn evenly over the texts, the same for every tokenizer and seed."""
    draw, found = random.Random(0), []
    places = [(text, match.start()) for text in texts for match in _EOJEOL.finditer(text)]
    for text, place in draw.sample(places, min(CUTS, len(places))):
        line = text.rfind("\n", 0, place) + 1
        behind = text[place : place + BEHIND].split("\n")[0]
        context, end = text[max(line, place - BEFORE) : place], behind.rfind(" ")
        if context and behind:
            found.append((context, behind[:end] if end > 0 else behind))
    return found


def score_pairs(scored: Scorer, pairs: Sequence[Pair]) -> dict[str, list[int]]:
    """For each phenomenon how many good sentences are more probable than their bad ones, and of how many pairs; equal
    ones count as wrong."""
    sentences = list(dict.fromkeys(text for pair in pairs for text in (pair.good, pair.bad)))
    nats = dict(zip(sentences, scored.text_nats(sentences), strict=True))
    found: dict[str, list[int]] = {}
    for pair in pairs:
        own = found.setdefault(pair.phenomenon, [0, 0])
        own[0] += nats[pair.good] < nats[pair.bad]
        own[1] += 1
    return found


@torch.no_grad()
def generation_cost(model: Transformer, arm: Arm, held_out: Sequence[HeldOut]) -> dict[str, Any] | None:
    """What it costs to generate the same `GENERATED` characters, the beginning of the longest Korean document: tokens,
    seconds token by token with a cache of keys and values, and the bytes of that cache (float32). None where there is
    no such text."""
    korean = [document.text for document in held_out if document.group == "Korean"]
    text = max(korean, key=len, default="")[:GENERATED]
    if len(text) < GENERATED:
        return None
    ids = [arm.encoded.divider, *map(int, arm.peer.encode_batch([text])[0])]
    config, device = model.config, next(model.parameters()).device
    started = time.perf_counter()
    cache = Cache(config, batch=1, device=device)
    for token in ids:
        if cache.length == config.max_context:
            cache = Cache(config, batch=1, device=device)  # a text may be longer than the context
        int(model(torch.tensor([[token]], device=device), cache=cache)[0, -1].argmax())
    seconds = time.perf_counter() - started
    width = 4 * 2 * config.num_layers * config.num_kv_heads * config.head_dim
    return {"characters": GENERATED, "tokens": len(ids) - 1, "seconds": seconds, "cache_bytes": width * len(ids)}
