"""The public class: encode, decode, save and load."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from unicodedata import is_normalized

import numpy as np
import regex
from numpy.typing import NDArray

from tokenizer.encoding.encoder import Encoder, encode_strings, tables_of
from tokenizer.encoding.saved_tables import keep, recall
from tokenizer.encoding.tables import Tables
from tokenizer.errors import InputError
from tokenizer.files import leftovers
from tokenizer.outputs import locked
from tokenizer.shipped import shipped_folder, shipped_names
from tokenizer.text.composition import composed_with_origins
from tokenizer.text.utf8 import as_bytes, character_spans, joined
from tokenizer.vocabulary import Vocabulary, load_vocabulary, save_vocabulary, vocabulary_of_ranks


class Tokenizer:
    """Byte-level BPE with Korean in mind: ``decode(encode(text)) == text`` for every str.

    Make one with `tokenizer.train` or `Tokenizer.load`. ``tables`` are those of the vocabulary, where they are there
    already.
    """

    def __init__(self, vocabulary: Vocabulary, tables: Tables | None = None) -> None:
        self.vocabulary = vocabulary
        self.encoder = Encoder(vocabulary, tables)
        behind = [text.encode() for i, text in vocabulary.special_ids.items() if i >= len(vocabulary.tokens)]
        self._bytes = vocabulary.tokens + behind

    @classmethod
    def load(cls, name_or_path: str | Path) -> Tokenizer:
        """Load a shipped vocabulary (``gyeol-100k``), a saved folder, any folder with a byte-level BPE
        ``tokenizer.json`` of Hugging Face, such a file, or a ``.tiktoken`` file (see `from_tiktoken`).

        Ids are those of the library that the folder is made for. Special tokens in a text are letters here unless
        `encode` is told otherwise; added tokens that are not special are taken out of every text there and here. The
        grammars of Gyeol and GPT-4o run as compiled scanners, all others as regular expressions in Python: encoding
        then takes ten times as long or more, and threads do not help. `InputError` when it is none of these, damaged,
        or a tokenizer that Gyeol cannot run (SentencePiece, Unigram, WordPiece), by name.
        """
        source = shipped_folder(str(name_or_path)) or Path(name_or_path)
        if not source.exists() and leftovers(source):
            with locked(source):  # a killed process may have left it under a temporary name
                pass
        if source.suffix == ".tiktoken" and source.is_file():
            return cls.from_tiktoken(source)
        if not source.is_file() and not any((source / name).is_file() for name in ("gyeol.json", "tokenizer.json")):
            why = "has no tokenizer.json" if source.is_dir() else "no such file or folder"
            raise InputError(
                f"unknown tokenizer {str(name_or_path)!r}: {why}; name a folder made by `gyeol train`, one with a "
                f"tokenizer.json of Hugging Face, or one of {', '.join(shipped_names())}"
            )
        if source.name == "tokenizer.json" and source.is_file():
            source = source.parent
        if kept := recall(source):
            return cls(*kept)
        vocabulary = load_vocabulary(source)
        tables = tables_of(vocabulary)
        keep(source, vocabulary, tables)
        return cls(vocabulary, tables)

    @classmethod
    def from_tiktoken(
        cls,
        path_or_encoding: Any,
        *,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
    ) -> Tokenizer:
        """A tokenizer of tiktoken: of a ``.tiktoken`` file (a token in base64 and its rank on each line) or of a
        ``tiktoken.Encoding``, for the same ids.

        ``pattern`` is the regular expression that cuts a text, ``special_tokens`` has the id of each by its text;
        without them those of the encoding, or of the file's name where it is ``o200k_base`` or ``cl100k_base``.
        `InputError` for a damaged file, a pattern that is missing or that Gyeol cannot run, and an id named twice.
        """
        return cls(vocabulary_of_ranks(path_or_encoding, pattern, special_tokens))

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path) -> Tokenizer:
        """`load`, under the name that transformers has for it."""
        return cls.load(name_or_path)

    def save(self, folder: str | Path, *, force: bool = False) -> None:
        """Write the tokenizer as a folder that Hugging Face tokenizers and transformers load too.

        `InputError` when something is there already; with ``force`` an older tokenizer is replaced, and nothing else.
        """
        save_vocabulary(self.vocabulary, folder, force=force)

    def save_pretrained(self, folder: str | Path, *, force: bool = False) -> None:
        """`save`, under the name that transformers has for it."""
        self.save(folder, force=force)

    @property
    def vocab_size(self) -> int:
        """Number of ids, special tokens included."""
        return len(self._bytes)

    @cached_property
    def token_sizes(self) -> NDArray[np.int32]:
        """Bytes of each token by id; of special tokens, of the UTF-8 of their text."""
        return np.fromiter(map(len, self._bytes), dtype=np.int32, count=len(self._bytes))

    @property
    def special_tokens(self) -> dict[str, int]:
        """Special tokens: text to id; without those that stand for themselves in every text (`Vocabulary.added`)."""
        return {text: i for text, i in self.vocabulary.special_tokens.items() if text not in self.vocabulary.added}

    @property
    def bos_id(self) -> int | None:
        """The id that a model sees before every text; None for a tokenizer without one. `encode` does not add it."""
        return self._role("bos") if self.vocabulary.adds_bos else None

    @property
    def eos_id(self) -> int | None:
        """The id that ends a text; None for a tokenizer without one."""
        return self._role("eos")

    @property
    def end_ids(self) -> list[int]:
        """The ids that end what a model writes: of a text, and of a turn of a chat."""
        ends = (self._role(role) for role in ("eos", "eot"))
        return [number for number in ends if number is not None]

    @property
    def pad_id(self) -> int | None:
        """The id that fills up batches; None for a tokenizer without one."""
        return self._role("pad")

    @property
    def strict(self) -> bool:
        """Whether text is also split at Kiwi's morpheme boundaries, so that only Gyeol encodes with it."""
        return self.vocabulary.strict

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the ids of a text."""
        return self.vocabulary.fingerprint

    @property
    def name(self) -> str:
        """The name it was trained under, else its recipe and size."""
        provenance = self.vocabulary.provenance
        return str(provenance.get("name") or f"{provenance.get('recipe', 'bpe')}-{self.vocab_size}")

    @property
    def unreachable_tokens(self) -> int:
        """Number of ordinary tokens that no text produces."""
        return self.encoder.tables.unreachable

    def encode(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = (),
    ) -> list[int]:
        """The ids of ``text``.

        Special tokens written in the text are letters like any other unless ``allowed_special`` names them
        (or is "all") or they stand for themselves always (`Vocabulary.added`); of several that begin at a place the
        longest counts. `InputError` for one of ``disallowed_special`` ("all": all that are not allowed), a lone
        surrogate or the name of no special token.
        """
        if not allowed_special and not disallowed_special:
            return self.encoder.encode(text).tolist()  # type: ignore[no-any-return]
        allowed = self._special(allowed_special) | set(self.vocabulary.added)
        refused = self._special(disallowed_special) - allowed
        longest_first = sorted(allowed | refused, key=len, reverse=True)
        parts = regex.split("(" + "|".join(map(regex.escape, longest_first)) + ")", text)
        ids: list[int] = []
        for i, part in enumerate(parts):
            if i % 2 and part in refused:
                raise InputError(
                    f"text holds the special token {part!r} at character {sum(map(len, parts[:i]))}; name it in "
                    "allowed_special, or leave it out of disallowed_special to encode its letters"
                )
            ids += [self.vocabulary.special_tokens[part]] if i % 2 else self.encoder.encode(part).tolist()
        return ids

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of ``text``, and the characters ``text[start:end]`` that each token holds any part of."""
        ids: list[int] = []
        spans: list[tuple[int, int]] = []
        at = 0
        for section in self.encoder.sections(text):
            own = self.encoder.encode(section)
            ids += own.tolist()
            spans += [(at + start, at + end) for start, end in self._spans(section, own)]
            at += len(section)
        return ids, spans

    def encode_batch(self, texts: Sequence[str], *, threads: int | None = None) -> list[list[int]]:
        """The ids of each text, over ``threads`` threads (all cores by default). `TypeError` for a single text."""
        _check_batch(texts)
        return [ids.tolist() for ids in self.encoder.encode_batch(texts, threads)]

    def encode_to_array(
        self, texts: Sequence[str], *, threads: int | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The ids of ``texts`` one after another, and where each text's begin (one more than there are texts).

        No Python int is made on the way; otherwise as `encode_batch`.
        """
        _check_batch(texts)
        return self.encoder.encode_to_array(texts, threads)

    def encode_bytes(self, strings: Sequence[bytes]) -> list[NDArray[np.int32]]:
        """The ids of byte strings, each merged as one pre-token: how the tokens of another vocabulary are spelled."""
        bounds = np.cumsum([0, *map(len, strings)])
        ids, starts = encode_strings(
            *(joined(strings), bounds, self.vocabulary.ordinary_tokens, self.vocabulary.merges),
            ignore_merges=self.vocabulary.ignore_merges,
        )
        return np.split(ids, starts[1:-1]) if strings else []

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token; of a special token, the UTF-8 of its text. `InputError` for an id out of range,
        `TypeError` for no whole number."""
        try:
            number = operator.index(token_id)
        except TypeError:
            raise TypeError(f"a token id is a whole number, not {type(token_id).__name__} {token_id!r}") from None
        if not 0 <= number < len(self._bytes):
            raise InputError(f"id {number} is not in this vocabulary, whose ids go from 0 to {self.vocab_size - 1}")
        return self._bytes[number]

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes that ``ids`` stand for."""
        return b"".join([self.token_bytes(i) for i in ids])

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``; bytes that are not UTF-8 (a character cut in two) become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    n_vocab, eot_token, decode_single_token_bytes = vocab_size, eos_id, token_bytes
    """`vocab_size`, `eos_id` and `token_bytes`, under the names that tiktoken has for them."""

    @property
    def special_tokens_set(self) -> set[str]:
        """The texts of `special_tokens`, under the name that tiktoken has for them."""
        return set(self.special_tokens)

    def encode_ordinary(self, text: str) -> list[int]:
        """`encode` with special tokens as letters, under the name that tiktoken has for it."""
        return self.encode(text)

    def _spans(self, section: str, ids: NDArray[np.int32]) -> list[tuple[int, int]]:
        """The characters of a section of a text (`Encoder.sections`) that each token holds any part of."""
        as_it_is = section in self.vocabulary.added or not section
        space = self.vocabulary.prefix_space and not as_it_is and section[0] != " "
        spans = character_spans(
            as_bytes(section if as_it_is else self.encoder.prepared(section)), self.token_sizes[ids]
        )
        spans = np.maximum(spans - space, 0)
        if as_it_is or not self.vocabulary.nfc or is_normalized("NFC", section):
            return [(start, end) for start, end in spans.tolist()]
        origins = composed_with_origins(section)[1]
        return [(origins[start][0], origins[end - 1][1] if end else 0) for start, end in spans.tolist()]

    def _role(self, role: str) -> int | None:
        return self.vocabulary.special_tokens.get(self.vocabulary.roles.get(role, ""))

    def _special(self, names: Literal["all"] | Collection[str]) -> set[str]:
        known = self.vocabulary.special_tokens
        if names == "all":
            return set(known)
        for name in names:
            if name not in known:
                raise InputError(f"{name!r} is not a special token; the special tokens are {', '.join(known)}")
        return set(names)

    def __reduce__(self) -> tuple[Any, ...]:
        return Tokenizer, (self.vocabulary,)

    def __repr__(self) -> str:
        return f"Tokenizer({self.name!r}, vocab_size={self.vocab_size})"


def _check_batch(texts: Sequence[str]) -> None:
    if isinstance(texts, (str, bytes)):
        raise TypeError(f"texts is a single {type(texts).__name__}; give a list of texts, or call encode")
