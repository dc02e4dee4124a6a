"""A vocabulary as an encoding of tiktoken: ranks, and a plugin (``tiktoken_ext``) that names them, in an installable
folder.

    OUT/tiktoken_ext/gyeol_100k.tiktoken    tokens in base64 and their ranks
    OUT/tiktoken_ext/gyeol_100k.py          what tiktoken.get_encoding("gyeol_100k") finds
    OUT/pyproject.toml                      pip install OUT
    OUT/gyeol-export.json                   what it was made of

tiktoken knows no merges: it joins the neighbours that together are the token of the lowest rank. The ids are the same
if the merges that follow from the ranks are those of the vocabulary, in the same order, which is checked.
"""

import base64
import re
from pathlib import Path

from tokenizer.errors import InputError
from tokenizer.files import atomic_folder, write_json
from tokenizer.outputs import Kind, check_free, locked
from tokenizer.pretokenize.grammars import PATTERNS
from tokenizer.vocabulary.tiktoken_ranks import recover_merges
from tokenizer.vocabulary.vocabulary import Vocabulary

RECORD = "gyeol-export.json"
PLUGIN_FOLDER = Kind("tiktoken plugin", (RECORD,), "gyeol-tiktoken", ("pyproject.toml", "tiktoken_ext/*"))

_MODULE = '''\
"""The encoding {name} for tiktoken."""

import base64
from pathlib import Path


def {name}():
    lines = Path(__file__).with_name("{name}.tiktoken").read_bytes().splitlines()
    ranks = {{base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}}
    return {{
        "name": "{name}",
        "pat_str": {pattern!r},
        "mergeable_ranks": ranks,
        "special_tokens": {special_tokens!r},
    }}


ENCODING_CONSTRUCTORS = {{"{name}": {name}}}
'''
_PROJECT = """\
[build-system]
requires = ["setuptools>=70"]
build-backend = "setuptools.build_meta"

[project]
name = "tiktoken-{distribution}"
version = "0"
dependencies = ["tiktoken>=0.9"]

[tool.setuptools]
packages = ["tiktoken_ext"]

[tool.setuptools.package-data]
tiktoken_ext = ["*.tiktoken"]
"""


def encoding_name(name: str) -> str:
    """The name of the encoding of a tokenizer: an identifier, ``gyeol_100k`` for ``gyeol-100k``."""
    found = re.sub(r"[^0-9a-z_]+", "_", name.lower()).strip("_") or "gyeol"
    return f"_{found}" if found[0].isdigit() else found


def save_tiktoken(vocabulary: Vocabulary, name: str, out: str | Path, *, force: bool = False) -> str:
    """Write the folder, whole or not at all; the name of the encoding.

    `InputError` for a vocabulary to which tiktoken would not give the same ids, with the reason, and when something is
    there already; with ``force`` an older plugin is replaced, and nothing else.
    """
    ranks = ranks_of(vocabulary, name)
    encoding = encoding_name(name)
    lines = [base64.b64encode(token) + b" %d\n" % rank for token, rank in ranks.items()]
    pattern = PATTERNS.get(vocabulary.grammar) or vocabulary.patterns[0]
    module = _MODULE.format(name=encoding, pattern=pattern, special_tokens=vocabulary.special_tokens)
    record = {"format": PLUGIN_FOLDER.format, "encoding": encoding, "fingerprint": vocabulary.fingerprint}
    with locked(out):
        check_free(out, PLUGIN_FOLDER, force)
        with atomic_folder(out) as fresh:
            package = fresh / "tiktoken_ext"
            package.mkdir()
            (package / f"{encoding}.tiktoken").write_bytes(b"".join(lines))
            (package / f"{encoding}.py").write_text(module, encoding="utf-8")
            project = _PROJECT.format(distribution=encoding.strip("_").replace("_", "-"))
            (fresh / "pyproject.toml").write_text(project, encoding="utf-8")
            write_json(fresh / RECORD, record)
    return encoding


def ranks_of(vocabulary: Vocabulary, name: str) -> dict[bytes, int]:
    """The tokens by rank; `InputError` with the reason when tiktoken would not merge as the vocabulary does."""
    special = vocabulary.special_ids
    ranks = {token: i for i, token in enumerate(vocabulary.tokens) if i not in special and token}
    reasons = {
        "it is cut at Kiwi's morpheme boundaries first": vocabulary.strict,
        "its texts are composed (NFC) first": vocabulary.nfc,
        "its texts are given a space": vocabulary.prefix_space,
        "it has added tokens that are no special ones": bool(vocabulary.added),
        "its grammar is several patterns": vocabulary.grammar == "regex" and len(vocabulary.patterns) != 1,
    }
    why = next((reason for reason, holds in reasons.items() if holds), None)
    if why is None:
        merges, whole = recover_merges(ranks)
        if merges != vocabulary.merges or vocabulary.ignore_merges == whole:
            why = "the order of its tokens is not that of its merges"
    if why:
        raise InputError(f"{name}: tiktoken would not give the same ids, as {why}; export it in the format hf")
    return ranks
