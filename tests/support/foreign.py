"""Tokenizers of other makers, without their files: from tokens that packages carry, and published patterns."""

from functools import cache
from pathlib import Path

import splintr
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

import samples
from tokenizer.pretokenize.grammars import PATTERNS
from tokenizer.pretokenize.patterns import CL100K, GPT2
from tokenizer.vocabulary import to_unicode
from tokenizer.vocabulary.byte_level import byte_alphabet
from tokenizer.vocabulary.tiktoken_ranks import recover_merges

QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
DEEPSEEK = (
    r"\p{N}{1,3}",
    r"[一-龥぀-ゟ゠-ヿ]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
)
"""The patterns of tokenizer.json of Qwen 3 and DeepSeek V3."""
PUBLISHED = {
    "llama3": ((CL100K,), True, 128_000),
    "qwen3": ((QWEN,), False, 151_643),
    "deepseek_v3": (DEEPSEEK, False, 128_000),
    "o200k_base": ((PATTERNS["o200k"],), False, 199_998),
    "cl100k_base": ((CL100K,), False, 100_256),
}
"""Patterns, ignore_merges and number of tokens without special ones of vocabularies that splintr-rs carries."""

TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\u0295"), max_size=8),
        st.sampled_from(
            [
                *(
                    "결을 따라",
                    " 나는",
                    "don't",
                    "'LL",
                    "  ",
                    "\n\n",
                    "\r\n ",
                    "12345",
                    "２½²",
                    "http://",
                    "ABCdef",
                    "한국",
                ),
                *("<think>", "<|endoftext|>", "e\u0301", "\u1112\u1161\u11ab", "日本語", "();\n", "1234567", "\u3000"),
            ]
        ),
    ),
    max_size=12,
).map("".join)
"""Texts of characters that every engine's Unicode knows."""


def split(*patterns: str) -> pre_tokenizers.PreTokenizer:
    """Patterns one after another, then bytes."""
    splits = [pre_tokenizers.Split(Regex(each), "isolated") for each in patterns]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([*splits, byte_level])


@cache
def published(name: str) -> Tokenizer:
    """A published vocabulary without special tokens, in the package tokenizers."""
    patterns, ignore_merges, size = PUBLISHED[name]
    carried = splintr.Tokenizer.from_pretrained(name)
    tokens = {carried.decode_token_bytes(i): i for i in range(size)}
    ranks = {token: i for token, i in tokens.items() if token}  # special ones are empty there
    merges, whole = recover_merges(ranks)
    if not whole:  # as transformers writes Llama 3 (TikTokenConverter): every two tokens that make a third
        cuts = [(token, sorted(range(1, len(token)), key=lambda k: _by_parts(ranks, token, k))) for token in ranks]
        merges = [(ranks[t[:k]], ranks[t[k:]]) for t, places in cuts for k in places if _both(ranks, t, k)]
    names = {i: to_unicode(token) for token, i in ranks.items()}
    made = Tokenizer(
        models.BPE(
            {name: i for i, name in names.items()},
            [(names[a], names[b]) for a, b in merges],
            ignore_merges=ignore_merges,
        )
    )
    made.pre_tokenizer, made.decoder = split(*patterns), decoders.ByteLevel()
    return made


def _both(ranks: dict[bytes, int], token: bytes, k: int) -> bool:
    return token[:k] in ranks and token[k:] in ranks


def _by_parts(ranks: dict[bytes, int], token: bytes, k: int) -> tuple[int, int]:
    return ranks.get(token[:k], -1), ranks.get(token[k:], -1)


def trained(pre_tokenizer: pre_tokenizers.PreTokenizer, *added: AddedToken, size: int = 900) -> Tokenizer:
    """A tokenizer that Hugging Face's BpeTrainer trains on the samples."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizer, decoders.ByteLevel()
    alphabet = list(map(to_unicode, byte_alphabet()))
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    made.train(sorted(map(str, samples.folder().glob("*.txt"))), trainer)
    made.add_tokens([token for token in added if not token.special])
    made.add_special_tokens([token for token in added if token.special])
    return made


def ids_of(theirs: Tokenizer, texts: list[str]) -> list[list[int]]:
    """The ids of texts without special tokens, neither read nor added."""
    theirs.encode_special_tokens = True
    return [encoded.ids for encoded in theirs.encode_batch(texts, add_special_tokens=False)]


def saved(theirs: Tokenizer, folder: Path) -> Path:
    """A folder with its tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    theirs.save(str(folder / "tokenizer.json"))
    return folder


PRE_TOKENIZERS = {
    "GPT-2": pre_tokenizers.ByteLevel(add_prefix_space=False),
    "a space before": pre_tokenizers.ByteLevel(add_prefix_space=True),
    "whole": pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    "GPT-4o": split(PATTERNS["o200k"]),
    "Gyeol": split(PATTERNS["gyeol"]),
    "Llama 3": split(CL100K),
    "Qwen": split(QWEN),
    "DeepSeek": split(*DEEPSEEK),
    "SuperBPE": split(r"\p{N}+", r"(?=(\d{3})+(?!\d))"),
    "StarCoder": pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    ),
    "runs of digits": pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(), pre_tokenizers.Split(" ", "isolated"), pre_tokenizers.ByteLevel(False)]
    ),
    "only matches": pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(GPT2), "removed", invert=True), pre_tokenizers.ByteLevel(False, use_regex=False)]
    ),
}
"""A pre-tokenizer of each kind that byte-level vocabularies have."""
