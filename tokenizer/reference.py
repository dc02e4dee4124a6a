"""Byte-pair training and encoding by the definition (Gage 1994; Sennrich et al. 2016), slow and readable.

This is what the compiled kernels must give, and what the tests hold them to: read it before `tokenizer.training` and
`tokenizer.encoding`, which give the same result in a thousandth of the time.

>>> tokens, merges = train_by_definition({b"aab": 3, b"ab": 2}, 258)
>>> tokens[256:], merges                                     # a+b occurs 5 times, then a+ab 3 times
([b'ab', b'aab'], [(64, 65), (64, 256)])
>>> encode_by_definition(tokens, merges, b"aabab")
[257, 256]
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from unicodedata import normalize

from tokenizer.pretokenize import pretokens
from tokenizer.pretokenize.patterns import cut
from tokenizer.vocabulary import Vocabulary
from tokenizer.vocabulary.byte_level import byte_alphabet


def train_by_definition(
    words: Mapping[bytes, int], size: int, *, min_count: int = 2
) -> tuple[list[bytes], list[tuple[int, int]]]:
    """Tokens and merges learnt from counted words: merge the most frequent pair of neighbouring ids in all words, until
    there are ``size`` tokens or no pair occurs ``min_count`` times.

    Of pairs that occur equally often the one with the smaller left id, then the smaller right id is merged. A merge
    whose bytes are a token already takes that token's id and adds none.
    """
    tokens = byte_alphabet()
    id_of = {token: i for i, token in enumerate(tokens)}
    split = {word: [id_of[word[k : k + 1]] for k in range(len(word))] for word in words}
    merges: list[tuple[int, int]] = []
    while len(tokens) < size:
        counts: Counter[tuple[int, int]] = Counter()
        for word, ids in split.items():
            for pair in pairwise(ids):
                counts[pair] += words[word]
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        if counts[best] < min_count:
            break
        merges.append(best)
        token = tokens[best[0]] + tokens[best[1]]
        if token not in id_of:
            id_of[token] = len(tokens)
            tokens.append(token)
        split = {word: _merged(ids, best, id_of[token]) for word, ids in split.items()}
    return tokens, merges


def encode_by_definition(tokens: Sequence[bytes], merges: Sequence[tuple[int, int]], pretoken: bytes) -> list[int]:
    """The ids of one pre-token: of all neighbouring pairs that have a merge, apply the one learnt first, the leftmost
    of equals, until no pair has one."""
    rank_of = {pair: rank for rank, pair in reversed(list(enumerate(merges)))}
    id_of = {token: i for i, token in enumerate(tokens)}
    ids = [id_of[pretoken[k : k + 1]] for k in range(len(pretoken))]
    while True:
        found = [(rank_of[pair], k) for k, pair in enumerate(pairwise(ids)) if pair in rank_of]
        if not found:
            return ids
        _, k = min(found)
        ids[k : k + 2] = [id_of[tokens[ids[k]] + tokens[ids[k + 1]]]]


def encode_text_by_definition(vocabulary: Vocabulary, text: str) -> list[int]:
    """The ids of a text without added tokens: each pre-token by itself, one after another."""
    text = normalize("NFC", text) if vocabulary.nfc else text
    text = " " + text if vocabulary.prefix_space and text and text[0] != " " else text
    pieces = cut(text, vocabulary.patterns) if vocabulary.grammar == "regex" else pretokens(text, vocabulary.grammar)
    tokens = vocabulary.ordinary_tokens
    whole = {token: [i] for i, token in enumerate(tokens)} if vocabulary.ignore_merges else {}
    return [
        token_id
        for piece in map(str.encode, pieces)
        for token_id in whole.get(piece) or encode_by_definition(tokens, vocabulary.merges, piece)
    ]


def _merged(ids: list[int], pair: tuple[int, int], new: int) -> list[int]:
    """``ids`` with every occurrence of ``pair``, from left to right, replaced by ``new``."""
    merged: list[int] = []
    k = 0
    while k < len(ids):
        found = tuple(ids[k : k + 2]) == pair
        merged.append(new if found else ids[k])
        k += 2 if found else 1
    return merged
