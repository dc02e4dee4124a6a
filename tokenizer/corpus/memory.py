"""Texts that a program has, as a corpus."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from tokenizer.corpus.reader import Document
from tokenizer.corpus.reading import Composition, Reading
from tokenizer.errors import InputError
from tokenizer.text.cutting import safe_pieces
from tokenizer.text.utf8 import require_text


@dataclass(frozen=True)
class Texts:
    """A corpus of one source: texts, each a document, or lists of them; they are read once, in order."""

    texts: Iterable[str | Iterable[str]]
    name: str = "texts"
    """The name of the source."""

    def __post_init__(self) -> None:
        if isinstance(self.texts, (str, bytes)):
            raise TypeError(f"texts is a single {type(self.texts).__name__}; give a list of texts")

    def documents(self, reading: Reading | None = None) -> Iterator[Document]:
        """Yield the documents, empty texts left out, composed where ``reading`` says ``nfc``. `InputError` when there
        is no text or ``reading`` says how to read files, `TypeError` for what is no text, `ValueError` for a lone
        surrogate."""
        reading = reading or Reading()
        if reading != replace(Reading(), nfc=reading.nfc):
            raise InputError("texts are not read from files: leave out all options of reading but nfc")
        composition, empty = Composition(reading.nfc), True
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
