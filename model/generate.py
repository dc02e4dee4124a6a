"""Sampling text from a model, piece by piece, never half a syllable."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.attention import Cache
from model.checkpoint import load_model
from model.precision import resolve_device
from model.transformer import Transformer
from tokenizer.errors import InputError

END_OF_TEXT = "<|endoftext|>"


def generate(
    run: str | Path,
    prompt: str,
    *,
    max_new_tokens: int = 200,
    temperature: float = 0.8,
    top_k: int | None = None,
    top_p: float | None = 0.95,
    seed: int | None = None,
    device: str = "auto",
) -> Iterator[str]:
    """Yield the continuation of ``prompt`` by the model in the folder ``run``, in pieces of whole characters.

    ``temperature`` 0 takes the likeliest token each time; ``top_k`` keeps the k likeliest, ``top_p`` the fewest
    whose probabilities reach p (nucleus sampling: Holtzman et al., 2020). ``seed`` makes it repeatable. Stops at
    end-of-text or after ``max_new_tokens``. Raises `InputError` for a folder without a model, a prompt longer
    than the context, or a value out of range, before the first piece is asked for.
    """
    from tokenizer import Tokenizer

    _check_sampling(max_new_tokens, temperature, top_k, top_p)
    place = resolve_device(device)
    model, tokenizer = load_model(run, place), Tokenizer.load(run)
    generator = torch.Generator(place)
    _ = generator.seed() if seed is None else generator.manual_seed(seed)
    ids = prompt_ids(tokenizer, prompt, model.config.max_context)
    tokens = sample_tokens(
        model, ids, tokenizer.vocab_size, temperature=temperature, top_k=top_k, top_p=top_p, generator=generator
    )
    return text_pieces(tokenizer, tokens, max_new_tokens)


def prompt_ids(tokenizer: Any, prompt: str, limit: int) -> list[int]:
    """Encode ``prompt`` as the start of a document; `InputError` when it is longer than ``limit`` tokens."""
    ids = [tokenizer.special_tokens[END_OF_TEXT], *tokenizer.encode(prompt)]
    if len(ids) > limit:
        raise InputError(f"the prompt is {len(ids):,} tokens long; the model's context is {limit:,}, shorten it")
    return ids


@torch.no_grad()
def sample_tokens(
    model: Transformer,
    ids: list[int],
    vocab_size: int,
    *,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    generator: torch.Generator,
) -> Iterator[int]:
    """Yield sampled ids below ``vocab_size`` without end; at a full context the older half is forgotten."""
    device, context = generator.device, model.config.max_context
    ids = list(ids)
    cache = Cache(model.config, device=device)
    pending = ids
    while True:
        if cache.length + len(pending) > context:
            pending, cache = ids[-(context // 2 + 1) :], Cache(model.config, device=device)
        logits = model(torch.tensor([pending], device=device), cache=cache)[0, -1, :vocab_size]
        token = int(choose(logits, temperature, top_k, top_p, generator))
        ids.append(token)
        pending = [token]
        yield token


def choose(
    logits: Tensor, temperature: float, top_k: int | None, top_p: float | None, generator: torch.Generator
) -> Tensor:
    """Draw one id from ``logits`` (vocab,)."""
    if temperature == 0:
        return logits.argmax()
    probabilities, order = torch.softmax(logits.float() / temperature, dim=-1).sort(descending=True, stable=True)
    if top_k is not None:
        probabilities[top_k:] = 0
    if top_p is not None:
        before = probabilities.cumsum(0) - probabilities
        probabilities[before >= top_p * probabilities.sum()] = 0
    return order[torch.multinomial(probabilities, 1, generator=generator)]


def text_pieces(tokenizer: Any, tokens: Iterator[int], limit: int) -> Iterator[str]:
    """Decode up to ``limit`` ids until end-of-text, yielding whole characters as soon as their bytes are there.

    Bytes that form no character come as U+FFFD; a character still incomplete at the end is dropped.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    special = set(tokenizer.special_tokens.values())
    for _, token in zip(range(limit), tokens, strict=False):
        if token == tokenizer.special_tokens[END_OF_TEXT]:
            return
        if token not in special and (piece := decoder.decode(tokenizer.token_bytes(token))):
            yield piece


def _check_sampling(max_new_tokens: int, temperature: float, top_k: int | None, top_p: float | None) -> None:
    if max_new_tokens < 1:
        raise InputError(f"max_new_tokens is {max_new_tokens}; it must be at least 1")
    if not temperature >= 0:
        raise InputError(f"temperature is {temperature}; it must be 0 (greedy) or above")
    if top_k is not None and top_k < 1:
        raise InputError(f"top_k is {top_k}; it must be at least 1, or left out")
    if top_p is not None and not 0 < top_p <= 1:
        raise InputError(f"top_p is {top_p}; it must be above 0 and at most 1, or left out")
