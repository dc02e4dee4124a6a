"""Small models whose tokenizer is extended: bits per byte by the rows that the new tokens begin with.

A tokenizer of `BASE_IDS` ids, trained plainly, gets `ADDED` more; as for Llama 3 and Qwen 3, Korean syllables are
tokens of it and many words are not. A nano model is trained with it on all of the corpus, extended with rows of each
kind, and trained further, for the same number of tokens each. Bits per byte are of excerpts of Korean texts that are in
no training, so they compare across tokenizers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model import pretrain
from model.extend import extend_model
from model.new_rows import INITS
from tokenizer import Tokenizer, train
from tokenizer.corpus import documents
from tokenizer.shards import write_shards
from tokenizer.text import has_hangul
from tokenizer.training import extend

BASE_IDS, ADDED = 8_192, 8_192
FURTHER_LR = 3e-3
"""Peak learning rate of the further training: nano's own, 0.01, made a trained model worse."""
EXCERPT = 15_000
"""Characters of each Korean text that are evaluated."""
HANGUL_SHARE = 0.2
"""Least share of Hangul in the characters of a Korean text."""


def compare_rows(
    corpus: Sequence[str], texts: Sequence[str], work: Path, tokens: int, more: int
) -> list[dict[str, Any]]:
    """A model of ``tokens`` tokens extended with rows of each kind and trained on ``more``: bits per byte before and
    after, and beside them the model that goes on with the old tokenizer."""
    base = _kept(work / "nano-base", lambda: train(corpus, BASE_IDS, recipe="plain", name="nano-base"))
    extended = _kept(work / "nano-extended", lambda: extend(base, corpus, ADDED, name="nano-extended"))
    excerpts = _excerpts(texts, work / "excerpts")
    for tokenizer in (base, extended):
        for name, source in (("train", corpus), ("eval", [excerpts])):
            write_shards(tokenizer, list(source), work / f"{tokenizer.name}-{name}")
    start = work / "run"
    _pretrain(base, work, start, tokens)
    rows = [_row("not extended", _pretrain(base, work, work / "run-old", more, start))]
    for init in INITS:
        model = work / f"model-{init}"
        if not model.exists():
            extend_model(start, extended, model, init)
        rows.append(_row(init, _pretrain(extended, work, work / f"run-{init}", more, model)))
    return rows


def _pretrain(tokenizer: Tokenizer, work: Path, run: Path, tokens: int, init_from: Path | None = None) -> Any:
    return pretrain(
        work / f"{tokenizer.name}-train",
        run,
        validation=work / f"{tokenizer.name}-eval",
        tokens=tokens,
        init_from=init_from and str(init_from),
        lr=FURTHER_LR if init_from else None,
        validate_every=10**9,
        eval_tokens=10**9,
        device="cpu",
    )


def _row(rows: str, result: Any) -> dict[str, Any]:
    return {
        "rows": rows,
        "bits_per_byte_before": result.initial_bits_per_byte,
        "bits_per_byte_after": result.bits_per_byte,
        "tokens": result.tokens,
        "seconds": result.seconds,
    }


def _kept(folder: Path, make: Any) -> Tokenizer:
    """The tokenizer in ``folder``, made and saved if it is not there."""
    if not folder.exists():
        make().save(folder)
    return Tokenizer.load(folder)


def _excerpts(texts: Sequence[str], folder: Path) -> Path:
    """The beginnings of the Korean texts, a file each."""
    folder.mkdir(exist_ok=True)
    for number, document in enumerate(documents(list(texts))):
        excerpt = document.text[:EXCERPT]
        if sum(map(has_hangul, excerpt)) >= HANGUL_SHARE * len(excerpt):
            (folder / f"{number:02d}.txt").write_text(excerpt, encoding="utf-8")
    return folder
