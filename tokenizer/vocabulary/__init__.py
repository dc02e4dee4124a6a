"""A vocabulary: tokens, merges and special tokens, and its saved form."""

from tokenizer.vocabulary.byte_level import from_unicode
from tokenizer.vocabulary.vocabulary import END_OF_TEXT, PADDING, Vocabulary, build, default_special_tokens

__all__ = ["END_OF_TEXT", "PADDING", "Vocabulary", "build", "default_special_tokens", "from_unicode"]
