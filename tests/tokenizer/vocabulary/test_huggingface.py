"""Folders of Hugging Face give the ids that the package tokenizers gives, before and after we save them."""

import json
import lzma
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import transformers
from hypothesis import example, given, settings
from tokenizers import AddedToken, normalizers, processors

from tests.support.foreign import PRE_TOKENIZERS, PUBLISHED, TEXTS, ids_of, published, saved, split, trained
from tests.support.texts import LINES
from tokenizer import InputError, Tokenizer
from tokenizer.pretokenize.grammars import PATTERNS
from tokenizer.reference import encode_text_by_definition
from tokenizer.vocabulary import load_vocabulary


@cache
def pair(kind: str, ignore_merges: bool, folder: Path) -> tuple[tokenizers.Tokenizer, Tokenizer]:
    """A tokenizer there and here."""
    theirs = trained(PRE_TOKENIZERS[kind], size=700 if kind == "whole" else 1500)
    path = saved(theirs, folder / f"{kind} {ignore_merges}") / "tokenizer.json"
    raw = json.loads(path.read_text("utf-8"))
    raw["model"]["ignore_merges"] = ignore_merges
    if ignore_merges:  # merges that are missing are what it is for
        raw["model"]["merges"] = [merge for i, merge in enumerate(raw["model"]["merges"]) if i % 7]
    path.write_text(json.dumps(raw), "utf-8")
    return tokenizers.Tokenizer.from_file(str(path)), Tokenizer.load(path.parent)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("foreign")


KINDS = [(kind, ignore) for kind in PRE_TOKENIZERS for ignore in (False, True) if (kind, ignore) != ("Gyeol", True)]


@pytest.mark.parametrize(("kind", "ignore_merges"), KINDS)
def test_ids_of_each_pre_tokenizer(folder: Path, kind: str, ignore_merges: bool) -> None:
    theirs, ours = pair(kind, ignore_merges, folder)
    assert ours.encode_batch(LINES) == ids_of(theirs, LINES)
    assert ours.vocab_size == theirs.get_vocab_size()
    ours.save(folder / "ours", force=True)
    again = tokenizers.Tokenizer.from_file(str(folder / "ours" / "tokenizer.json"))
    assert ids_of(again, LINES) == ids_of(theirs, LINES)
    loaded = Tokenizer.load(folder / "ours")
    assert loaded.fingerprint == ours.fingerprint
    assert loaded.encode_batch(LINES[:50]) == ours.encode_batch(LINES[:50])
    assert Tokenizer.load(folder / "ours").vocabulary == loaded.vocabulary  # from the cache
    for text in LINES[:30]:
        assert encode_text_by_definition(ours.vocabulary, text) == ours.encode(text)


@pytest.mark.parametrize(("kind", "ignore_merges"), KINDS)
@settings(max_examples=60)
@given(text=TEXTS)
@example(text="")
@example(text=" ")
def test_ids_of_any_text(folder: Path, kind: str, ignore_merges: bool, text: str) -> None:
    theirs, ours = pair(kind, ignore_merges, folder)
    ids = ours.encode(text)
    assert ids == ids_of(theirs, [text])[0]
    space = ours.vocabulary.prefix_space and text and text[0] != " "
    assert ours.decode(ids) == " " * bool(space) + text
    found, spans = ours.encode_with_offsets(text)
    assert found == ids
    assert not text or (spans[0][0], spans[-1][1]) == (0, len(text))


