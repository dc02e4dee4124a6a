"""Tokenizers to extend: folders and files that `Tokenizer.load` takes, and by name published vocabularies that packages
carry.

Of these splintr-rs carries the tokens, but not how text is cut; the patterns are those of their ``tokenizer.json``.
"""

from dataclasses import dataclass

import splintr
import tiktoken

from benchmarks.peers.openai import load_encoding
from tokenizer import Tokenizer
from tokenizer.errors import InputError

_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class Carried:
    """A vocabulary that splintr-rs carries."""

    pattern: str
    ordinary: int
    """Number of tokens that are not special, which have the first ids."""


_CARRIED = {
    "llama3": Carried(_LLAMA3, 128_000),
    "qwen3": Carried(_LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}"), 151_643),
}
BASES = ("o200k_base", "cl100k_base", *_CARRIED)
"""Names that `load_base` knows."""


def load_base(spec: str) -> Tokenizer:
    """The tokenizer of a name in `BASES`, a folder or a file; `InputError` for another name, and for what is not
    byte-level BPE."""
    if spec in _CARRIED:
        return Tokenizer.from_tiktoken(_encoding(spec, _CARRIED[spec]))
    if spec in BASES:
        return Tokenizer.from_tiktoken(load_encoding(spec))
    if spec.endswith(".model"):
        raise InputError(f"{spec}: a SentencePiece model, not byte-level BPE, which is what can be extended")
    try:
        return Tokenizer.load(spec)
    except InputError as error:
        if str(error).startswith("unknown tokenizer"):
            raise InputError(f"{error}, {', '.join(BASES)}") from None
        raise


def _encoding(name: str, carried: Carried) -> tiktoken.Encoding:
    """The vocabulary with its special tokens; ids that no token is known for are reserved ones, as in Llama 3."""
    theirs = splintr.Tokenizer.from_pretrained(name)
    special = {text: i for text, i in theirs.special_tokens().items() if i < splintr.base_vocab_size(name)}
    free = sorted(set(range(carried.ordinary, splintr.base_vocab_size(name))) - set(special.values()))
    number = sum("reserved_special_token" in text for text in special)
    special |= {f"<|reserved_special_token_{number + k}|>": i for k, i in enumerate(free)}
    ranks = {theirs.decode_token_bytes(i): i for i in range(carried.ordinary)}
    return tiktoken.Encoding(name, pat_str=carried.pattern, mergeable_ranks=ranks, special_tokens=special)
