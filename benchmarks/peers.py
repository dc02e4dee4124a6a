"""One face for every tokenizer that is compared: ours, tokenizers, SentencePiece, tiktoken, splintr.

A peer encodes text as text: it adds no special token at the ends, and ``<|endoftext|>`` in a document is
plain characters. ``load_peer`` finds the library from what it is given:

    load_peer("o200k_base")             tiktoken, without a network (see o200k.py)
    load_peer("qwen3")                  a vocabulary that splintr-rs carries
    load_peer("runs/mine")              a folder saved by Gyeol, or a folder with a tokenizer.json
    load_peer("runs/spm.model")         SentencePiece
    load_peer("owner/name")             the tokenizer.json of a repository of the Hugging Face hub
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import splintr
import tiktoken
import tokenizers

from benchmarks.o200k import load_encoding
from benchmarks.provenance import cores
from tokenizer import Tokenizer
from tokenizer.errors import InputError
from tokenizer.shipped import shipped_names
from tokenizer.vocabulary import from_unicode

Ids = Sequence[int] | np.ndarray
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")


class Peer(ABC):
    """A tokenizer under test."""

    kind: str
    """The library that runs it: gyeol, tokenizers, sentencepiece, tiktoken or splintr."""

    def __init__(self, name: str, vocab_size: int) -> None:
        self.name, self.vocab_size = name, vocab_size

    @abstractmethod
    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """The token ids of each text; special tokens are neither added nor read out of the text."""

    def count_batch(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text."""
        return [len(ids) for ids in self.encode_batch(texts)]

    @abstractmethod
    def decode_bytes(self, ids: Ids) -> bytes:
        """The bytes of the text that ``ids`` stand for, as the library itself decodes them."""

    @abstractmethod
    def token_bytes(self, token: int) -> bytes:
        """The bytes that one token stands for, a leading space included."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, vocab_size={self.vocab_size})"


class GyeolPeer(Peer):
    """A tokenizer of this project."""

    kind = "gyeol"

    def __init__(self, spec: str, name: str | None = None) -> None:
        self._tokenizer = Tokenizer.load(spec)
        super().__init__(name or spec, self._tokenizer.vocab_size)

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
            return list(pool.map(self._encode, texts))

    def _encode(self, text: str) -> np.ndarray:
        return self._encoding.encode_to_numpy(text, disallowed_special=())

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
        self._byte_level = self._decodes_bytes()

    def _decodes_bytes(self) -> bool:
        try:
            return self._tokenizer.decode_bytes(self._encode(" 가")) == " 가".encode()
        except ValueError:  # a SentencePiece vocabulary has no byte-level decoder
            return False

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


def load_peer(spec: str | Path) -> Peer:
    """Load the tokenizer that ``spec`` names.

    ``spec`` is a name that tiktoken or splintr-rs knows, in this order, or else a path: a folder saved by
    Gyeol, a folder with a ``tokenizer.json``, a ``.json`` file of the package tokenizers, or a SentencePiece
    ``.model`` file; or else a repository of the Hugging Face hub (``owner/name``). Write ``./name`` for a path
    that looks like a known name. Raises `InputError`, with the names that are known, if it is none of these.
    """
    spec = str(spec)
    for names, peer in _named():
        if spec in names:
            return peer(spec)
    path = Path(spec)
    if path.is_dir():
        return _load_folder(path)
    if path.is_file():
        return _load_file(path)
    if _HUB_NAME.fullmatch(spec):
        return _load_from_hub(spec)
    known = "; ".join(f"{peer.kind}: {' '.join(names)}" for names, peer in _named() if names)
    raise InputError(
        f"{spec!r} is no file or folder here and no known tokenizer; give a folder saved by Gyeol, "
        "a tokenizer.json, a SentencePiece .model file, a name of the Hugging Face hub (owner/name) or one of these "
        f"names: {known}"
    )


def load_peers(specs: Iterable[str | Path | Peer], cached: Mapping[str, Peer] | None = None) -> list[Peer]:
    """The tokenizer of each spec, in order; a spec given twice is loaded once and gives the same peer.

    Two tokenizers of the same name are told apart: the second is called what was asked for. Raises
    `InputError` as `load_peer` does, and for two `Peer` objects of the same name. ``cached`` has tokenizers that
    are loaded already, by spec.
    """
    loaded: dict[str | Peer, Peer] = {}
    found: list[Peer] = []
    for spec in specs:
        key = spec if isinstance(spec, Peer) else str(spec)
        if key not in loaded:
            peer = key if isinstance(key, Peer) else (cached or {}).get(key) or load_peer(key)
            names = {other.name for other in loaded.values()}
            if peer.name in names and isinstance(key, str):
                peer.name = key
            if peer.name in names:
                raise InputError(f"two tokenizers are named {peer.name!r}; give each its own name")
            loaded[key] = peer
        found.append(loaded[key])
    return found


def load_what_loads(
    specs: Sequence[str | Path | Peer],
) -> tuple[list[Peer | None], list[dict[str, str]]]:
    """As `load_peers`, with None for a tokenizer that cannot be loaded, and the name and reason of each such.

    Raises `InputError` only for two tokenizers of the same name.
    """
    failed: dict[str, str] = {}
    usable: dict[int, Peer | str] = {}
    cached: dict[str, Peer] = {}
    for i, spec in enumerate(specs):
        key = spec if isinstance(spec, Peer) else str(spec)
        try:
            if isinstance(key, str) and key not in cached and key not in failed:
                cached[key] = load_peer(key)
            if key not in failed:
                usable[i] = key
        except InputError as error:
            failed[str(key)] = str(error)
    found = dict(zip(usable, load_peers(list(usable.values()), cached), strict=True))
    return [found.get(i) for i in range(len(specs))], [{"name": k, "reason": v} for k, v in failed.items()]


def _named() -> list[tuple[list[str], type[GyeolPeer] | type[TiktokenPeer] | type[SplintrPeer]]]:
    """The names that each library knows, and the peer that loads one."""
    return [
        (shipped_names(), GyeolPeer),
        (tiktoken.list_encoding_names(), TiktokenPeer),
        (_splintr_names(), SplintrPeer),
    ]


def _splintr_names() -> list[str]:
    """What splintr carries; it says so only in the message for a name that it does not know."""
    try:
        splintr.Tokenizer.from_pretrained("?")
    except ValueError as error:
        return re.findall(r"[^\s,]+", str(error).partition("Supported:")[2])
    raise AssertionError("splintr knows a tokenizer named '?'")


def _load_from_hub(name: str) -> Peer:
    from huggingface_hub import hf_hub_download  # slow to import, and rarely needed

    try:
        return HuggingFacePeer(hf_hub_download(name, "tokenizer.json"), name)
    except InputError:
        raise
    except Exception as error:  # no network, no such repository, a gated one: many kinds from several packages
        raise InputError(
            f"{name!r}: no file or folder here, and the Hugging Face hub gives no tokenizer.json for it "
            f"({type(error).__name__}); offline, download it elsewhere and give the path of tokenizer.json"
        ) from None


def _load_folder(path: Path) -> Peer:
    name = path.resolve().name
    if (path / "gyeol.json").is_file():
        return GyeolPeer(str(path), name)
    if (path / "tokenizer.json").is_file():
        return HuggingFacePeer(path / "tokenizer.json", name)
    if models := sorted(path.glob("*.model")):
        return SentencePiecePeer(models[0], name)
    raise InputError(f"{path}: a folder without gyeol.json, tokenizer.json or a .model file; it holds no tokenizer")


def _load_file(path: Path) -> Peer:
    if path.suffix == ".json":
        named_by_folder = path.name in ("tokenizer.json", "gyeol.json")
        name = path.resolve().parent.name if named_by_folder else path.stem
        return GyeolPeer(str(path.parent), name) if path.name == "gyeol.json" else HuggingFacePeer(path, name)
    if path.suffix == ".model":
        return SentencePiecePeer(path)
    raise InputError(f"{path}: not a tokenizer file; give a tokenizer.json or a SentencePiece .model file")


def _types(decoder: dict[str, Any] | None) -> set[str]:
    """The types in a decoder of a ``tokenizer.json``, those inside a sequence included."""
    if decoder is None:
        return set()
    return {decoder["type"]}.union(*(_types(inner) for inner in decoder.get("decoders", ())))


def _ints(ids: Ids) -> list[int]:
    return ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
