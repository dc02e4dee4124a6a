"""The merge loop gives the merges of Hugging Face's BpeTrainer, ties apart, and obeys its definition."""

import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

import samples
from tests.support.counts import count_pretokens
from tokenizer.corpus.reader import documents
from tokenizer.pretokenize.grammars import PATTERNS
from tokenizer.training import merges
from tokenizer.training.counts import Counts
from tokenizer.training.merge_rules import Rules
from tokenizer.training.merges import Sequences, learn_merges
from tokenizer.vocabulary.byte_level import byte_alphabet, byte_order, from_unicode

Word = tuple[bytes, ...]


def hugging_face_merges(texts: list[str], size: int) -> list[tuple[bytes, bytes]]:
    reference = Tokenizer(models.BPE())
    reference.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERNS["o200k"]), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    reference.train_from_iterator(texts, trainer)
    merges = json.loads(reference.to_str())["model"]["merges"]
    return [(from_unicode(left), from_unicode(right)) for left, right in merges]


def our_merges(counts: Counts, size: int) -> list[tuple[bytes, bytes]]:
    learned = learn_merges(counts, byte_alphabet(), size)
    return [(learned.tokens[left], learned.tokens[right]) for left, right in learned.merges]


def apply(words: dict[Word, int], pair: tuple[bytes, bytes]) -> dict[Word, int]:
    """Every word with ``pair`` merged, from left to right."""
    merged: Counter[Word] = Counter()
    for word, count in words.items():
        out: list[bytes] = []
        i = 0
        while i < len(word):
            if word[i : i + 2] == pair:
                out.append(pair[0] + pair[1])
                i += 2
            else:
                out.append(word[i])
                i += 1
        merged[tuple(out)] += count
    return merged


def pair_counts(words: dict[Word, int]) -> Counter[tuple[bytes, bytes]]:
    pairs: Counter[tuple[bytes, bytes]] = Counter()
    for word, count in words.items():
        for pair in itertools.pairwise(word):
            pairs[pair] += count
    return pairs


def check_same_but_for_ties(ours: list[tuple[bytes, bytes]], theirs: list[tuple[bytes, bytes]], counts: Counts) -> int:
    """Follow both lists; at each place where they part, all that was chosen until they have made the same
    merges again must have had the same count. The number of such places."""
    ties = 0
    i = 0
    while i < min(len(ours), len(theirs)):
        if ours[i] == theirs[i]:
            i += 1
            continue
        words: dict[Word, int] = {tuple(bytes([b]) for b in string): n for string, n in counts.items()}
        for pair in ours[:i]:
            words = apply(words, pair)
        before = pair_counts(words)
        assert before[ours[i]] == before[theirs[i]] == max(before.values()), (i, ours[i], theirs[i])
        ties += 1
        j = i + 1
        while j <= min(len(ours), len(theirs)) and set(ours[i:j]) != set(theirs[i:j]):
            j += 1
        i = j
    return ties


def test_same_merges_as_hugging_face_on_the_sample() -> None:
    texts = [path.read_text("utf-8") for path in sorted(samples.folder().glob("*.txt"))]
    counts = count_pretokens(texts)
    ours, theirs = our_merges(counts, 4000), hugging_face_merges(texts, 4000)
    assert len(ours) == len(theirs)
    check_same_but_for_ties(ours, theirs, counts)


@pytest.mark.corpora
@pytest.mark.parametrize("name", ["wiki_korquad_dev", "web_comments_hatescore", "code_sql"])
def test_same_merges_as_hugging_face_on_real_text(corpora: Path, name: str) -> None:
    texts = [document.text for document in documents([corpora / "train" / f"{name}.txt.xz"])]
    counts = count_pretokens(texts)
    ours, theirs = our_merges(counts, 16_000), hugging_face_merges(texts, 16_000)
    assert len(ours) == len(theirs)
    check_same_but_for_ties(ours, theirs, counts)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("ab가각", max_size=9).filter(bool), st.integers(1, 5), min_size=1, max_size=6))
def test_each_merge_is_a_most_frequent_pair(words: dict[str, int]) -> None:
    """Against a slow trainer that counts every pair anew at each step. Where pairs overlap (a a a) the
    kernel's running counts may differ from a fresh count, as they do in BpeTrainer; those steps are checked
    for order only."""
    counts = Counts.of((word.encode(), n) for word, n in words.items())
    learned = learn_merges(counts, byte_alphabet(), 300, rules=Rules(min_count=1))
    state: dict[Word, int] = {tuple(bytes([b]) for b in word.encode()): n for word, n in words.items()}
    for left, right in learned.merges:
        pair = learned.tokens[left], learned.tokens[right]
        fresh = pair_counts(state)
        if not any(a == b for a, b in fresh):
            best = min(
                fresh,
                key=lambda p: (-fresh[p], learned.tokens.index(p[0]), learned.tokens.index(p[1])),
            )
            assert pair == best
        assert pair[0] + pair[1] in learned.tokens
        state = apply(state, pair)
    assert len(set(learned.tokens)) == len(learned.tokens)


def test_counts_beyond_32_bits_order_the_merges() -> None:
    learned = learn_merges(Counts.of([(b"ab", 5_000_000_000), (b"cd", 4_999_999_999)]), byte_alphabet(), 258)
    assert learned.tokens[256:] == [b"ab", b"cd"]
    assert learned.counts == [5_000_000_000, 4_999_999_999]


def test_a_token_made_twice_keeps_its_id() -> None:
    words = Counts.of([(b"abc", 10), (b"xabc", 1), (b"ab", 30), (b"zbc", 15), (b"bc", 20)])
    learned = learn_merges(words, byte_alphabet(), 400, rules=Rules(min_count=1))
    assert len(set(learned.tokens)) == len(learned.tokens)
    assert learned.exhausted


def test_training_continues_from_given_sequences() -> None:
    """Words of two tokens each; the pair that occurs most is merged, whatever its bytes."""
    ids = {bytes([b]): i for i, b in enumerate(byte_order())}
    tokens = [*byte_alphabet(), "가".encode(), "나".encode()]
    words = Sequences(
        ids=np.array([256, 257, ids[b"a"], 256, 257], dtype=np.int32),
        offsets=np.array([0, 2, 5]),
        weights=np.array([1, 1]),
    )
    learned = learn_merges(words, tokens, 260)
    assert learned.tokens[258:] == ["가나".encode()]
    assert learned.exhausted


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.text("abcd가각 ", max_size=20).filter(bool), st.integers(1, 9), min_size=1, max_size=30),
    st.integers(1, 3),
    st.sampled_from([0, 4]),
    st.sampled_from([4, 16, 1 << 12]),
)
def test_merges_do_not_depend_on_how_many_pairs_are_indexed(
    words: dict[str, int], min_count: int, max_eojeols: int, buckets: int
) -> None:
    counts = Counts.of((word.encode(), n) for word, n in words.items())
    rules = Rules(min_count=min_count, max_eojeols=max_eojeols)
    all_indexed = learn_merges(counts, byte_alphabet(), 330, rules=rules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merges, "INDEXED", 0)
        patch.setattr(merges, "LEAST_INDEXED", 2)
        patch.setattr(merges, "BUCKETS", (buckets, buckets))
        assert learn_merges(counts, byte_alphabet(), 330, rules=rules) == all_indexed
