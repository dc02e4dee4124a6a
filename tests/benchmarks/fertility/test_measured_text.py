"""The parts of a text: eojeols and sections."""

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fertility.measured_text import SECTION, MeasuredText, section_ends


def test_parts_by_hand() -> None:
    text = MeasuredText("나는 abc집\u3000xyz 1", cut=True)
    words = [text.text[start:end] for start, end in zip(text.starts, text.ends, strict=True)]
    assert words == ["나는", "abc집", "xyz", "1"]
    assert text.korean_eojeols() == ["나는", "abc집"]
    assert (text.letters, text.hangul, text.latin) == (9, 3, 6)
    assert text.sections.tolist() == [[len(text.text), len(text.data), 4]]
    assert text.byte_of.tolist() == [len(text.text[:i].encode()) for i in range(len(text.text) + 1)]


@settings(max_examples=60, deadline=None)
@given(st.text("가 나\n", max_size=9 * SECTION) | st.integers(0, 9 * SECTION).map("가".__mul__))
def test_sections_are_the_text(text: str) -> None:
    ends = section_ends(text)
    assert ends[-1] == len(text)
    assert all(0 < b - a <= 4 * SECTION for a, b in zip([0, *ends], ends, strict=False)) or not text
