"""Texts that a program has, as a corpus."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from tokenizer.corpus.reader import Document
from tokenizer.corpus.reading import Composition
from tokenizer.errors import InputError
from tokenizer.text.cutting import safe_pieces
from tokenizer.text.utf8 import require_text


@dataclass(frozen=True)
class Texts:
    """A corpus of one source: texts, each a document, or lists of them; they are read once, in order."""

    texts: Iterable[str | Iterable[str]]
    name: str = "texts"
    """The name of the source."""

    def documents(self, nfc: bool = False) -> Iterator[Document]:
        """Yield the documents, empty texts left out, composed (Unicode NFC) with ``nfc``. `InputError` when there is no
        text, `TypeError` for what is no text, `ValueError` for a lone surrogate."""
        composition, empty = Composition(nfc), True
        try:
            for text in chain.from_iterable([each] if isinstance(each, str) else each for each in self.texts):
                require_text(text)
                pieces = list(filter(None, safe_pieces([text])))
                for number, piece in enumerate(pieces, 1):
                    empty = False
                    yield Document(composition.of(piece, self.name), self.name, self.name, number == len(pieces))
        finally:
            composition.warn()
        if empty:
            raise InputError("the iterator gives no text; give it one that has not been read yet")
