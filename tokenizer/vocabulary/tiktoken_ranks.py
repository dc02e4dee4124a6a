"""Vocabularies of tiktoken: tokens by rank, without merges, from which the merges are recovered.

tiktoken merges the neighbours that together are the token of the lowest rank; a pre-token that is a token is that token
at once (https://github.com/openai/tiktoken, src/lib.rs). The merge that makes a token is found by encoding its bytes
with all tokens of lower rank: two are left (``recover_merges`` of Karpathy's minbpe,
https://github.com/karpathy/minbpe/blob/master/minbpe/gpt4.py). Any other two tokens that make the same bytes never
stand side by side, since within those bytes the same merges happen, wherever they stand. Where more than two are left
(tokens put in by hand) tiktoken joins any two tokens that make the bytes, so all of them become merges.
"""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import regex

from tokenizer.errors import InputError
from tokenizer.pretokenize.grammars import PATTERNS
from tokenizer.pretokenize.patterns import CL100K, END, check_pattern
from tokenizer.vocabulary.huggingface import MOST_IDS, with_special_tokens
from tokenizer.vocabulary.vocabulary import Vocabulary, default_roles

_KNOWN: dict[str, tuple[str, dict[str, int]]] = {
    "o200k_base": (PATTERNS["o200k"], {"<|endoftext|>": 199_999, "<|endofprompt|>": 200_018}),
    "cl100k_base": (
        CL100K,
        {
            "<|endoftext|>": 100_257,
            "<|fim_prefix|>": 100_258,
            "<|fim_middle|>": 100_259,
            "<|fim_suffix|>": 100_260,
            "<|endofprompt|>": 100_276,
        },
    ),
}
"""Pattern and special tokens of OpenAI's encodings (https://github.com/openai/tiktoken, tiktoken_ext/openai_public.py);
that of cl100k_base in the form it had there first, with the same ids."""
_CLASS_OR_END = regex.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", regex.DOTALL)


def vocabulary_of_ranks(
    source: Any, pattern: str | None = None, special_tokens: Mapping[str, int] | None = None
) -> Vocabulary:
    """The vocabulary of a ``.tiktoken`` file or a ``tiktoken.Encoding``; see `Tokenizer.from_tiktoken`."""
    of_file = isinstance(source, (str, Path))
    path, name = (Path(source), Path(source).stem) if of_file else (Path(source.name), source.name)
    ranks = _read_ranks(path) if of_file else dict(source._mergeable_ranks)
    known = _KNOWN.get(name)
    if pattern is None and known is None and of_file:
        raise InputError(
            f"{path}: a .tiktoken file does not say how text is cut; give the regular expression as pattern="
        )
    if pattern is None:
        pattern = known[0] if known else str(source._pat_str)
    if special_tokens is None:
        special_tokens = (known[1] if known else {}) if of_file else source._special_tokens
    pattern = _CLASS_OR_END.sub(lambda match: END if match[0] == "$" else match[0], pattern)  # elsewhere of a line
    check_pattern(pattern)
    return _vocabulary(ranks, pattern, dict(special_tokens), name, path)


def _vocabulary(
    ranks: dict[bytes, int], pattern: str, special_tokens: dict[str, int], name: str, path: Path
) -> Vocabulary:
    """The vocabulary of tokens by rank."""
    if missing := sum(bytes([b]) not in ranks for b in range(256)):
        raise InputError(
            f"{path}: lacks {missing} of the 256 single bytes; the file is damaged or of no byte-level BPE"
        )
    ids = [*ranks.values(), *special_tokens.values()]
    if len(set(ids)) < len(ids) or not all(type(i) is int and 0 <= i < MOST_IDS for i in ids):
        raise InputError(
            f"{path}: ids of tokens and special_tokens are not whole numbers below {MOST_IDS:,}, each once"
        )
    tokens = [b""] * (max(ranks.values()) + 1)
    for token, rank in ranks.items():
        tokens[rank] = token
    merges, whole = recover_merges(ranks)
    grammar = {each: known for known, each in PATTERNS.items()}.get(pattern, "regex")
    if grammar in ("gyeol", "right3") and not whole:
        grammar = "regex"
    return Vocabulary(
        with_special_tokens(tokens, special_tokens, path),
        merges,
        special_tokens,
        grammar=grammar,
        patterns=(pattern,) if grammar == "regex" else (),
        ignore_merges=not whole,
        roles=default_roles(special_tokens),
        provenance={"name": name},
    )


def recover_merges(ranks: dict[bytes, int]) -> tuple[list[tuple[int, int]], bool]:
    """Merges in order of rank, and whether they make every token."""
    merges: list[tuple[int, int]] = []
    whole = True
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) < 2:
            continue
        parts = _parts(token, ranks, rank)
        pairs = [parts]
        if len(parts) > 2:
            whole = False
            pairs = [[token[:k], token[k:]] for k in range(1, len(token)) if token[:k] in ranks and token[k:] in ranks]
        merges += [(ranks[left], ranks[right]) for left, right in pairs]
    return merges, whole


def _parts(token: bytes, ranks: dict[bytes, int], limit: int) -> list[bytes]:
    """The bytes of a token, merged by the tokens of ranks below ``limit``."""
    parts = [token[k : k + 1] for k in range(len(token))]
    found = [ranks.get(token[k : k + 2], limit) for k in range(len(token) - 1)]
    while len(parts) > 2:
        best = min(found)
        if best >= limit:
            break
        k = found.index(best)
        parts[k : k + 2] = [parts[k] + parts[k + 1]]
        del found[k]
        if k:
            found[k - 1] = ranks.get(parts[k - 1] + parts[k], limit)
        if k < len(found):
            found[k] = ranks.get(parts[k] + parts[k + 1], limit)
    return parts


def _read_ranks(path: Path) -> dict[bytes, int]:
    """Tokens by rank from the lines of a ``.tiktoken`` file."""
    ranks: dict[bytes, int] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a .tiktoken file") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error):
            raise InputError(
                f"{path}: line {number} is not a token in base64 and its rank; the file is damaged"
            ) from None
    return ranks
