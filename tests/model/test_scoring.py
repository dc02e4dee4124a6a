"""Scores of texts and continuations: against plain sums of log-probabilities, and against every way to spell a text."""

import math
from collections.abc import Iterator, Sequence

import pytest
import torch
from torch.nn import functional as F

from model import ModelConfig, Transformer
from model.scoring import Scorer, Vocabulary
from tokenizer.errors import InputError

TOKENS = [b"a", b"b", b"ab", b"ba", b"aba", b"bb", b""]
"""The last divides documents."""
DIVIDER = 6


def greedy(texts: Sequence[str]) -> list[list[int]]:
    """The longest token at each place."""
    found = []
    for text in texts:
        left, ids = text.encode(), []
        while left:
            token = max((token for token in TOKENS if token and left.startswith(token)), key=len)
            ids.append(TOKENS.index(token))
            left = left[len(token) :]
        found.append(ids)
    return found


@pytest.fixture
def scorer() -> Scorer:
    config = ModelConfig(
        vocab_size=128,  # more rows than tokens, as a padded embedding has
        hidden_size=16,
        intermediate_size=32,
        num_layers=2,
        num_heads=2,
        num_kv_heads=1,
        max_context=16,
    )
    model = Transformer(config, seed=1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4)  # far from uniform
    return Scorer(model, Vocabulary(encode=greedy, tokens=TOKENS, begin=DIVIDER, end=DIVIDER))


def logp(scorer: Scorer, ids: Sequence[int], first: int) -> float:
    """Log-probability of the tokens from number ``first`` on, one forward pass for each."""
    total = 0.0
    for place in range(first, len(ids)):
        with torch.no_grad():
            logits = scorer.model(torch.tensor([ids[:place]]))[0, -1, : len(TOKENS)]
        total += F.log_softmax(logits, dim=-1)[ids[place]].item()
    return total


def coverings(rest: bytes) -> Iterator[list[int]]:
    """Every sequence of tokens that covers ``rest``: only the last may reach beyond it."""
    for number, token in enumerate(TOKENS):
        if token and token.startswith(rest):
            yield [number]
        elif token and rest.startswith(token):
            yield from ([number, *more] for more in coverings(rest[len(token) :]))


@pytest.mark.parametrize("text", ["a", "abab", "bbabaab"])
def test_a_text_has_the_nats_of_its_tokens_and_of_its_end(scorer: Scorer, text: str) -> None:
    ids = [DIVIDER, *greedy([text])[0], DIVIDER]
    assert scorer.text_nats([text, "b", text]) == pytest.approx(
        [-logp(scorer, ids, 1), -logp(scorer, [DIVIDER, 1, DIVIDER], 1), -logp(scorer, ids, 1)], rel=1e-5
    )


def test_a_long_text_is_scored_in_windows_that_overlap_by_half(scorer: Scorer) -> None:
    text = "abbaabbbab" * 16
    ids, context = [DIVIDER, *greedy([text])[0], DIVIDER], scorer.model.config.max_context
    assert len(ids) > 4 * context
    expected = 0.0
    for place in range(1, len(ids)):
        window = 0 if place <= context else -(-(place - context) // (context // 2)) * (context // 2)
        with torch.no_grad():
            logits = scorer.model(torch.tensor([ids[window:place]]))[0, -1, : len(TOKENS)]
        expected -= F.log_softmax(logits, dim=-1)[ids[place]].item()
    assert scorer.text_nats([text]) == pytest.approx([expected], rel=1e-5)


@pytest.mark.parametrize("rest", [b"a", b"b", b"ab", b"abab", b"bbaba"])
def test_a_prefix_has_the_probability_of_all_that_covers_it(scorer: Scorer, rest: bytes) -> None:
    before = [DIVIDER, 2, 1]
    ways = [[*before, *way] for way in coverings(rest)]
    expected = math.log(sum(math.exp(logp(scorer, way, len(before))) for way in ways))
    assert scorer.prefix_logp(before, rest) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_prefixes_of_one_length_share_what_is_not_the_end(scorer: Scorer) -> None:
    def end(rest: bytes) -> float:
        """Probability that the text stands with ``rest`` and ends inside of three bytes."""
        return math.exp(scorer.prefix_logp([DIVIDER], rest)) if rest else 1.0

    for rest in (b"", b"a", b"ba"):
        assert end(rest) >= end(rest + b"a") + end(rest + b"b") - 1e-6 > 0  # the difference is the divider


@pytest.mark.parametrize(("context", "continuation"), [("ab", "a"), ("b", "b"), ("abbb", "aba"), ("aab", "ab")])
def test_a_continuation_is_scored_by_the_bytes_of_its_context(scorer: Scorer, context: str, continuation: str) -> None:
    found = scorer.continuation_nats([(context, continuation)])[0]
    before, both = greedy([context, context + continuation])
    shared = next(
        (i for i, (a, b) in enumerate(zip(before, both, strict=False)) if a != b), min(len(before), len(both))
    )
    rest = b"".join(TOKENS[token] for token in before[shared:])
    whole = logp(scorer, [DIVIDER, *both], shared + 1)
    condition = 0.0
    if rest:
        ways = [[DIVIDER, *both[:shared], *way] for way in coverings(rest)]
        condition = math.log(sum(math.exp(logp(scorer, way, shared + 1)) for way in ways))
    assert found.crossing == bool(rest)
    assert found.exact == pytest.approx(condition - whole, rel=1e-4)


def test_without_a_token_across_the_boundary_both_scores_are_one(scorer: Scorer) -> None:
    found = scorer.continuation_nats([("ab", "bb")])[0]
    assert (found.crossing, found.exact) == (False, found.plain)


def test_plain_scoring_may_find_no_token_left(scorer: Scorer) -> None:
    found = scorer.continuation_nats([("ab", "a")])[0]  # the two are one token, aba
    assert found.crossing
    assert found.plain is None
    assert found.exact > 0


def test_a_long_context_loses_its_first_tokens(scorer: Scorer) -> None:
    context, limit = "bb" * 40, scorer.model.config.max_context
    found = scorer.continuation_nats([(context, "a")])[0]
    ids = [DIVIDER, *[5] * (limit - 1), 0]
    assert found.exact == pytest.approx(-logp(scorer, ids, limit), rel=1e-4)


def test_an_empty_continuation_is_refused(scorer: Scorer) -> None:
    with pytest.raises(InputError, match="empty"):
        scorer.continuation_nats([("ab", "")])
    with pytest.raises(InputError, match="exceed the model's context of 16; shorten"):
        scorer.continuation_nats([("ab", "bb" * 40)])


def test_plain_scoring_puts_what_is_left_behind_the_tokens_of_the_context(scorer: Scorer) -> None:
    found = scorer.continuation_nats([("abb", "abab")])[0]  # ab b ... and with it ab ba ba b
    before, both = greedy(["abb", "abbabab"])
    assert found.crossing
    ids = [DIVIDER, *before, *both[len(before) :]]
    assert found.plain == pytest.approx(-logp(scorer, ids, 1 + len(before)), rel=1e-4)