@pytest.mark.corpora
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_vocabularies(corpora: Path, tmp_path: Path, name: str) -> None:
    theirs = published(name)
    ours = Tokenizer.load(saved(theirs, tmp_path / name))
    texts = []
    for path in sorted((corpora / "dev").glob("*.txt.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as handle:
            texts.append(handle.read(30_000))
    assert ours.encode_batch(texts) == ids_of(theirs, texts)


ADDED = [
    AddedToken("<think>", special=False),
    AddedToken("결을 ", special=False),
    AddedToken("결을 따라", special=False, normalized=True),
    AddedToken("  ", special=False),
    AddedToken("<|endoftext|>", special=True),
    AddedToken("한국", special=True),
]


@pytest.fixture(scope="module", params=[None, normalizers.NFC()], ids=["as it is", "NFC"])
def with_added(request: pytest.FixtureRequest, folder: Path) -> tuple[tokenizers.Tokenizer, Tokenizer]:
    theirs = trained(PRE_TOKENIZERS["GPT-4o"], *ADDED)
    if request.param:
        theirs.normalizer = request.param
    return theirs, Tokenizer.load(saved(theirs, folder / f"added {request.param}"))


@given(text=TEXTS)
@example(text="<think>결을 따라  \u1112\u1161\u11ab<|endoftext|><think><think>")
def test_added_tokens_are_taken_out_of_the_text(with_added: tuple[tokenizers.Tokenizer, Tokenizer], text: str) -> None:
    theirs, ours = with_added
    assert ours.vocabulary.added == ("<think>", "결을 ", "결을 따라", "  ")
    ids = ours.encode(text)
    assert ids == ids_of(theirs, [text])[0]
    assert ours.encode_batch([text, "", text]) == [ids, [], ids]
    assert ours.encode_with_offsets(text)[0] == ids
    theirs.encode_special_tokens = False
    assert ours.encode(text, allowed_special="all") == theirs.encode(text).ids


def test_added_tokens_keep_their_ids_where_we_save(
    with_added: tuple[tokenizers.Tokenizer, Tokenizer], tmp_path: Path
) -> None:
    theirs, ours = with_added
    ours.save(tmp_path / "ours")
    again = tokenizers.Tokenizer.from_file(str(tmp_path / "ours" / "tokenizer.json"))
    texts = ["<think>결을 따라  한국<|endoftext|>", *LINES[:50]]
    assert ids_of(again, texts) == ids_of(theirs, texts) == ours.encode_batch(texts)
    again.encode_special_tokens = False
    assert again.encode(texts[0]).ids == ours.encode(texts[0], allowed_special="all")


def altered(folder: Path, out: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    out = Path(shutil.copytree(folder, out))
    raw = json.loads((out / "tokenizer.json").read_text("utf-8"))
    change(raw)
    (out / "tokenizer.json").write_text(json.dumps(raw), "utf-8")
    return out


@pytest.fixture(scope="module")
def small(folder: Path) -> Path:
    return saved(trained(PRE_TOKENIZERS["GPT-2"], AddedToken("<|endoftext|>", special=True)), folder / "small")


def twice(raw: dict[str, Any]) -> None:
    raw["model"]["merges"] += raw["model"]["merges"][:50]


def spelled(raw: dict[str, Any]) -> None:
    raw["model"]["merges"] = [" ".join(merge) for merge in raw["model"]["merges"]]


def hole(raw: dict[str, Any]) -> None:
    last = list(raw["model"]["vocab"])[-1]
    raw["model"]["vocab"][last] += 3
    raw["model"]["vocab"]["<|endoftext|>"] = raw["added_tokens"][0]["id"] = raw["model"]["vocab"][last] - 1


def special(raw: dict[str, Any]) -> None:
    raw["added_tokens"] = [{**raw["added_tokens"][0], "content": name, "id": 0} for name in ("!", "er", "다")]
    raw["added_tokens"][2]["id"] = len(raw["model"]["vocab"])


@pytest.mark.parametrize("change", [twice, spelled, hole, special])
def test_what_files_in_the_wild_have(small: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    out = altered(small, tmp_path / "altered", change)
    theirs, ours = tokenizers.Tokenizer.from_file(str(out / "tokenizer.json")), Tokenizer.load(out)
    texts = [*LINES[:200], "!er! erer", "다"]
    assert ours.encode_batch(texts) == ids_of(theirs, texts)
    assert Tokenizer.load(out / "tokenizer.json").encode_batch(texts) == ours.encode_batch(texts)
    ours.save(tmp_path / "ours")
    again = tokenizers.Tokenizer.from_file(str(tmp_path / "ours" / "tokenizer.json"))
    assert ids_of(again, texts) == ids_of(theirs, texts)
    theirs.encode_special_tokens = again.encode_special_tokens = False
    for text in texts:
        assert theirs.encode(text).ids == again.encode(text).ids == ours.encode(text, allowed_special="all")
    assert Tokenizer.load(tmp_path / "ours").fingerprint == ours.fingerprint
    assert [ours.token_bytes(i) for i in range(ours.vocab_size)].count(b"") == (2 if change is hole else 0)


def test_roles_and_template_of_the_configuration(small: Path, tmp_path: Path) -> None:
    bos = AddedToken("<s>", special=True)
    theirs = trained(
        PRE_TOKENIZERS["Llama 3"], bos, AddedToken("</s>", special=True), AddedToken("<pad>", special=True)
    )
    theirs.post_processor = processors.Sequence(
        [
            processors.ByteLevel(),
            processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", theirs.token_to_id("<s>"))]),
        ]
    )
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=theirs, bos_token=bos, eos_token="</s>", pad_token="<pad>"
    )
    fast.chat_template = "{{ messages }}"
    fast.save_pretrained(tmp_path / "fast")
    ours = Tokenizer.load(tmp_path / "fast")
    assert (ours.bos_id, ours.eos_id, ours.pad_id) == (fast.bos_token_id, fast.eos_token_id, fast.pad_token_id)
    assert ours.vocabulary.chat_template == "{{ messages }}"
    ours.save(tmp_path / "ours")
    for _ in range(2):  # from the files, then from the cache
        again = Tokenizer.load(tmp_path / "ours")
        assert (again.bos_id, again.eos_id, again.pad_id) == (ours.bos_id, ours.eos_id, ours.pad_id)
        assert again.vocabulary.chat_template == "{{ messages }}"
    bare = Tokenizer.load(small)
    assert (bare.bos_id, bare.eos_id, bare.pad_id) == (None, bare.special_tokens["<|endoftext|>"], None)
    (Path(shutil.copytree(small, tmp_path / "named")) / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": {"content": "!"}, "eos_token": None, "add_bos_token": True})
    )
    named = Tokenizer.load(tmp_path / "named")
    assert (named.bos_id, named.eos_id) == (named.encode("!")[0], None)


def test_our_folders_come_back_from_transformers(plain: Tokenizer, tmp_path: Path) -> None:
    plain.save(tmp_path / "plain")
    fast = transformers.AutoTokenizer.from_pretrained(tmp_path / "plain")
    fast.save_pretrained(tmp_path / "anew")
    anew = Tokenizer.load(tmp_path / "anew")
    assert (anew.vocabulary.grammar, anew.fingerprint) == ("o200k", plain.fingerprint)
    fast.save_pretrained(tmp_path / "plain")  # beside our gyeol.json
    assert Tokenizer.load(tmp_path / "plain").vocabulary.provenance == plain.vocabulary.provenance
    fast.add_special_tokens({"pad_token": "<|mine|>"})
    fast.add_tokens(["결을 따라"])
    fast.save_pretrained(tmp_path / "plain")
    with pytest.raises(InputError, match=r"checksum differs .* remove gyeol\.json"):
        Tokenizer.load(tmp_path / "plain")
    (tmp_path / "plain" / "gyeol.json").unlink()
    longer = Tokenizer.load(tmp_path / "plain")
    assert longer.vocab_size == len(fast) == plain.vocab_size + 2
    assert longer.pad_id == fast.pad_token_id
    for text in ("나는 결을 따라<|mine|>", *LINES[:50]):
        assert longer.encode(text, allowed_special="all") == fast(text, add_special_tokens=False)["input_ids"]


def put(**parts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda raw: raw.update(parts)


def in_model(**parts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda raw: raw["model"].update(parts)


def before(step: Any) -> Callable[[dict[str, Any]], None]:
    return lambda raw: raw.update(pre_tokenizer={"type": "Sequence", "pretokenizers": [step, raw["pre_tokenizer"]]})


SPLIT = {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Isolated", "invert": False}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (in_model(type="Unigram"), "a Unigram model, not byte-level BPE.*encode with Hugging Face tokenizers"),
        (in_model(type="WordPiece"), "a WordPiece model"),
        (in_model(byte_fallback=True), "a SentencePiece vocabulary"),
        (in_model(end_of_word_suffix="</w>"), "model.end_of_word_suffix is '</w>'"),
        (in_model(dropout=0.1), "model.dropout is 0.1"),
        (put(normalizer={"type": "Lowercase"}), "normalizer 'Lowercase'"),
        (put(pre_tokenizer=None), "not byte-level"),
        (put(pre_tokenizer={"type": "Metaspace"}), "not byte-level .*Metaspace"),
        (before({"type": "Punctuation"}), "pre-tokenizer 'Punctuation'"),
        (before(SPLIT | {"behavior": "Removed"}), "behavior 'Removed'"),
        (before(SPLIT | {"behavior": "MergedWithNext"}), "behavior 'MergedWithNext'"),
        (before(SPLIT | {"pattern": {"Regex": r"\bfoo"}}), r"has '\\\\b'"),
        (before(SPLIT | {"pattern": {"Regex": r"\p{N}{1,3}+"}}), "has '}\\+'"),
        (before(SPLIT | {"pattern": {"Regex": "("}}), "no regular expression"),
        (before(SPLIT | {"pattern": {}}), "without a pattern"),
        (before({"type": "ByteLevel"}), "behind ByteLevel"),
        (lambda raw: raw["added_tokens"][0].update(special=False, lstrip=True), "'<|endoftext|>' has lstrip"),
        (lambda raw: raw["added_tokens"][0].update(id=300), "id 300, which another token has"),
        (lambda raw: raw["added_tokens"][0].update(content="\ud800"), "no Unicode text"),
        (in_model(merges=["a b c"]), "merge 0 is"),
        (in_model(vocab={"▁a": 0}), "stands for no byte"),
    ],
)
def test_what_is_not_byte_level_is_refused_by_name(
    small: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    with pytest.raises(InputError, match=message.replace("|", r"\|")):
        Tokenizer.load(altered(small, tmp_path / "altered", change))


def test_a_vocabulary_of_bytes(tmp_path: Path) -> None:
    theirs = trained(split(PATTERNS["o200k"]), size=256)
    ours = Tokenizer.load(saved(theirs, tmp_path / "bytes"))
    assert ours.encode("결을 따라") == theirs.encode("결을 따라").ids
    assert not load_vocabulary(tmp_path / "bytes").merges


def test_long_texts_are_encoded_whole(folder: Path) -> None:
    from tokenizer.streaming import encode_stream

    theirs, ours = pair("GPT-2", False, folder)
    text = "결을\n\n따라 가면 \n\n\n나온다" * 200_000
    found = [token for ids in encode_stream(ours, [text[:1000], text[1000:]]) for token in ids.tolist()]
    assert found == ours.encode(text)
    assert found[:2000] == ids_of(theirs, [text[:50_000]])[0][:2000]
