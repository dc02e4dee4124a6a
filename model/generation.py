"""Sampling text from a model, piece by piece, never half a syllable."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from model.attention import Cache
from model.checkpoint import load_model
from model.device import resolve_device
from model.sampling import GenerationConfig, choose
from model.token_healing import Continuations, held_to
from model.transformer import Transformer
from tokenizer.errors import InputError
from tokenizer.files import read_json
from tokenizer.streaming import StreamDecoder


def generate(run: str | Path, prompt: str, **options: Any) -> Iterator[str]:
    """Yield the continuation of ``prompt`` by the model in the folder ``run``, in pieces of whole characters.

    The folder is that of a run, or one of Hugging Face with a model and a tokenizer that Gyeol can run. The prompt
    follows the tokenizer's ``bos_id`` if it has one. ``options`` are fields of `GenerationConfig`. Stops at the end of
    the text (``eos_id``, or what the folder's ``generation_config.json`` names) or after ``max_new_tokens``. Raises
    `InputError` for a folder without a model, a prompt that is empty or longer than the context, or a value out of
    range, before the first piece is asked for.
    """
    return (piece for (piece,) in _pieces(run, [prompt], GenerationConfig(**options)) if piece)


def generate_batch(run: str | Path, prompts: Sequence[str], **options: Any) -> list[str]:
    """The continuations of several prompts, computed together; with a seed, each is what it would be alone.

    Options as in `generate`.
    """
    if not prompts:
        return []
    return ["".join(pieces) for pieces in zip(*_pieces(run, prompts, GenerationConfig(**options)), strict=True)]


@dataclass
class Row:
    """One text that is being written."""

    ids: list[int]
    """Its tokens, those of the prompt first."""
    generator: torch.Generator
    """Source of its random numbers."""
    owed: bytes = b""
    """Bytes of the prompt that the next tokens are held to."""
    done: bool = False
    """Whether it has ended."""
    prompt: int = field(init=False)
    """Tokens of the prompt."""

    def __post_init__(self) -> None:
        self.prompt = len(self.ids)


class Steps:
    """Iterates over the next token of every row, or None for a row that is still inside its prompt or has ended.

    All rows stand at the same position: one forward pass takes the tokens that every prompt has, and from there on
    a row takes its next token from its prompt while there is one, else from the model (as in Meta's Llama). So rows
    of different lengths need no padding and no mask. At a full context the older half is forgotten.
    """

    def __init__(
        self,
        model: Transformer,
        rows: list[Row],
        vocab_size: int,
        config: GenerationConfig,
        *,
        ends: Collection[int] = (),
        continuations: Continuations | None = None,
    ) -> None:
        self.model, self.rows, self.vocab_size, self.config = model, rows, vocab_size, config
        self.ends, self.continuations = ends, continuations

    @torch.no_grad()
    def __iter__(self) -> Iterator[list[int | None]]:
        device, context = self.rows[0].generator.device, self.model.config.max_context
        cache = Cache(self.model.config, batch=len(self.rows), device=device)
        start, place = 0, min(row.prompt for row in self.rows)
        while not all(row.done for row in self.rows):
            if cache.length + place - start > context:
                start, cache = place - (context // 2 + 1), Cache(self.model.config, batch=len(self.rows), device=device)
            pending = torch.tensor([row.ids[start:place] for row in self.rows], device=device)
            logits = self.model(pending, cache=cache)[:, -1, : self.vocab_size]
            yield [self._next(row, place, own) for row, own in zip(self.rows, logits, strict=True)]
            start, place = place, place + 1

    def _next(self, row: Row, place: int, logits: torch.Tensor) -> int | None:
        """The token of ``row`` at ``place``; ended rows are fed a token so that the others can go on."""
        if place < row.prompt:
            return None
        if row.done:
            row.ids.append(0)
            return None
        if row.owed and self.continuations is not None:
            logits = held_to(logits, self.continuations.allowed(row.owed))
        token = choose(logits, self.config, row.generator, row.ids)
        if row.owed and self.continuations is not None:
            row.owed = row.owed[len(self.continuations.tokens[token]) :]
        row.ids.append(token)
        row.done = token in self.ends or len(row.ids) - row.prompt >= self.config.max_new_tokens
        return None if token in self.ends else token


def _pieces(run: str | Path, prompts: Sequence[str], config: GenerationConfig) -> Iterator[list[str]]:
    """Load the model; then the text that each step adds to every prompt."""
    from tokenizer import Tokenizer

    model, tokenizer = load_model(run, resolve_device(config.device)), Tokenizer.load(run)
    if tokenizer.vocab_size > model.config.vocab_size:
        raise InputError(
            f"{run}: the tokenizer has {tokenizer.vocab_size:,} ids, the model {model.config.vocab_size:,}"
        )
    return text_pieces(model, tokenizer, prompts, config, end_ids(Path(run), tokenizer.eos_id))


def text_pieces(
    model: Transformer,
    tokenizer: Any,
    prompts: Sequence[str],
    config: GenerationConfig,
    ends: Collection[int],
    *,
    shorten: bool = False,
) -> Iterator[list[str]]:
    """The text that each step adds to every prompt, up to one of the ids ``ends``. With ``shorten`` a prompt that
    leaves no room for the new tokens loses its first ones; else `InputError` for one longer than the context."""
    special = set(tokenizer.special_tokens.values())
    tokens = [b"" if number in special else tokenizer.token_bytes(number) for number in range(tokenizer.vocab_size)]
    continuations = Continuations(tokens)
    rows, limit, device = [], model.config.max_context, next(model.parameters()).device
    begin = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
    for prompt in prompts:
        ids, owed = [*begin, *tokenizer.encode(prompt)], b""  # a prompt is the start of a document
        if not ids:
            raise InputError("the prompt is empty, and the tokenizer has no token that begins a text; give a prompt")
        if shorten:
            room = max(1, limit - config.max_new_tokens)
            ids = ids if len(ids) <= room else [*begin, *ids[len(ids) - max(1, room - len(begin)) :]]
        if len(ids) > limit:
            raise InputError(f"the prompt is {len(ids):,} tokens long; the model's context is {limit:,}, shorten it")
        if config.heal:
            ids, owed = continuations.back_off(ids)
        generator = torch.Generator(device)
        _ = generator.seed() if config.seed is None else generator.manual_seed(config.seed)
        rows.append(Row(ids, generator, owed))
    steps = Steps(model, rows, tokenizer.vocab_size, config, ends=ends, continuations=continuations)
    decoders = [StreamDecoder(tokenizer, skipped=len(row.owed)) for row in rows]

    def text(decoder: StreamDecoder, token: int | None) -> str:
        return decoder.feed([] if token is None or not tokens[token] else [token])

    return (list(map(text, decoders, found)) for found in steps)


def end_ids(run: Path, eos_id: int | None) -> set[int]:
    """The ids that end a text: those of ``generation_config.json``, and the tokenizer's."""
    path = run / "generation_config.json"
    found = read_json(path) if path.is_file() else {}
    named = found.get("eos_token_id") if isinstance(found, dict) else None
    return {end for end in (*(named if isinstance(named, list) else [named]), eos_id) if isinstance(end, int)}
