"""Special tokens of one's own, checked before a training."""

from collections.abc import Collection, Iterable

from tokenizer.errors import InputError
from tokenizer.vocabulary.byte_level import from_unicode, to_unicode


def checked_special_tokens(
    wanted: Iterable[str], there: Iterable[str], tokens: Collection[bytes] = frozenset()
) -> list[str]:
    """``wanted`` as a list, beside the special tokens ``there`` and the ordinary ``tokens``.

    `InputError` for one that is there already, named twice, of fewer than two bytes (which are tokens of their own), no
    Unicode text, the text of one of ``tokens``, or the name of other bytes in ``tokenizer.json``. `TypeError` for a
    single text, and for what is no text.
    """
    if isinstance(wanted, (str, bytes)):
        raise TypeError(f"special_tokens is a single {type(wanted).__name__}; give a list of texts")
    known, found = set(there), list(wanted)
    for text in found:
        if not isinstance(text, str):
            raise TypeError(f"a special token is a str, not {type(text).__name__} {text!r}")
        if why := _fault(text, known, tokens):
            raise InputError(f"special token {text!r} {why}; choose another, such as '<|mine|>'")
        known.add(text)
    return found


def _fault(text: str, known: Collection[str], tokens: Collection[bytes]) -> str | None:
    """Why ``text`` cannot be a special token beside those ``known`` and the ordinary ``tokens``."""
    if text in known:
        return "is there already"
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        return "is no Unicode text"
    if len(raw) < 2:
        return "has fewer than two bytes"
    if raw in tokens:
        return "is an ordinary token of the tokenizer that training goes on from"
    try:
        spelled = from_unicode(text)
    except KeyError:
        return None
    return None if to_unicode(raw) == text else f"is the name of the bytes {spelled!r} in tokenizer.json"
