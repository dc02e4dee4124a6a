"""OpenAI's encodings through tiktoken, with or without a network.

tiktoken downloads its rank files on first use and waits for the network as long as it takes. The ranks of
``o200k_base`` and ``cl100k_base`` are also carried by the package splintr-rs, so they are taken from
there, written in tiktoken's cache format, and accepted only if the SHA-256 is the one that tiktoken itself expects.
The file is then tiktoken's own to the last byte, and tiktoken never goes to the network.
"""

import base64
import hashlib
import os
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import splintr
import tiktoken

from tokenizer.cache import cache_folder
from tokenizer.errors import InputError
from tokenizer.files import atomic_open, sha256_file

DOWNLOAD_TIMEOUT = 10
"""Seconds to wait for the server before a download is given up."""

_lock = threading.Lock()


@dataclass(frozen=True)
class RankFile:
    """A file of tiktoken: one token a line, base64, a space, the rank."""

    name: str
    sha256: str
    ranks: int = 0
    """Number of ranks, where splintr-rs carries this file under the same name; else 0."""

    @property
    def url(self) -> str:
        """URL that tiktoken downloads it from."""
        return f"https://openaipublic.blob.core.windows.net/encodings/{self.name}.tiktoken"

    @property
    def cache_name(self) -> str:
        """The file's name in a cache folder of tiktoken."""
        return hashlib.sha1(self.url.encode()).hexdigest()


_O200K = RankFile("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d", 199_998)
_CL100K = RankFile("cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7", 100_256)
_P50K = RankFile("p50k_base", "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069")
_R50K = RankFile("r50k_base", "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930")

RANK_FILES = {file.name: file for file in (_O200K, _CL100K, _P50K, _R50K)}
RANK_FILES |= {"o200k_harmony": _O200K, "p50k_edit": _P50K}
"""The rank file of each encoding that tiktoken names."""


def load_encoding(name: str) -> tiktoken.Encoding:
    """Load a tiktoken encoding by its name (``o200k_base``, ``cl100k_base``, ...).

    Raises `InputError` if the rank file is in no cache, cannot be built and cannot be downloaded.
    """
    # tiktoken reads gpt2 from two older files; r50k_base is the same encoding, id for id.
    name = "r50k_base" if name == "gpt2" else name
    if name not in RANK_FILES:  # another package's plug-in, which brings its own files
        return tiktoken.get_encoding(name)
    folder = ensure_ranks(RANK_FILES[name])
    with _tiktoken_cache(folder):
        return tiktoken.get_encoding(name)


def ensure_ranks(file: RankFile) -> Path:
    """Return a cache folder that holds ``file`` with the right SHA-256, writing it there if need be.

    Looks in ``TIKTOKEN_CACHE_DIR`` (or ``DATA_GYM_CACHE_DIR``), the user's cache and tiktoken's temporary
    folder, in this order. Safe when several processes do it at once: each renames a whole file into place.
    """
    folders = _cache_folders()
    for folder in folders:
        path = folder / file.cache_name
        if path.is_file() and sha256_file(path) == file.sha256:
            return folder
    contents = _contents(file)
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_open(folder / file.cache_name) as handle:
                handle.write(contents)
        except OSError:  # a read-only home is no reason to fail: the next folder will do
            continue
        return folder
    raise InputError(
        f"{file.name}: no cache folder can be written ({', '.join(map(str, folders))}); "
        "set TIKTOKEN_CACHE_DIR to a folder that can"
    )


def _contents(file: RankFile) -> bytes:
    """The bytes of ``file``, from splintr-rs or else from the network; never with a wrong SHA-256."""
    if file.ranks:
        carried = splintr.Tokenizer.from_pretrained(file.name)
        lines = (base64.b64encode(carried.decode_bytes([rank])) + b" %d\n" % rank for rank in range(file.ranks))
        contents = b"".join(lines)
        if hashlib.sha256(contents).hexdigest() == file.sha256:
            return contents
    try:
        with urllib.request.urlopen(file.url, timeout=DOWNLOAD_TIMEOUT) as response:
            contents = response.read()
    except OSError as error:
        raise InputError(
            f"{file.name}: {file.url} cannot be downloaded ({error}); save it as "
            f"{_cache_folders()[0] / file.cache_name}, or name another tokenizer"
        ) from None
    if (actual := hashlib.sha256(contents).hexdigest()) != file.sha256:
        raise InputError(f"{file.name}: {file.url} has SHA-256 {actual}, not {file.sha256}; try again")
    return contents


def _cache_folders() -> list[Path]:
    """Folders that may hold rank files, the preferred one first."""
    asked = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    own = cache_folder()
    shared = Path(tempfile.gettempdir()) / "data-gym-cache"  # tiktoken's own default
    return [*([Path(asked)] if asked else []), *([own / "tiktoken"] if own else []), shared]


@contextmanager
def _tiktoken_cache(folder: Path) -> Iterator[None]:
    """Point tiktoken at ``folder`` while the block runs; the environment is as it was afterwards."""
    with _lock:
        before = os.environ.get("TIKTOKEN_CACHE_DIR")
        os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
        try:
            yield
        finally:
            if before is None:
                del os.environ["TIKTOKEN_CACHE_DIR"]
            else:
                os.environ["TIKTOKEN_CACHE_DIR"] = before
