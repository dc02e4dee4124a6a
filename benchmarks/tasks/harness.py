"""Our models as a model class of lm-evaluation-harness, registered as ``gyeol``.

The harness cuts the tokens of context and continuation together where those of the context alone end. With tokens that
span words the cut often lies inside a token, and then the score is wrong, or there is no token left to score. By
default continuations are scored exactly instead (`model.scoring`); ``scoring="plain"`` does what the harness does.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from model import GenerationConfig, load_model
from model.device import resolve_device
from model.generation import end_ids, text_pieces
from model.scoring import Scorer, Vocabulary
from model.token_scores import TokenRow
from tokenizer import Tokenizer
from tokenizer.errors import InputError
from tokenizer.progress import progress_bar

Scoring = Literal["exact", "plain"]
BATCH = 512
"""Requests scored together."""
TOGETHER = 16
"""Texts generated together."""
GENERATED = 256
"""Tokens generated at most where a task does not say."""


@register_model("gyeol")
class GyeolLM(LM):
    """The model in a run folder, or in a Hugging Face folder that we can run, as the harness asks for it."""

    def __init__(self, pretrained: str | Path, scoring: Scoring = "exact", device: str | None = None, **_: Any) -> None:
        super().__init__()
        if scoring not in ("exact", "plain"):
            raise InputError(f"scoring is {scoring!r}; it must be exact or plain")
        self.folder, self.scoring = Path(pretrained), scoring
        self._device = resolve_device(device or "auto")
        model, self.own_tokenizer = load_model(self.folder, self._device), Tokenizer.load(self.folder)
        self.scorer = scorer_of(model, self.own_tokenizer, self.folder)
        self.crossing = self.scored = 0

    @property
    def tokenizer_name(self) -> str:
        """What tells tokenizers apart."""
        return self.own_tokenizer.fingerprint

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Log-probability of each continuation given its context, and whether it is the most probable one."""
        pairs = [_split(*request.args) for request in requests]
        found: list[tuple[float, bool]] = []
        with progress_bar("Scoring", total=len(pairs)) as bar:
            for start in range(0, len(pairs), BATCH):
                part = pairs[start : start + BATCH]
                for request, each in zip(requests[start:], self.scorer.continuation_nats(part), strict=False):
                    self.scored += 1
                    self.crossing += each.crossing
                    nats = each.exact if self.scoring == "exact" or each.plain is None else each.plain
                    found.append((-nats, each.greedy))
                    self.cache_hook.add_partial("loglikelihood", request.args, found[-1])
                bar.advance(len(part))
        return found

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Log-probability of each text by its canonical tokens, in the windows that the harness's other models have:
        one token of context at the least, so that figures compare."""
        vocabulary, found = self.scorer.vocabulary, []
        for (text,) in (request.args for request in requests):
            ids = [int(token) for token in vocabulary.encode([text])[0]]
            limit = self.scorer.model.config.max_context
            windows = get_rolling_token_windows(ids, vocabulary.begin, limit, 1)
            rows = [make_disjoint_window(window) for window in windows]
            scored = self.scorer.score([TokenRow((*before, *own), len(before)) for before, own in rows])
            found.append(-float(sum(each.nats.sum() for each in scored)))
        return found

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Text behind each context up to one of the strings that end it; greedy unless the task samples."""
        ends, found = end_ids(self.folder, self.own_tokenizer.eos_id), [""] * len(requests)
        alike: dict[str, list[int]] = {}
        for number, request in enumerate(requests):
            alike.setdefault(json.dumps(request.args[1], sort_keys=True, default=str), []).append(number)
        with progress_bar("Generating", total=len(requests)) as bar:
            for numbers in alike.values():
                numbers.sort(key=lambda number: len(requests[number].args[0]))
                options = requests[numbers[0]].args[1]
                config = _generation(options, heal=self.scoring == "exact")
                until = options.get("until") or []
                stops = [until] if isinstance(until, str) else list(until)
                for start in range(0, len(numbers), TOGETHER):
                    part = numbers[start : start + TOGETHER]
                    contexts = [requests[number].args[0] for number in part]
                    model = (self.scorer.model, self.own_tokenizer)
                    texts = _until(text_pieces(*model, contexts, config, ends, shorten=True), len(part), stops)
                    for number, text in zip(part, texts, strict=True):
                        found[number] = text
                    bar.advance(len(part))
        return found


def _generation(options: dict[str, Any], *, heal: bool) -> GenerationConfig:
    """Options of generation from those of a task: greedy unless it samples."""
    sampled = bool(options.get("do_sample")) and options.get("temperature", 1.0) > 0
    return GenerationConfig(
        max_new_tokens=int(options.get("max_gen_toks", GENERATED)),
        temperature=options.get("temperature", 1.0) if sampled else 0,
        top_p=options.get("top_p") if sampled else None,
        seed=0,
        heal=heal,
    )


def _until(pieces: Iterable[list[str]], count: int, stops: Sequence[str]) -> list[str]:
    """The ``count`` texts that come in pieces, each up to the first of ``stops``."""
    texts, ended = [""] * count, [False] * count
    for step in pieces:
        for row, piece in enumerate(step):
            if piece and not ended[row]:
                texts[row] += piece
                found = [texts[row].index(stop) for stop in stops if stop and stop in texts[row]]
                if found:
                    texts[row], ended[row] = texts[row][: min(found)], True
        if all(ended):
            break
    return texts


def scorer_of(model: Any, tokenizer: Tokenizer, folder: Path) -> Scorer:
    """The scorer of a model with its tokenizer. `InputError` where there is no token to begin a text with, and for a
    model with fewer rows than ids."""
    if tokenizer.vocab_size > model.config.vocab_size:
        raise InputError(
            f"{folder}: the tokenizer has {tokenizer.vocab_size:,} ids, the model {model.config.vocab_size:,}"
        )
    begin = tokenizer.eos_id if tokenizer.bos_id is None else tokenizer.bos_id
    if begin is None:
        raise InputError(f"{folder}: its tokenizer has no token that begins or ends a text, which scoring starts from")
    special = set(tokenizer.special_tokens.values())
    tokens = [b"" if token in special else tokenizer.token_bytes(token) for token in range(tokenizer.vocab_size)]

    def encode(texts: Sequence[str]) -> Sequence[Sequence[int]]:
        return tokenizer.encode_batch(list(texts))

    return Scorer(model, Vocabulary(encode=encode, tokens=tokens, begin=begin, end=tokenizer.eos_id))


def _split(context: str, continuation: str) -> tuple[str, str]:
    """White space at the end of the context belongs to the continuation, as the harness has it."""
    stripped = context.rstrip()
    return stripped, context[len(stripped) :] + continuation
