"""Where a text may be cut before any merge is considered: grammars, and Kiwi's morpheme boundaries."""

from tokenizer.pretokenize.grammars import PATTERNS, pattern, pretoken_ends, pretokens

__all__ = ["PATTERNS", "pattern", "pretoken_ends", "pretokens"]
