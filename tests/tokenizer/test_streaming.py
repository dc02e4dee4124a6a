"""Streams give what whole texts give, offsets are where the tokens lie, and a tokenizer is safe to share."""

import itertools
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from tokenizer import InputError, Tokenizer, train
from tokenizer.streaming import StreamDecoder, encode_stream
from tokenizer.text import cutting as pieces
from tokenizer.training.curriculum import CurriculumOptions

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=120) | st.text("나는 결을😀\u0301.,\n\r 12ab", max_size=120)


@pytest.fixture(scope="module", params=["gyeol", "right3"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return train(samples.folder(), 2500, curriculum=CurriculumOptions(digits=request.param))


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_decoding_id_by_id_never_shows_half_a_character(tokenizer: Tokenizer, text: str) -> None:
    decoder, shown = StreamDecoder(tokenizer), ""
    for token_id in tokenizer.encode(text):
        shown += decoder.feed([token_id])
        assert text.startswith(shown)
    assert shown + decoder.finish() == text


@settings(max_examples=100, deadline=None)
@given(ANY_TEXT, st.data())
def test_skipped_bytes_are_left_out(tokenizer: Tokenizer, text: str, data: st.DataObject) -> None:
    raw = text.encode()
    skipped = data.draw(st.integers(0, len(raw)))
    decoder = StreamDecoder(tokenizer, skipped)
    shown = "".join(decoder.feed([token_id]) for token_id in tokenizer.encode(text)) + decoder.finish()
    assert shown == raw[skipped:].decode("utf-8", "replace")


def test_bytes_that_are_no_character_are_replaced_when_that_is_certain(tokenizer: Tokenizer) -> None:
    decoder = StreamDecoder(tokenizer)
    lead, letter = tokenizer.vocabulary.tokens.index(b"\xea"), tokenizer.vocabulary.tokens.index(b"a")
    assert [decoder.feed([lead]), decoder.feed([letter]), decoder.feed([lead])] == ["", "\ufffda", ""]
    assert [decoder.finish(), decoder.finish()] == ["\ufffd", ""]


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT, st.integers(1, 9))
def test_a_streamed_text_has_the_ids_of_the_whole(tokenizer: Tokenizer, text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", 10)
        patch.setattr(pieces, "BLOCK_BYTES", 1)
        parts = list(encode_stream(tokenizer, (text[i : i + size] for i in range(0, len(text), size))))
    assert [token_id for part in parts for token_id in part.tolist()] == tokenizer.encode(text)


@settings(max_examples=500, deadline=None)
@given(ANY_TEXT)
def test_offsets_are_the_characters_of_each_token(tokenizer: Tokenizer, text: str) -> None:
    ids, spans = tokenizer.encode_with_offsets(text)
    assert ids == tokenizer.encode(text)
    at = 0
    edges = np.cumsum([0, *(len(character.encode()) for character in text)])
    for token_id, (start, end) in zip(ids, spans, strict=True):
        stop = at + len(tokenizer.token_bytes(token_id))
        touched = [k for k in range(len(text)) if edges[k] < stop and edges[k + 1] > at]
        assert (start, end) == (touched[0], touched[-1] + 1)
        at = stop
    assert tokenizer.encode_with_offsets("") == ([], [])


def test_arrays_are_the_lists(tokenizer: Tokenizer) -> None:
    texts = [path.read_text("utf-8") for path in sorted(samples.folder().glob("*.txt"))] * 20 + ["", "끝"]
    for threads in (1, 3):
        flat, offsets = tokenizer.encode_to_array(texts, threads=threads)
        assert (flat.dtype, offsets.dtype) == (np.int32, np.int64)
        assert [flat[a:b].tolist() for a, b in itertools.pairwise(offsets)] == tokenizer.encode_batch(texts)
    assert [part.tolist() for part in tokenizer.encode_to_array([])] == [[], [0]]


def test_arrays_grow_with_text_of_more_ids_than_characters(tokenizer: Tokenizer) -> None:
    texts = ["\U00012000\U0001b170" * size for size in (3, 40_000, 1, 60_000, 0, 7)]
    expected = [tokenizer.encode(text) for text in texts]
    assert len(expected[1]) > len(texts[1])
    for threads in (1, 3):
        flat, offsets = tokenizer.encode_to_array(texts, threads=threads)
        assert flat.tolist() == list(itertools.chain.from_iterable(expected))
        assert np.diff(offsets).tolist() == [len(ids) for ids in expected]


def test_a_bad_text_among_many_stops_all_threads(tokenizer: Tokenizer) -> None:
    texts = [(samples.folder() / "news.txt").read_text("utf-8")] * 100
    for place in (0, 50, 99):
        with pytest.raises(InputError, match="surrogate"):
            tokenizer.encode_to_array([*texts[:place], "가\ud800", *texts[place:]], threads=3)
    flat, offsets = tokenizer.encode_to_array(texts, threads=3)
    assert flat.size == offsets[-1] == 100 * offsets[1]


def encode_here(tokenizer: Tokenizer, text: str, queue: Any) -> None:
    queue.put(tokenizer.encode(text))


def test_threads_forks_and_workers_give_the_same_ids(tokenizer: Tokenizer) -> None:
    text = (samples.folder() / "news.txt").read_text("utf-8")
    expected = tokenizer.encode(text)
    with ThreadPoolExecutor(8) as pool:
        assert all(ids == expected for ids in pool.map(tokenizer.encode, [text] * 40))
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    child = fork.Process(target=encode_here, args=(tokenizer, text, queue))
    child.start()
    assert queue.get(timeout=60) == expected
    child.join()
    texts: Any = [text] * 3
    encode: Any = tokenizer.encode
    loader: Any = torch.utils.data.DataLoader(texts, batch_size=None, num_workers=2, collate_fn=encode)
    assert list(loader) == [expected] * 3
    assert pickle.loads(pickle.dumps(tokenizer)).encode(text) == expected


def test_special_tokens_can_be_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="special token '<|endoftext|>' at character 2".replace("|", r"\|")):
        tokenizer.encode("a <|endoftext|>", disallowed_special="all")
    ids = tokenizer.encode("<|pad|><|end|>", allowed_special={"<|pad|>"}, disallowed_special={"<|endoftext|>"})
    assert ids[0] == tokenizer.special_tokens["<|pad|>"]
    assert tokenizer.decode(ids) == "<|pad|><|end|>"
    assert tokenizer.encode("깨끗한 글", disallowed_special="all") == tokenizer.encode("깨끗한 글")


@pytest.mark.parametrize("bad", [1.0, "1", None, b"1", [1]])
def test_what_is_no_id_is_named(tokenizer: Tokenizer, bad: Any) -> None:
    with pytest.raises(TypeError, match="a token id is a whole number, not"):
        tokenizer.decode([bad])
    assert tokenizer.decode(np.array(tokenizer.encode("결"), dtype=np.uint16)) == "결"


@pytest.mark.parametrize("bad", [b"bytes", 3, None])
def test_what_is_no_text_is_named(tokenizer: Tokenizer, bad: Any) -> None:
    for encode in (tokenizer.encode, tokenizer.encode_with_offsets, lambda text: tokenizer.encode_batch([text])):
        with pytest.raises(TypeError, match="expected str, got"):
            encode(bad)
