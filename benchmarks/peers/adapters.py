"""One interface for every tokenizer that is compared: ours, tokenizers, SentencePiece, tiktoken, splintr.

A peer encodes text as text: it adds no special token at the ends, and ``<|endoftext|>`` in a document is
plain characters. `benchmarks.peers.load` finds the library from a name or a path.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import splintr
import tokenizers

from benchmarks.peers.openai import load_encoding
from tokenizer import Tokenizer
from tokenizer.errors import InputError
from tokenizer.text import LineSample
from tokenizer.threads import cores
from tokenizer.vocabulary import from_unicode

Ids = Sequence[int] | np.ndarray
_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")


class Peer(ABC):
    """A tokenizer under test."""

    kind: str
    """The library that runs it: gyeol, tokenizers, sentencepiece, tiktoken or splintr."""
    line_sample: LineSample | None = None
    """Sample of the lines of its training text, where that is known."""
    composed = False
    """Whether its training text was composed (Unicode NFC) when it was read."""

    def __init__(self, name: str, vocab_size: int) -> None:
        self.name, self.vocab_size = name, vocab_size

    @abstractmethod
    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """The token ids of each text; special tokens are neither added nor read out of the text."""

    @abstractmethod
    def decode_bytes(self, ids: Ids) -> bytes:
        """The bytes of the text that ``ids`` stand for, as the library itself decodes them."""

    @abstractmethod
    def token_bytes(self, token: int) -> bytes:
        """The bytes that one token stands for, a leading space included."""

    @cached_property
    def bytes_of(self) -> Callable[[int], bytes]:
        """`token_bytes`, asked once for each token."""
        return cache(self.token_bytes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, vocab_size={self.vocab_size})"


class GyeolPeer(Peer):
    """A tokenizer of this project."""

    kind = "gyeol"

    def __init__(self, spec: str | Tokenizer, name: str | None = None) -> None:
        self._tokenizer = spec if isinstance(spec, Tokenizer) else Tokenizer.load(spec)
        super().__init__(name or (spec if isinstance(spec, str) else spec.name), self._tokenizer.vocab_size)
        trained = self._tokenizer.vocabulary.provenance
        if "line_sample" in trained:
            self.line_sample = LineSample.of_record(trained["line_sample"])
            self.composed = trained.get("reading", {}).get("nfc") is True

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return list(self._tokenizer.encode_batch(list(texts)))

    def decode_bytes(self, ids: Ids) -> bytes:
        return self._tokenizer.decode_bytes(ids)

    def token_bytes(self, token: int) -> bytes:
        return self._tokenizer.token_bytes(int(token))


class TiktokenPeer(Peer):
    """An encoding of tiktoken."""

    kind = "tiktoken"

    def __init__(self, name: str) -> None:
        self._encoding = load_encoding(name)
        super().__init__(name, self._encoding.n_vocab)

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        with ThreadPoolExecutor(cores()) as pool:  # the encoder releases the interpreter's lock
            return list(pool.map(partial(self._encoding.encode_to_numpy, disallowed_special=()), texts))

    def decode_bytes(self, ids: Ids) -> bytes:
        return self._encoding.decode_bytes(_ints(ids))

    def token_bytes(self, token: int) -> bytes:
        return self._encoding.decode_single_token_bytes(int(token))


class SplintrPeer(Peer):
    """A vocabulary carried by the package splintr-rs, under splintr's name for it."""

    kind = "splintr"

    def __init__(self, name: str) -> None:
        self._tokenizer = splintr.Tokenizer.from_pretrained(name)
        # Above this size splintr adds agent tokens of its own that no published model has.
        super().__init__(name, splintr.base_vocab_size(name))
        probe, frame = self._tokenizer.encode_ordinary("a"), self._tokenizer.encode_ordinary("")
        # Some vocabularies (ModernBERT) are framed by [CLS] and [SEP] whatever one asks for.
        self._before = next((i for i, (a, b) in enumerate(zip(probe, frame, strict=False)) if a != b), len(frame))
        self._after = len(frame) - self._before
        self._byte_level = False
        with suppress(ValueError):  # a SentencePiece vocabulary has no byte-level decoder
            self._byte_level = self._tokenizer.decode_bytes(self._encode(" 가")) == " 가".encode()

    def _encode(self, text: str) -> list[int]:
        ids = self._tokenizer.encode_ordinary(text)
        return ids[self._before : len(ids) - self._after]

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return [self._encode(text) for text in texts]  # splintr holds the interpreter's lock: threads gain nothing

    def decode_bytes(self, ids: Ids) -> bytes:
        if self._byte_level:
            return self._tokenizer.decode_bytes(_ints(ids))
        return self._tokenizer.decode(_ints(ids)).encode()

    def token_bytes(self, token: int) -> bytes:
        piece = self._tokenizer.decode_token_bytes(int(token))
        return piece if self._byte_level else piece.replace("▁".encode(), b" ")


