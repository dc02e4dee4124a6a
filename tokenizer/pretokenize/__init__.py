"""Pre-tokenization: grammars, and Kiwi's morpheme boundaries."""

from tokenizer.pretokenize.grammars import PATTERNS, pattern, pretoken_ends, pretokens

__all__ = ["PATTERNS", "pattern", "pretoken_ends", "pretokens"]
