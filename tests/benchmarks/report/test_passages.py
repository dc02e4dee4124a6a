"""Passages of the measured files, and their tokens by each tokenizer."""

from dataclasses import replace
from pathlib import Path

from benchmarks.fertility.results import Report
from benchmarks.report.passages import AT_MORPHEME, LENGTH, PART, PER_GROUP, SUPERWORD, Passage, cut, sample_passages
from tests.support.peers import Fixed


def test_tokens_by_hand() -> None:
    [shown] = cut(
        [Passage(text="나는 학교에서")],
        [
            Fixed.of("right", "나|는 학교|에서"),
            Fixed.of("wrong", "나는 학|교에서"),
            Fixed.of("words", "나는| 학교에서"),
            Fixed("bytes", "나".encode()[:1], "나".encode()[1:], "는 학교에서".encode()),
            Fixed.of("led", " |나는 학교에서"),
            Fixed.of("lossy", "나는|학교"),
        ],
    )
    right, wrong, words, part, led, lossy = shown.cuts
    assert right.tokens == [[0, "나"], [SUPERWORD | AT_MORPHEME, "는 학교"], [AT_MORPHEME, "에서"]]
    assert (right.superwords, right.inside, right.hits) == (1, 2, 2)
    assert wrong.tokens == [[SUPERWORD, "나", "는 학"], [0, "교", "에서"]]
    assert (wrong.inside, wrong.hits) == (1, 0)
    assert words.tokens == [[0, "나", "는"], [0, " 학교", "에서"]]
    assert part.tokens[:2] == [[PART, "<EB>"], [PART, "<82 98>"]]
    assert led.tokens[0] == [0, " "]
    assert (lossy.exact, lossy.tokens) == (False, [[0, "나는"], [0, "학교"]])
    assert (shown.characters, shown.morphemes) == (7, 2)


def test_passages_are_whole_lines_or_sentences_and_always_the_same(result: Report) -> None:
    found = sample_passages(result.files)
    assert found == sample_passages(result.files)
    texts = {file.name: Path(file.path).read_text("utf-8") for file in result.files}
    for group in ("Korean", "English", "code"):
        assert 1 < sum(passage.group == group for passage in found) <= PER_GROUP
    for passage in found:
        text = texts[passage.file]
        assert 0 < len(passage.text) <= LENGTH
        start = text.index(passage.text)
        assert start == 0 or text[:start].rstrip(" ")[-1] in "\n.?!…\"'”’)"
    assert sample_passages([replace(result.files[0], path="-")]) == []
