"""A long text is cut into pieces that have the pre-tokens of the whole."""

from collections.abc import Iterable, Iterator
from itertools import accumulate

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenizer.pretokenize.grammars import PATTERNS, pretokens
from tokenizer.text import cutting as pieces
from tokenizer.text.cutting import batches, safe_pieces

TEXT = st.text("가나 a1.,!\n\r\t/", max_size=300)


def cut_as_one_string(blocks: list[str], piece: int, longest: int) -> Iterator[str]:
    """`safe_pieces` as plainly as it can be said."""
    held = ""
    for block in blocks:
        held += block
        while len(held) > 2 * piece:
            safe = regex.search(r"[\r\n](?=[^\s/])", held, pos=piece)
            if not safe and len(held) < longest:
                break
            cut = safe.end() if safe else held.rfind("\n", piece) + 1 or len(held)
            yield held[:cut]
            held = held[cut:]
    yield held


def ends_of(parts: Iterable[str]) -> set[int]:
    """The characters at which parts of a text end, and 0."""
    return set(accumulate(map(len, parts), initial=0))


@settings(max_examples=500, deadline=None)
@given(TEXT, st.integers(1, 12), st.integers(20, 60))
def test_pieces_of_a_long_text_have_its_pre_tokens(text: str, size: int, longest: int) -> None:
    blocks = [text[i : i + size] for i in range(0, len(text), size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", 10)
        patch.setattr(pieces, "BLOCK_BYTES", 1)
        found = list(safe_pieces(blocks))
        patch.setattr(pieces, "LONGEST", longest)
        assert list(safe_pieces(blocks)) == list(cut_as_one_string(blocks, 10, longest))
    assert "".join(found) == text
    for grammar in PATTERNS:
        ends = ends_of(pretoken for piece in found for pretoken in pretokens(piece, grammar))
        whole = ends_of(pretokens(text, grammar))
        if grammar == "right3":  # whose pre-tokens reach across lines, where no token that was learnt does
            whole |= ends_of(found)
        assert ends == whole


def test_a_text_in_single_characters_is_cut_as_in_blocks() -> None:
    text = "가" * 3_000_000 + "\n나" + "다" * 2_000_000
    assert [len(piece) for piece in safe_pieces(text)] == [3_000_001, 2_000_001]
    assert list(safe_pieces([text])) == list(safe_pieces(text))


@given(st.lists(TEXT), st.integers(1, 500))
def test_batches_hold_the_texts_in_order(texts: list[str], size: int) -> None:
    found = list(batches(texts, size))
    assert [text for batch in found for text in batch] == texts
    assert all(3 * len("".join(batch[:-1])) < size <= 3 * len("".join(batch)) for batch in found[:-1])
