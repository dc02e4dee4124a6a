"""Korean for a tokenizer that exists: tokens with Hangul behind all of its own.

The tokens are learnt by the curriculum (`tokenizer.training.curriculum`: inside Kiwi's morphemes first, then across
them) from the merges of the base, within the pre-tokens that its grammar cuts. So superwords arise only where that
grammar has several words in a pre-token.

**What stays.** Every old id stands for what it stood for, special tokens included: new tokens have the ids behind all
of them. A text without Hangul (a character of `tokenizer.text.unicode.HANGUL_RANGES`) has the ids that it had:

1. It is cut as before, since the grammar, the normalizer and the added tokens are those of the base.
2. Byte-pair encoding applies the merge of the lowest rank that fits, and new merges rank behind all old ones. So in
   each pre-token it does what it did before until no old merge fits.
3. Then no new merge fits either. One that did would make a token of bytes that stand in the text, but only texts with
   Hangul hold the bytes of what a new merge makes (`tokenizer.text.hangul_bytes`; the rule ``hangul_only``).
4. Where a pre-token that is a token skips the merges (``ignore_merges``, as in Llama 3), it is no new token, for the
   same reason.

The same holds for each pre-token without Hangul in a text that has some elsewhere.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tokenizer.corpus.reader import documents, total_size
from tokenizer.corpus.reading import Reading
from tokenizer.encoding.tables import ID_MASK
from tokenizer.errors import InputError
from tokenizer.outputs import check_free, locked
from tokenizer.progress import progress_bar
from tokenizer.threads import cores
from tokenizer.tokenizer import Tokenizer
from tokenizer.training.collect import Collection, collect
from tokenizer.training.curriculum import (
    CurriculumOptions,
    learn,
    source_records,
    source_weights,
    without_least_used,
)
from tokenizer.training.merges import Learned
from tokenizer.training.records import line_record, versions
from tokenizer.vocabulary import TOKENIZER_FOLDER, Vocabulary, from_unicode

MIN_COUNT = 2
"""Pairs that occur less often are not merged."""


def extend(
    base: Tokenizer,
    corpus: str | Path | Sequence[str | Path],
    add: int = 16_384,
    *,
    fill_what_you_can: bool = False,
    name: str | None = None,
    threads: int | None = None,
    **reading: Any,
) -> Tokenizer:
    """The tokenizer ``base`` with ``add`` tokens more, each with Hangul, learnt from ``corpus``.

    All old ids keep their meaning, and texts without Hangul their ids; the module's docstring says why. ``corpus`` and
    ``reading`` are as in `tokenizer.train`; ``fill_what_you_can`` is content with fewer tokens where the corpus has no
    more. `InputError` for a strict base, more ids than fit, and a corpus that does not fill ``add``.
    """
    options = CurriculumOptions()
    _check(base, add, options)
    paths = [corpus] if isinstance(corpus, (str, Path)) else list(corpus)
    vocabulary = base.vocabulary
    reading["nfc"] = vocabulary.nfc or reading.get("nfc", False)
    collection = _read(paths, vocabulary, options, threads or cores(), reading)
    provenance: dict[str, Any] = {
        "name": name,
        "recipe": "extension",
        "extends": {"name": base.name, "fingerprint": base.fingerprint, "ids": base.vocab_size},
        "min_count": MIN_COUNT,
        "run_weight": collection.run_weight,
        "options": asdict(options),
        "reading": asdict(Reading(**reading)),
        "corpus": asdict(collection.record),
        "versions": versions(),
        "line_sample": line_record(collection.line_sample, base),
    }
    weights = source_weights(collection, options.temperature)
    provenance["sources"] = [asdict(source) for source in source_records(collection, weights)]
    start, ids = _ordinary(vocabulary)
    rules: dict[str, Any] = {"min_count": MIN_COUNT, "refused": _refused(vocabulary), "hangul_only": True}
    learned, stages = learn(collection, weights, start, len(ids) + add, options, **rules)
    learned, stages = without_least_used(learned, stages, len(ids), len(ids) + add)
    found = len(learned.tokens) - len(ids)
    if not found or (found < add and not fill_what_you_can):
        raise InputError(
            f"the corpus fills only {found:,} of the {add:,} ids to add: no other pair of tokens with Hangul occurs "
            f"{MIN_COUNT} times in enough documents; give more Korean text, or add what it fills with "
            "fill_what_you_can=True"
        )
    return Tokenizer(_extended(vocabulary, learned, ids, provenance | {"stages": [asdict(stage) for stage in stages]}))


def extend_folder(
    base: Tokenizer, corpus: Sequence[str | Path], out: Path, *, force: bool = False, **options: Any
) -> Tokenizer:
    """`extend` a tokenizer and save it as the folder ``out``, after which it is named.

    `InputError` as `extend` raises it, and before any work where ``out`` holds something; with ``force`` an older
    tokenizer is replaced, and nothing else.
    """
    with locked(out):
        check_free(out, TOKENIZER_FOLDER, force)
        made = extend(base, corpus, name=out.resolve().name, **options)
        made.save(out, force=force)
    return made


def _check(base: Tokenizer, add: int, options: CurriculumOptions) -> None:
    if add < 1:
        raise InputError(f"add is {add}; it must be 1 or more")
    if base.strict:
        raise InputError(
            f"{base.name!r} is strict: it cuts text at morphemes before it encodes it; train it further with `gyeol "
            "train --recipe strict --continue-from`"
        )
    learnt = round(add * (1 + options.surplus))
    if max(base.vocab_size, len(base.vocabulary.merges)) + learnt > ID_MASK:
        raise InputError(
            f"{base.name!r} has {base.vocab_size:,} ids and {len(base.vocabulary.merges):,} merges, and to add "
            f"{add:,} takes learning {learnt:,}; at most {ID_MASK:,} fit: choose a smaller add"
        )


def _read(
    paths: list[str | Path], vocabulary: Vocabulary, options: CurriculumOptions, threads: int, reading: dict[str, Any]
) -> Collection:
    """The corpus as the pre-tokens of the base, by source."""
    with progress_bar("Reading the corpus", total=total_size(paths)) as progress:
        return collect(
            documents(paths, on_progress=progress.advance, **reading),
            vocabulary.grammar,
            threads=threads,
            spread=options.spread,
            patterns=vocabulary.patterns,
            by_source=True,
        )


def _ordinary(vocabulary: Vocabulary) -> tuple[Learned, list[int]]:
    """The tokens that stand for bytes of a text, numbered anew without a hole, their merges, and their ids."""
    tokens = vocabulary.ordinary_tokens
    ids = [i for i, token in enumerate(tokens) if token]
    number = dict(zip(ids, range(len(ids)), strict=True))
    merges = [(number[left], number[right]) for left, right in vocabulary.merges]
    return Learned([tokens[i] for i in ids], merges, [], False), ids


def _refused(vocabulary: Vocabulary) -> list[bytes]:
    """What no merge may make: the texts of special tokens, and what ``tokenizer.json`` would write as one."""
    refused = [text.encode() for text in vocabulary.special_tokens]
    for text in vocabulary.special_tokens:
        with suppress(KeyError):
            refused.append(from_unicode(text))
    return sorted(set(refused))


def _extended(vocabulary: Vocabulary, learned: Learned, ids: list[int], provenance: dict[str, Any]) -> Vocabulary:
    """The base with what was ``learned`` behind its tokens, which have the ``ids``; special tokens behind all others
    get places among them."""
    tokens = vocabulary.tokens + [b""] * (vocabulary.size - len(vocabulary.tokens))
    for text, token_id in vocabulary.special_tokens.items():
        tokens[token_id] = tokens[token_id] or text.encode()
    new = learned.tokens[len(ids) :]
    id_of = [*ids, *range(len(tokens), len(tokens) + len(new))]
    merges = [(id_of[left], id_of[right]) for left, right in learned.merges]
    return replace(vocabulary, tokens=tokens + new, merges=merges, provenance=provenance)
