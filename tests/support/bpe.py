"""Small vocabularies of random merges."""

import random
from collections.abc import Callable

BYTES = [bytes([b]) for b in range(256)]
"""The single-byte tokens, each byte its own id."""


def random_merges(
    draw: random.Random, letters: bytes, size: int, allowed: Callable[[bytes], bool]
) -> tuple[list[bytes], list[tuple[int, int]]]:
    """Tokens and ``size`` merges over ``letters``; each makes a new token, which is ``allowed``, of tokens before
    it."""
    tokens, known = list(BYTES), list(letters)
    merges: list[tuple[int, int]] = []
    while len(merges) < size:
        pair = draw.choice(known), draw.choice(known)
        if (token := tokens[pair[0]] + tokens[pair[1]]) not in tokens and allowed(token):
            known.append(len(tokens))
            tokens.append(token)
            merges.append(pair)
    return tokens, merges
