"""Documents from files of any format: .txt, .jsonl and .parquet, plain or compressed, standard input, datasets."""

from tokenizer.corpus.formats import Errors
from tokenizer.corpus.reader import STDIN, Document, documents, find_files, find_sources, total_size

__all__ = ["STDIN", "Document", "Errors", "documents", "find_files", "find_sources", "total_size"]
