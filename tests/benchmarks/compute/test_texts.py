"""The texts of a comparison: every passage once, held-out text nowhere in training, the same sample every time."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.compute.texts import PASSAGE, long_lines, passages, read_texts
from tokenizer.errors import InputError

LINE = "이 문장은 서른두 글자보다 길어서 같은 글인지를 가려 주는 줄이다, 번호는 "


def lines(first: int, count: int) -> str:
    return "".join(f"{LINE}{number}.\n" for number in range(first, first + count))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text(lines(0, 3000), "utf-8")
    return path


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    path = tmp_path / "held.txt"
    path.write_text(lines(10_000, 200), "utf-8")
    return path


@given(st.text(alphabet=st.sampled_from("가a \n"), max_size=12_000))
def test_passages_are_the_text_but_for_white_space(text: str) -> None:
    found = list(passages(text))
    assert "".join(found).split() == text.split()
    assert all(len(passage) <= 2 * PASSAGE for passage in found)


def test_training_and_tuning_share_no_passage_and_stay_within_the_sample(corpus: Path, held_out: Path) -> None:
    texts = read_texts([corpus], [held_out], 100_000)
    assert not set(texts.training) & set(texts.tuning)
    assert 0 < sum(len(text.encode()) for text in texts.tuning) <= 0.1 * 100_000 + 3 * 2 * PASSAGE
    assert 50_000 < texts.training_bytes <= 100_000
    assert texts.corpus_bytes == corpus.stat().st_size
    assert texts.digest == read_texts([corpus], [held_out], 100_000).digest
    whole = read_texts([corpus], [held_out], 10**9)
    assert {*texts.training, *texts.tuning} < {*whole.training, *whole.tuning}
    assert sum(len(text.encode()) for text in (*whole.training, *whole.tuning)) == texts.corpus_bytes


def test_held_out_documents_are_whole(corpus: Path, held_out: Path) -> None:
    (document,) = read_texts([corpus], [held_out], 10**6).held_out
    assert (document.text, document.bytes) == (held_out.read_text("utf-8"), held_out.stat().st_size)
    assert (document.file, document.group) == ("held", "Korean")


def test_held_out_text_of_the_corpus_is_refused_with_the_count(corpus: Path, held_out: Path) -> None:
    held_out.write_text(lines(10_000, 90) + lines(5, 10), "utf-8")
    with pytest.raises(InputError, match=r"held: 10 of its 100 lines of 32 characters or more stand in the corpus"):
        read_texts([corpus], [held_out], 10**6)
    held_out.write_text(lines(7, 1), "utf-8")
    with pytest.raises(InputError, match="held: 1 of its 1 lines"):
        read_texts([corpus], [held_out], 10**6)


def test_passages_with_a_line_of_held_out_text_are_left_out(
    corpus: Path, held_out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held_out.write_text(lines(10_000, 98) + lines(1500, 2), "utf-8")
    texts = read_texts([corpus], [held_out], 10**9)
    assert texts.left_out == 1
    assert "1 passages with a line of a held-out text are left out of training" in caplog.text
    kept = {line for text in (*texts.training, *texts.tuning) for line in long_lines(text)}
    assert not kept & set(long_lines(held_out.read_text("utf-8")))


def test_what_cannot_be_compared_on_is_refused(corpus: Path, held_out: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n", "utf-8")
    (tmp_path / "small.txt").write_text("가나다\n", "utf-8")
    with pytest.raises(InputError, match="no text to score"):
        read_texts([corpus], [tmp_path / "empty.txt"], 10**6)
    with pytest.raises(InputError, match="no held-out text"):
        read_texts([corpus], [], 10**6)
    with pytest.raises(InputError, match="too few to train on"):
        read_texts([tmp_path / "small.txt"], [held_out], 10**6)
