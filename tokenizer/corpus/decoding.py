"""Bytes to text: UTF-8, what byte order marks name, and CP949, in which older Korean files are written."""

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import regex

from tokenizer.corpus.reading import FileNotes

REMEDY = "name its encoding (encoding=cp949 for older Korean files) or convert it to UTF-8"
COMMON_SHARE = 0.5
"""Share of the 2,350 common syllables (KS X 1001) among the characters beyond ASCII above which bytes that are CP949
and no UTF-8 are taken for CP949: others that happen to be it give mostly Hanja and syllables that nobody writes."""
_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16"}
_MARKS |= {codecs.BOM_UTF16_BE: "utf-16"}
_SURROGATE = regex.compile(r"[\ud800-\udfff]")
_HANGUL, _BEYOND_ASCII = regex.compile("[가-힣]"), regex.compile(r"[^\x00-\x7f]")
_CONTROL = regex.compile(r"[\x00-\x08\x0e-\x1f]")


def decoded(blocks: Iterable[bytes], notes: FileNotes) -> Iterator[str]:
    """The text of ``blocks``, without a leading byte order mark, in the encoding that was named or is found.

    UTF-8 unless a mark names another. What is no UTF-8 is read as CP949 where all before it was ASCII and it is
    CP949 with mostly common syllables; else it is damage.
    """
    blocks = iter(blocks)
    encoding = notes.reading.encoding
    if encoding == "auto":
        first = next(blocks, b"")
        while len(first) < 4 and (more := next(blocks, b"")):
            first += more
        encoding = next((name for mark, name in _MARKS.items() if first.startswith(mark)), "utf-8")
        blocks = chain([first], blocks)
    encoding = codecs.lookup(encoding).name
    if encoding == "utf-8":
        yield from _utf_8(blocks, notes)
    else:
        yield from _others(blocks, encoding, notes)


def _utf_8(blocks: Iterator[bytes], notes: FileNotes) -> Iterator[str]:
    pending, offset, start = b"", 0, True
    undecided = notes.reading.encoding == "auto"
    for block in chain(blocks, [b""]):
        data, final = pending + block, not block
        try:
            text, used = codecs.utf_8_decode(data, "strict", final)
        except UnicodeDecodeError as error:
            if undecided and data[: error.start].isascii() and _is_cp949(data):
                yield from _others(chain([data], blocks), "cp949", notes)
                return
            text, used = codecs.utf_8_decode(data, "replace", final)
            damage = f"{notes.name}: invalid UTF-8 at byte {offset + error.start}"
            notes.damage(damage, replaced(data[:used], text), REMEDY)
        pending, offset = data[used:], offset + used
        if start and text:
            text, start = text.removeprefix("\ufeff"), False
        undecided = undecided and text.isascii()
        yield text


def _others(blocks: Iterable[bytes], encoding: str, notes: FileNotes) -> Iterator[str]:
    """The text of ``blocks`` in an encoding other than UTF-8."""
    notes.encoding = encoding
    decoder, offset = codecs.getincrementaldecoder(encoding)("strict"), 0
    repairing = codecs.getincrementaldecoder(encoding)("replace")
    for block in chain(blocks, [b""]):
        state = decoder.getstate()
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            repairing.setstate(state)
            text = repairing.decode(block, final=not block)
            decoder.setstate(repairing.getstate())
            place = f"{notes.name}: invalid {encoding.upper()} at byte {offset + error.start}"
            notes.damage(place, text.count("\ufffd"), REMEDY)
        offset += len(block)
        yield text


def _is_cp949(data: bytes) -> bool:
    """Whether ``data``, perhaps cut inside a character, is CP949 and mostly Hangul."""
    try:
        text = codecs.getincrementaldecoder("cp949")("strict").decode(data)
    except UnicodeDecodeError:
        return False
    beyond_ascii = len(_BEYOND_ASCII.findall(text))
    pairs = np.frombuffer("".join(_HANGUL.findall(text)).encode("cp949"), np.uint8).reshape(-1, 2)
    common = int(np.count_nonzero(pairs.min(axis=1, initial=0xFF) >= 0xA1))  # the others are the extension of CP949
    return beyond_ascii > 0 and common >= COMMON_SHARE * beyond_ascii and not _CONTROL.search(text)


def replaced(data: bytes, text: str) -> int:
    """Number of those U+FFFD in ``text``, decoded from ``data``, that were not in the data."""
    found = text.count("\ufffd")
    return found - data.count("\ufffd".encode()) if found else 0


def repaired(text: str, place: str, notes: FileNotes) -> str:
    """``text`` with each lone half of a surrogate pair, which an escape can spell but is not text, as U+FFFD."""
    whole, halves = _SURROGATE.subn("\ufffd", text)
    if halves:
        notes.damage(f"{place}: holds a lone surrogate", halves, "repair it")
    return whole
