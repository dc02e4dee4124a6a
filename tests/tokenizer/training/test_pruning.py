"""The tokens used least are left out: uses as counted by hand, the choice as by trying every token in turn."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from tokenizer import train
from tokenizer.reference import encode_by_definition
from tokenizer.training.counts import Counts
from tokenizer.training.curriculum import CurriculumOptions, Stage
from tokenizer.training.merges import Learned, Sequences, learn_merges
from tokenizer.training.pruning import Damping, least_used
from tokenizer.vocabulary.byte_level import byte_alphabet

WORDS = st.lists(st.tuples(st.text("abc", min_size=1, max_size=6), st.integers(1, 9)), max_size=6)
"""Words and their weights."""


def by_sources(groups: list[list[tuple[str, int]]]) -> Sequences:
    """The words of each group one after another: the first half of the groups are runs, the others words alone."""
    flat = [word for group in groups for word in group]
    bounds = np.cumsum([0, *(len(word) for word, _ in flat)])
    data = np.frombuffer("".join(word for word, _ in flat).encode(), dtype=np.uint8)
    by_bytes = Sequences.of_bytes(Counts(data, bounds, np.array([weight for _, weight in flat], dtype=np.int64)))
    ends = np.cumsum([len(group) for group in groups])
    return Sequences(by_bytes.ids, by_bytes.offsets, by_bytes.weights, source_ends=ends)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), st.sampled_from([0.5, 1.0]), st.integers(1, 2))
def test_uses_are_those_of_each_source_to_a_power(
    sources: list[tuple[list[tuple[str, int]], list[tuple[str, int]]]], power: float, min_sources: int
) -> None:
    runs, alone = [run for run, _ in sources], [words for _, words in sources]
    learned = learn_merges(by_sources([*runs, *alone]), byte_alphabet(), 264, damping=Damping(power, min_sources))
    expected, used_by = Counter[int](), Counter[int]()
    for parts in zip(runs, alone, strict=True):
        uses: Counter[int] = Counter()
        for word, weight in [*parts[0], *parts[1]]:
            for token in encode_by_definition(learned.tokens, learned.merges, word.encode()):
                uses[token] += weight
        expected.update({token: count**power for token, count in uses.items()})
        used_by.update(uses.keys())
    assert learned.uses is not None
    counted = [expected[token] if used_by[token] >= min_sources else 0 for token in range(len(learned.tokens))]
    assert learned.uses.tolist() == pytest.approx(counted)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=30), st.data())
def test_the_least_used_go_first_and_no_part_of_a_token(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    merges = [(a % (i + 4), b % (i + 4)) for i, (a, b) in enumerate(pairs)]
    made = [i + 4 for i in range(len(merges))]
    uses = data.draw(st.lists(st.integers(0, 99), min_size=len(merges) + 4, max_size=len(merges) + 4))
    first, count = data.draw(st.integers(4, 8)), data.draw(st.integers(0, 40))
    gone = least_used(np.array(uses, dtype=np.float64), merges, made, first, count)

    expected: set[int] = set()
    while len(expected) < count:
        left = {token: pair for token, pair in zip(made, merges, strict=True) if token not in expected}
        parts = {part for pair in left.values() for part in pair}
        free = [(uses[token], token) for token in left if token >= first and token not in parts]
        if not free:
            break
        used, token = min(free)
        for part in left[token]:
            uses[part] += used
        expected.add(token)
    assert gone == expected


def test_kept_tokens_move_up() -> None:
    tokens = [b"a", b"b", b"ab", b"bb", b"abb"]
    learned = Learned(tokens, [(0, 1), (1, 1), (2, 1)], [9, 5, 3], False, np.array([1.0, 1.0, 1.0, 2.0, 7.0]))
    kept = learned.pruned(2, 4)
    assert (kept.tokens, kept.merges) == ([b"a", b"b", b"ab", b"abb"], [(0, 1), (2, 1)])
    assert learned.pruned(2, 9) == learned


def test_a_vocabulary_without_its_least_used_tokens_takes_fewer_tokens() -> None:
    """On the text that it was trained on, where uses are not damped; its size is the one asked for."""
    stages = (Stage("morphemes", 0.6), Stage("superwords", 1.0))
    texts = [path.read_text("utf-8") for path in sorted(samples.folder().glob("*.txt"))]
    totals = []
    for surplus in (0.0, 0.5):
        options = CurriculumOptions(stages=stages, surplus=surplus, damping=1.0, morpheme_bonus=0.0)
        made = train(samples.folder(), 3000, curriculum=options)
        assert (made.vocab_size, made.unreachable_tokens) == (3000, 0)
        totals.append(sum(map(len, made.encode_batch(texts))))
    assert totals[1] < totals[0]
