"""Encoding is lossless, equal to the reference engines, and safe; saving keeps everything."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tiktoken
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from tokenizer import InputError, Tokenizer, train
from tokenizer.corpus.reader import documents
from tokenizer.encoding.encoder import SHORT_CHARACTERS
from tokenizer.pretokenize.grammars import PATTERNS
from tokenizer.training.curriculum import CurriculumOptions
from tokenizer.vocabulary.byte_level import byte_alphabet
from tokenizer.vocabulary.vocabulary import RESERVED, build

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=200)
KOREAN_TEXT = st.lists(
    st.sampled_from(
        [*"나는책을읽었다가ㅋㅠ.,!? \n\t12aB'sé漢👩‍👩‍👧<|", " 그래서", "<|endoftext|>", "\u1112\u1161\u11ab"]
    ),
    max_size=60,
).map("".join)


class Reference(NamedTuple):
    ours: Tokenizer
    hugging_face: tokenizers.Tokenizer
    tiktoken: tiktoken.Encoding

    def check(self, text: str) -> None:
        ids = self.ours.encode(text)
        assert self.hugging_face.encode(text, add_special_tokens=False).ids == ids
        assert self.tiktoken.encode_ordinary(text) == ids
        assert self.ours.decode(ids) == text


@pytest.fixture(scope="module", params=["gyeol", "o200k", "right3"])
def reference(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """A tokenizer of each grammar, and other engines that loaded it."""
    if request.param == "o200k":
        ours = train(samples.folder(), 3000, recipe="plain")
    else:
        ours = train(samples.folder(), 3000, curriculum=CurriculumOptions(digits=request.param))
    assert ours.vocabulary.grammar == request.param
    folder = tmp_path_factory.mktemp("tokenizers") / request.param
    ours.save(folder)
    hugging_face = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    hugging_face.encode_special_tokens = True
    encoding = tiktoken.Encoding(
        "ours",
        pat_str=PATTERNS[ours.vocabulary.grammar],
        mergeable_ranks={token: i for i, token in enumerate(ours.vocabulary.tokens)},
        special_tokens={},
    )
    return Reference(ours, hugging_face, encoding)


@settings(max_examples=100, deadline=None)
@given(ANY_TEXT | KOREAN_TEXT)
def test_round_trip_strict(strict: Tokenizer, text: str) -> None:
    assert strict.decode(strict.encode(text)) == text


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(ANY_TEXT | KOREAN_TEXT)
def test_round_trip_and_same_ids_as_tokenizers_and_tiktoken(reference: Reference, text: str) -> None:
    reference.check(text)


def test_long_pieces_take_the_heap_and_give_the_same_ids(reference: Reference) -> None:
    for text in (
        "가나다라" * 500,
        "ㅋ" * 3000,
        "abc" * 1000,
        "하였습니다" * 40,
        " " * 5000,
        "!" * 999,
        "할 수 있다. " * 300,
    ):
        reference.check(text)


def test_marks_before_sentence_marks_give_the_same_ids(tmp_path: Path) -> None:
    """A combining mark ends words of a run and begins symbols: the merges of both may meet there."""
    tokens = [*byte_alphabet(), "\u0301".encode(), "\u0301,".encode(), b" b", b", b"]
    made = [(b"\xcc", b"\x81"), (b"\xcc\x81", b","), (b" ", b"b"), (b",", b" b")]
    ours = Tokenizer(build(tokens, [(tokens.index(a), tokens.index(b)) for a, b in made], grammar="gyeol"))
    ours.save(tmp_path / "saved")
    hugging_face = tokenizers.Tokenizer.from_file(str(tmp_path / "saved" / "tokenizer.json"))
    for text in ("a\u0301, b", "a, b", "가\u0301, b c, b", "*\u0301, b"):
        assert ours.encode(text) == hugging_face.encode(text, add_special_tokens=False).ids


@pytest.mark.slow
@pytest.mark.corpora
def test_round_trip_and_same_ids_on_all_of_dev(reference: Reference, corpora: Path) -> None:
    texts = [document.text for document in documents([corpora / "dev"])]
    assert len(texts) >= 48
    expected = reference.hugging_face.encode_batch(texts, add_special_tokens=False)
    for text, ids, other in zip(texts, reference.ours.encode_batch(texts), expected, strict=True):
        assert ids == other.ids
        assert ids == reference.tiktoken.encode_ordinary(text)
        assert reference.ours.decode(ids) == text


def test_strict_tokens_end_at_morphemes(strict: Tokenizer) -> None:
    from tokenizer.pretokenize.morphemes import boundaries

    for eojeol in ("학교에서는", "개발했습니다", "사람들에게"):
        ends = set()
        at = 0
        for token_id in strict.encode(eojeol):
            at += len(strict.token_bytes(token_id))
            ends.add(at)
        assert {len(eojeol[:cut].encode()) for cut in boundaries([eojeol])[0]} <= ends


def test_training_is_deterministic(plain: Tokenizer) -> None:
    again = train(samples.folder(), 3000, recipe="plain", threads=3)
    assert again.fingerprint == plain.fingerprint


def test_special_tokens_are_letters_unless_allowed(plain: Tokenizer) -> None:
    end = plain.special_tokens["<|endoftext|>"]
    assert end not in plain.encode("a<|endoftext|>b")
    assert plain.encode("a<|endoftext|>b", allowed_special={"<|endoftext|>"}).count(end) == 1
    allowed = plain.encode("<|reserved_1|><|reserved_12|>", allowed_special="all")
    assert allowed == [plain.special_tokens["<|reserved_1|>"], plain.special_tokens["<|reserved_12|>"]]
    assert plain.decode(allowed) == "<|reserved_1|><|reserved_12|>"
    assert sum("reserved" in name for name in plain.special_tokens) == RESERVED
    with pytest.raises(InputError, match="'<x>' is not a special token"):
        plain.encode("a", allowed_special={"<x>"})


def test_batches_and_threads_give_what_single_calls_give(plain: Tokenizer) -> None:
    texts = [path.read_text("utf-8") for path in sorted(samples.folder().glob("*.txt"))] * 12
    texts.insert(3, "")
    expected = [plain.encode(text) for text in texts]
    for threads in (1, 2, 5):
        assert plain.encode_batch(texts, threads=threads) == expected
    assert plain.encode_batch([]) == []


@pytest.mark.parametrize("bad", [-1, 3000, 10**12])
def test_ids_out_of_range_are_named(plain: Tokenizer, bad: int) -> None:
    with pytest.raises(InputError, match=f"id {bad} .*0 to 2999"):
        plain.decode([bad])


def test_lone_surrogates_are_refused(plain: Tokenizer) -> None:
    with pytest.raises(InputError, match=r"U\+DC80 at character 2"):
        plain.encode("ab\udc80")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"vocab_size": 300}, "300 is below 327: 256 tokens to start from and 71 special"),
        ({"vocab_size": 500_000}, r"fills only [\d,]+ of 500,000 ids"),
        ({"vocab_size": 3000, "recipe": "best"}, "unknown recipe 'best'; known: curriculum, plain, strict"),
        ({"vocab_size": 3000, "min_count": 0}, "min_count is 0"),
        ({"vocab_size": 3000, "corpus": "no/such/file.txt"}, "no/such/file.txt"),
    ],
)
def test_bad_training_input_is_named(argument: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train(**({"corpus": samples.folder()} | argument))


@pytest.mark.parametrize("text", ["한 문자열", b"bytes"])
def test_a_single_text_is_no_batch(plain: Tokenizer, text: Any) -> None:
    for encode in (plain.encode_batch, plain.encode_to_array):
        with pytest.raises(TypeError, match="give a list of texts, or call encode"):
            encode(text)


@given(
    st.integers(0, 2 * SHORT_CHARACTERS), st.sampled_from(["가나 ", "a", "\U0001f600", "결을 따라, don't! 2025년\n"])
)
def test_short_texts_give_what_long_ones_do(plain: Tokenizer, length: int, unit: str) -> None:
    text = (unit * length)[:length]
    assert [plain.encode(text)] == plain.encode_batch([text])


@pytest.mark.parametrize("length", [0, 4000, 10**9])
def test_a_str_that_lies_of_its_length_reads_no_other_memory(plain: Tokenizer, length: int) -> None:
    class Lying(str):
        def __len__(self) -> int:
            return length

    plain.encode("the secret of another user " * 200)
    assert plain.encode(Lying("abc")) == plain.encode("abc")
    assert plain.encode_batch([Lying("가나"), "b"]) == [plain.encode("가나"), plain.encode("b")]


def test_byte_strings_are_merged_as_one(plain: Tokenizer) -> None:
    tokens = plain.vocabulary.tokens
    assert [ids.tolist() for ids in plain.encode_bytes(tokens)] == [[number] for number in range(len(tokens))]
    (ids,) = plain.encode_bytes(["결을 따라".encode()])
    assert plain.decode(ids.tolist()) == "결을 따라"
    assert plain.encode_bytes([]) == []
