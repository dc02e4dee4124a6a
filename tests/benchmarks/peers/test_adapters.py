"""Peers give the counts, ids and bytes of the libraries themselves, and take text as text."""

import io
from pathlib import Path

import pytest
import sentencepiece
import splintr
import tiktoken
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

from benchmarks.peers.adapters import HuggingFacePeer, Peer
from benchmarks.peers.load import load_peer, load_peers
from tokenizer import Tokenizer
from tokenizer.errors import InputError
from tokenizer.vocabulary.vocabulary import build

TEXTS = [
    "결은 한국어를 형태소가 만나는 자리에서 자릅니다. 2024년 3월, 12,345원!\r\n\r\n  들여쓴 줄 ㅋㅋㅋ",
    "It's plain English, isn't it?\n\n\tdef f(x):\n\t\treturn x  # 주석\n",
    "漢字 カタカナ 🇰🇷 👩‍👩‍👧 뷁 \u1100\u1161\u11a8",
]
SPECIAL = "앞<|endoftext|>뒤<s></s>[CLS]<eos>끝"


@pytest.fixture(scope="module")
def byte_level(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level tokenizer.json that pads, truncates and adds special tokens, as published ones do."""
    own = tokenizers.Tokenizer(models.BPE())
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|endoftext|>", "[CLS]"]
    own.train_from_iterator(
        TEXTS * 3,
        trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, special_tokens=special, show_progress=False),
    )
    own.post_processor = processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 1)])
    own.enable_padding(length=64)
    own.enable_truncation(4)
    path = tmp_path_factory.mktemp("peer") / "tokenizer.json"
    own.save(str(path))
    return path


@pytest.fixture(scope="module")
def spm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small SentencePiece model with byte fallback that leaves the text as it is."""
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_writer=buffer,
        vocab_size=400,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=0.98,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    path = tmp_path_factory.mktemp("spm") / "small.model"
    path.write_bytes(buffer.getvalue())
    return path


def test_tiktoken_counts() -> None:
    peer, encoding = load_peer("o200k_base"), tiktoken.get_encoding("o200k_base")
    assert (peer.kind, peer.vocab_size) == ("tiktoken", 200_019)
    assert [len(ids) for ids in peer.encode_batch(TEXTS)] == [len(encoding.encode(text)) for text in TEXTS]
    carried = splintr.Tokenizer.from_pretrained("o200k_base")
    assert [list(ids) for ids in peer.encode_batch(TEXTS)] == [carried.encode_ordinary(t) for t in TEXTS]


def test_tokenizers_counts(byte_level: Path) -> None:
    peer, direct = load_peer(byte_level), tokenizers.Tokenizer.from_file(str(byte_level))
    direct.no_padding()
    direct.no_truncation()
    assert (peer.kind, peer.vocab_size) == ("tokenizers", 400)
    assert peer.name == byte_level.parent.name
    assert peer.encode_batch(TEXTS) == [direct.encode(t, add_special_tokens=False).ids for t in TEXTS]


def test_a_tokenizer_of_ours(tmp_path: Path) -> None:
    pairs = [("한".encode()[:1], "한".encode()[1:2]), ("한".encode()[:2], "한".encode()[2:]), (b" ", "한".encode())]
    tokens = [bytes([byte]) for byte in range(256)] + [a + b for a, b in pairs]
    merges = [(tokens.index(a), tokens.index(b)) for a, b in pairs]
    Tokenizer(build(tokens, merges)).save(tmp_path / "ours")
    ours, same = load_peer(tmp_path / "ours"), HuggingFacePeer(tmp_path / "ours" / "tokenizer.json")
    assert (ours.name, ours.kind, ours.vocab_size) == ("ours", "gyeol", same.vocab_size)
    texts = [*TEXTS, SPECIAL, "한 한한 한"]
    assert [list(ids) for ids in ours.encode_batch(texts)] == same.encode_batch(texts)
    assert len(ours.encode_batch(["한 한한 한"])[0]) == 4
    for ids, text in zip(ours.encode_batch(texts), texts, strict=True):
        assert ours.decode_bytes(ids) == b"".join(map(ours.token_bytes, ids)) == text.encode()


def test_sentencepiece_counts(spm: Path) -> None:
    peer, direct = load_peer(spm), sentencepiece.SentencePieceProcessor(model_file=str(spm))
    assert (peer.name, peer.kind, peer.vocab_size) == ("small", "sentencepiece", 400)
    assert peer.encode_batch(TEXTS) == [direct.encode(text) for text in TEXTS]
    spelled = [b"".join(map(peer.token_bytes, ids)).decode() for ids in peer.encode_batch(TEXTS)]
    assert spelled == [" " + text for text in TEXTS]


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base", "llama3", "qwen3", "gemma3", "llama2", "gemma4"])
def test_special_tokens_in_a_text_are_text(name: str) -> None:
    peer = load_peer(name)
    (ids,) = peer.encode_batch([SPECIAL])
    assert peer.decode_bytes(ids) == SPECIAL.encode()
    assert b"".join(map(peer.token_bytes, ids)) in (SPECIAL.encode(), b" " + SPECIAL.encode())
    assert max(len(peer.token_bytes(token)) for token in ids) < len("<|endoftext|>")


def test_special_tokens_in_a_text_are_text_for_files(byte_level: Path, spm: Path) -> None:
    for peer in (load_peer(byte_level), load_peer(spm)):
        (ids,) = peer.encode_batch([SPECIAL])
        assert peer.decode_bytes(ids) == SPECIAL.encode()
        assert max(len(peer.token_bytes(token)) for token in ids) < len("<|endoftext|>")


def test_no_special_token_is_added(byte_level: Path, spm: Path) -> None:
    for spec in (byte_level, spm, "o200k_base", "qwen3", "gemma3", "modernbert"):
        peer = load_peer(spec)
        nothing, letter = peer.encode_batch(["", "a"])
        assert len(nothing) == 0, spec
        assert len(letter) <= 2, spec


@pytest.fixture(scope="module")
def lossless(byte_level: Path) -> list[Peer]:
    return load_peers(["o200k_base", "llama3", "kimi_k2", byte_level])


@given(st.text(max_size=60))
def test_tokens_spell_the_text(lossless: list[Peer], text: str) -> None:
    for peer in lossless:
        (ids,) = peer.encode_batch([text])
        assert peer.decode_bytes(ids) == text.encode()
        assert b"".join(map(peer.token_bytes, ids)) == text.encode()


def test_a_folder_is_named_after_itself(byte_level: Path, spm: Path) -> None:
    assert load_peer(byte_level.parent).name == byte_level.parent.name
    assert load_peer(spm.parent).kind == "sentencepiece"


def test_peers_are_loaded_once_and_named_apart(byte_level: Path, tmp_path: Path) -> None:
    twin = tmp_path / byte_level.parent.name / "tokenizer.json"
    twin.parent.mkdir()
    twin.write_bytes(byte_level.read_bytes())
    peers = load_peers(["cl100k_base", byte_level, "cl100k_base", twin, other := HuggingFacePeer(twin, "other")])
    assert [peer.name for peer in peers] == ["cl100k_base", byte_level.parent.name, "cl100k_base", str(twin), "other"]
    assert peers[0] is peers[2]
    with pytest.raises(InputError, match="two tokenizers"):
        load_peers([other, HuggingFacePeer(twin, "other")])


@pytest.mark.parametrize("spec", ["o200k", "no/such/file.model", "gpt-5", "runs/mistyped"])
def test_an_unknown_name_lists_the_known_ones(spec: str) -> None:
    with pytest.raises(InputError, match=r"o200k_base.*deepseek_v3") as error:
        load_peer(spec)
    assert repr(spec) in str(error.value)


def test_files_that_are_no_tokenizer(tmp_path: Path) -> None:
    for name, content in (("tokenizer.json", "{}"), ("a.model", "nothing"), ("b.txt", "text")):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=name):
            load_peer(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no tokenizer"):
        load_peer(tmp_path / "empty")
