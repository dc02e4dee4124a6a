"""Documents from files of any format: text, JSON, CSV, Parquet, plain or compressed, standard input, datasets."""

from tokenizer.corpus.find import STDIN, find_files, find_sources
from tokenizer.corpus.memory import Texts
from tokenizer.corpus.reader import Document, documents, total_size
from tokenizer.corpus.reading import Errors, Reading

__all__ = ["STDIN", "Document", "Errors", "Reading", "Texts", "documents", "find_files", "find_sources", "total_size"]
