"""Text as UTF-8 for the kernels, its character classes, and long texts cut into pieces."""

from tokenizer.text.cutting import batches
from tokenizer.text.unicode import HANGUL, LETTER, LOWER, NEWLINE, SPACE, UPPER, class_table
from tokenizer.text.utf8 import to_utf8

__all__ = ["HANGUL", "LETTER", "LOWER", "NEWLINE", "SPACE", "UPPER", "batches", "class_table", "to_utf8"]