class HuggingFacePeer(Peer):
    """A Hugging Face ``tokenizer.json``, run by the package tokenizers.

    Padding, truncation and the post-processor's special tokens are switched off. Added tokens that are
    marked special are read as text; other added tokens belong to the vocabulary and are kept.
    """

    kind = "tokenizers"

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        path = Path(path)
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception for whatever is wrong with the file
            raise InputError(f"{path}: the package tokenizers cannot load it ({error})") from None
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        super().__init__(name or path.stem, self._tokenizer.get_vocab_size())
        settings = json.loads(path.read_text(encoding="utf-8"))
        self._byte_level = "ByteLevel" in _types(settings.get("decoder"))
        self._word_piece = settings["model"].get("type") == "WordPiece"
        self._added = {i: added.content.encode() for i, added in self._tokenizer.get_added_tokens_decoder().items()}

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return [e.ids for e in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def decode_bytes(self, ids: Ids) -> bytes:
        if self._byte_level:  # the same as its decoder, without the detour through str
            return b"".join(map(self.token_bytes, _ints(ids)))
        return self._tokenizer.decode(_ints(ids), skip_special_tokens=False).encode()

    def token_bytes(self, token: int) -> bytes:
        if (added := self._added.get(int(token))) is not None:
            return added
        piece = self._tokenizer.id_to_token(int(token))
        if piece is None:
            raise KeyError(token)
        if self._byte_level:
            return from_unicode(piece)
        if byte := _BYTE_PIECE.fullmatch(piece):
            return bytes([int(byte[1], 16)])
        if self._word_piece:
            return piece.removeprefix("##").encode()
        return piece.replace("▁", " ").encode()


class SentencePiecePeer(Peer):
    """A SentencePiece ``.model`` file."""

    kind = "sentencepiece"

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        path = Path(path)
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        except (OSError, RuntimeError) as error:
            raise InputError(f"{path}: not a SentencePiece model ({error})") from None
        super().__init__(name or path.stem, self._processor.get_piece_size())

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return self._processor.encode(list(texts), out_type=int, add_bos=False, add_eos=False, num_threads=cores())

    def decode_bytes(self, ids: Ids) -> bytes:
        return self._processor.decode(_ints(ids)).encode()

    def token_bytes(self, token: int) -> bytes:
        token = int(token)
        piece = self._processor.id_to_piece(token)
        if self._processor.is_byte(token):
            return bytes([int(piece[3:5], 16)])
        if self._processor.is_control(token):
            return b""
        return piece.replace("▁", " ").encode()


def _types(decoder: dict[str, Any] | None) -> set[str]:
    """The types in a decoder of a ``tokenizer.json``, those inside a sequence included."""
    if decoder is None:
        return set()
    return {decoder["type"]}.union(*(_types(inner) for inner in decoder.get("decoders", ())))


def _ints(ids: Ids) -> list[int]:
    return ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
