"""Special tokens of one's own, checked before a training."""

from collections.abc import Collection, Sequence

from tokenizer.errors import InputError
from tokenizer.vocabulary.byte_level import from_unicode, to_unicode
from tokenizer.vocabulary.vocabulary import default_special_tokens


def checked_special_tokens(wanted: Sequence[str], there: Collection[str]) -> list[str]:
    """``wanted`` as a list, beside the default special tokens or those ``there``.

    `InputError` for one that is there already, named twice, of fewer than two bytes (which are tokens of their own), no
    Unicode text, or whose text is the name of other bytes in ``tokenizer.json``. `TypeError` for a single text.
    """
    if isinstance(wanted, str):
        raise TypeError("special_tokens is a single str; give a list of texts")
    known = set(there or default_special_tokens())
    for text in wanted:
        if why := _fault(text, known):
            raise InputError(f"special token {text!r} {why}; choose another, such as '<|mine|>'")
        known.add(text)
    return list(wanted)


def _fault(text: str, known: Collection[str]) -> str | None:
    """Why ``text`` cannot be a special token beside those ``known``."""
    if text in known:
        return "is there already"
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        return "is no Unicode text"
    if len(raw) < 2:
        return "has fewer than two bytes"
    try:
        spelled = from_unicode(text)
    except KeyError:
        return None
    return None if to_unicode(raw) == text else f"is the name of the bytes {spelled!r} in tokenizer.json"
