"""Loading of a tokenizer by its name or path:

load_peer("o200k_base")             tiktoken, without a network (see openai.py)
load_peer("qwen3")                  a vocabulary that splintr-rs carries
load_peer("runs/mine")              a folder saved by Gyeol, or a folder with a tokenizer.json
load_peer("runs/spm.model")         SentencePiece
load_peer("hf:owner/name")          the tokenizer.json of a repository of the Hugging Face hub
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import splintr
import tiktoken

from benchmarks.peers.adapters import GyeolPeer, HuggingFacePeer, Peer, SentencePiecePeer, SplintrPeer, TiktokenPeer
from tokenizer.errors import InputError
from tokenizer.shipped import shipped_names

HUB = "hf:"
"""Beginning of the name of a repository of the Hugging Face hub."""


@dataclass(frozen=True)
class NotLoaded:
    """A tokenizer that could not be loaded."""

    name: str
    reason: str


def load_peer(spec: str | Path) -> Peer:
    """Load the tokenizer that ``spec`` names.

    ``spec`` is a name that tiktoken or splintr-rs knows, in this order, or else a path: a folder saved by
    Gyeol, a folder with a ``tokenizer.json``, a ``.json`` file of the package tokenizers, or a SentencePiece
    ``.model`` file; or else a repository of the Hugging Face hub (``hf:owner/name``). Write ``./name`` for a path
    that looks like a known name. Raises `InputError`, with the names that are known, if it is none of these.
    """
    spec = str(spec)
    for names, peer in _named():
        if spec in names:
            return peer(spec)
    if spec.startswith(HUB):
        return _load_from_hub(spec.removeprefix(HUB))
    path = Path(spec)
    if path.is_dir():
        return _load_folder(path)
    if path.is_file():
        return _load_file(path)
    known = "; ".join(f"{peer.kind}: {' '.join(names)}" for names, peer in _named() if names)
    raise InputError(
        f"{spec!r} is neither a file or folder here nor a known tokenizer; give a folder saved by Gyeol, "
        "a tokenizer.json, a SentencePiece .model file, hf:OWNER/NAME for one of the Hugging Face hub, or one of these "
        f"names: {known}"
    )


def load_peers(specs: Iterable[str | Path | Peer]) -> list[Peer]:
    """As `load_what_loads`; raises `InputError`, as `load_peer` does, for a tokenizer that cannot be loaded."""
    found, failed = load_what_loads(specs)
    if failed:
        raise InputError(failed[0].reason)
    return [peer for peer in found if peer]


def load_what_loads(specs: Iterable[str | Path | Peer]) -> tuple[list[Peer | None], list[NotLoaded]]:
    """The tokenizer of each spec, in order, or None; those that cannot be loaded are listed too.

    A spec given twice is loaded once and gives the same peer. Two tokenizers of the same name are told apart: the
    second is called by its spec. Raises `InputError` for two `Peer` objects of the same name.
    """
    loaded: dict[str | Peer, Peer | None] = {}
    failed: list[NotLoaded] = []
    keys = [spec if isinstance(spec, Peer) else str(spec) for spec in specs]
    for key in dict.fromkeys(keys):
        try:
            peer = key if isinstance(key, Peer) else load_peer(key)
        except InputError as error:
            failed.append(NotLoaded(str(key), str(error)))
            loaded[key] = None
            continue
        names = {other.name for other in loaded.values() if other}
        if peer.name in names and isinstance(key, str):
            peer.name = key
        if peer.name in names:
            raise InputError(f"two tokenizers are named {peer.name!r}; give each its own name")
        loaded[key] = peer
    return [loaded[key] for key in keys], failed


def _named() -> list[tuple[list[str], type[GyeolPeer] | type[TiktokenPeer] | type[SplintrPeer]]]:
    """The names that each library knows, and the peer that loads one."""
    return [
        (shipped_names(), GyeolPeer),
        (tiktoken.list_encoding_names(), TiktokenPeer),
        (_splintr_names(), SplintrPeer),
    ]


def _splintr_names() -> list[str]:
    """Names that splintr carries, taken from its message for an unknown name: it has no other list."""
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
            f"{HUB}{name}: the Hugging Face hub gives no tokenizer.json for it "
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
    if path.suffix == ".tiktoken":
        return GyeolPeer(str(path), path.stem)
    raise InputError(f"{path}: not a tokenizer file; give a tokenizer.json, a .tiktoken or a SentencePiece .model file")
