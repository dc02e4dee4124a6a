"""A vocabulary: all that decides how text becomes ids. Its saved form is in `tokenizer.vocabulary.folder`.

Ids of our own run: 256 bytes, then a token per merge in the order learnt, then the special tokens. Those of others run
in any order.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tokenizer.pretokenize.grammars import EDITIONS
from tokenizer.vocabulary.byte_level import to_unicode

END_OF_TEXT = "<|endoftext|>"
PADDING = "<|pad|>"
END_OF_TURN = "<|end|>"
RESERVED = 64
"""Special tokens without a meaning, free for the users of a model."""


def default_roles(special_tokens: Iterable[str]) -> dict[str, str]:
    """The roles of our special tokens, of those that are among ``special_tokens``."""
    roles = {"bos": END_OF_TEXT, "eos": END_OF_TEXT, "eot": END_OF_TURN, "pad": PADDING}
    known = set(special_tokens)
    return {role: text for role, text in roles.items() if text in known}


def default_special_tokens() -> list[str]:
    """End of text, padding, chat roles and `RESERVED` free ones, in the order of their ids."""
    chat = ["<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", END_OF_TURN]
    return [END_OF_TEXT, PADDING, *chat, *(f"<|reserved_{i}|>" for i in range(RESERVED))]


@dataclass(frozen=True)
class Vocabulary:
    """Tokens, merges, special tokens and the grammar they were learnt under."""

    tokens: list[bytes]
    """Tokens by id; all 256 single bytes are among them. The text of a special token is among them where its id is not
    behind all others; an id that no token has stands for no bytes."""
    merges: list[tuple[int, int]]
    """Pairs of ids in order of rank; the bytes of both together are a token."""
    special_tokens: dict[str, int]
    """Text to id: of its place in ``tokens``, or behind all of them."""
    grammar: str = "o200k"
    """The pre-tokenization grammar, a name of `tokenizer.pretokenize.PATTERNS`, or ``regex``: that of ``patterns``."""
    strict: bool = False
    """Whether pre-tokens are also split at Kiwi's morpheme boundaries."""
    nfc: bool = False
    """Whether texts are composed (Unicode NFC) before they are encoded."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """Name, recipe, stages, corpus and versions, as found in ``gyeol.json``."""
    roles: dict[str, str] = field(default_factory=dict)
    """Special tokens by role: ``bos`` (begins a text), ``eos`` (ends a text), ``eot`` (ends a turn of a chat), ``pad``;
    those that there are."""
    adds_bos: bool = False
    """Whether a model sees ``bos`` before every text: engines that run the folder add it, `Tokenizer.encode` does
    not."""
    chat_template: str | None = None
    """The Jinja template of a chat, as ``tokenizer_config.json`` has it."""
    patterns: tuple[str, ...] = ()
    """The grammar ``regex``: regular expressions that cut a text one after another
    (`tokenizer.pretokenize.patterns`); none leave it whole."""
    prefix_space: bool = False
    """Whether a text that begins with no space is given one; decoding gives it back with the space."""
    ignore_merges: bool = False
    """Whether a pre-token that is a token is that token, whatever the merges make of it (as in Llama 3)."""
    added: tuple[str, ...] = ()
    """Those of ``special_tokens`` that stand for themselves wherever a text has them: the added tokens of Hugging Face
    that are not special. Of several that begin at a place the longest counts."""

    @property
    def size(self) -> int:
        """Number of ids, special tokens included."""
        return max(len(self.tokens), max(self.special_tokens.values(), default=-1) + 1)

    @property
    def safe_to_cut(self) -> bool:
        """Whether the pieces of `tokenizer.text.cutting.safe_pieces`, encoded one by one, have the ids of the whole
        text."""
        lines = any("\n" in text or "\r" in text for text in self.added)
        return self.grammar != "regex" and not self.prefix_space and not lines

    @cached_property
    def special_ids(self) -> dict[int, str]:
        """Special tokens by id, ascending."""
        return {number: text for text, number in sorted(self.special_tokens.items(), key=lambda item: item[1])}

    @cached_property
    def ordinary_tokens(self) -> list[bytes]:
        """``tokens`` with nothing in place of the special ones; those that merges or bytes make too are left."""
        inside = {i: text for i, text in self.special_ids.items() if i < len(self.tokens)}
        if not inside:
            return self.tokens
        made = {self.tokens[left] + self.tokens[right] for left, right in self.merges}
        spelled = {i for i, text in inside.items() if to_unicode(text.encode()) == text}
        apart = {i for i in inside if i not in spelled or not (self.tokens[i] in made or len(self.tokens[i]) == 1)}
        return [b"" if i in apart else token for i, token in enumerate(self.tokens)]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the ids of a text; not of names or provenance."""
        grammar = EDITIONS.get(self.grammar, self.grammar)
        digest = hashlib.sha256(f"{grammar} {self.strict}{' nfc' if self.nfc else ''}\n".encode())
        digest.update(b"".join([len(token).to_bytes(4, "little") + token for token in self.tokens]))
        digest.update(json.dumps([self.merges, sorted(self.special_tokens.items())]).encode())
        foreign = [self.patterns, self.prefix_space, self.ignore_merges, self.added]
        if any(foreign):
            digest.update(json.dumps(foreign).encode())
        return digest.hexdigest()


def build(
    tokens: list[bytes],
    merges: Iterable[tuple[int, int]],
    *,
    special_tokens: Iterable[str] | None = None,
    kept: Mapping[str, int] | None = None,
    grammar: str = "o200k",
    strict: bool = False,
    nfc: bool = False,
    provenance: dict[str, Any] | None = None,
) -> Vocabulary:
    """A vocabulary from learnt tokens, special tokens (the default ones) placed behind them; those of ``kept`` have
    their places among the tokens."""
    names = default_special_tokens() if special_tokens is None else list(special_tokens)
    specials = dict(kept or {}) | {text: len(tokens) + i for i, text in enumerate(names)}
    roles = default_roles(specials)
    return Vocabulary(
        list(tokens),
        list(merges),
        specials,
        grammar=grammar,
        strict=strict,
        nfc=nfc,
        provenance=dict(provenance or {}),
        roles=roles,
        adds_bos="bos" in roles,
    )
