"""``tokenizer.json``, written: the form in which ``tokenizers``, ``transformers`` and vLLM load a vocabulary.

The format is that of https://github.com/huggingface/tokenizers: byte-level BPE, merges in order of rank, the grammar as
the pattern of a ``Split`` before ``ByteLevel``. It is read by `tokenizer.vocabulary.huggingface`.
"""

import json
from typing import Any

from tokenizer.vocabulary.byte_level import to_unicode
from tokenizer.vocabulary.splits import pre_tokenizer
from tokenizer.vocabulary.vocabulary import Vocabulary


def tokenizer_json(vocabulary: Vocabulary) -> str:
    """The content of ``tokenizer.json``."""
    names = list(map(to_unicode, vocabulary.tokens))
    special = vocabulary.special_ids
    for token_id, text in special.items():
        names[token_id : token_id + 1] = [text] if token_id < len(names) else []
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(token_id, text, vocabulary) for token_id, text in special.items()],
        "normalizer": {"type": "NFC"} if vocabulary.nfc else None,
        "pre_tokenizer": pre_tokenizer(vocabulary),
        "post_processor": _post_processor(vocabulary),
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": vocabulary.ignore_merges,
            "vocab": {name: i for i, name in enumerate(names) if name},
            "merges": [[names[left], names[right]] for left, right in vocabulary.merges],
        },
    }
    return json.dumps(content, ensure_ascii=False, separators=(",\n", ": "))  # `indent` takes three times as long


def _post_processor(vocabulary: Vocabulary) -> dict[str, Any] | None:
    """What puts the beginning token before a text, where a model sees it there."""
    if not vocabulary.adds_bos:
        return None
    bos = vocabulary.roles["bos"]
    special = {"SpecialToken": {"id": bos, "type_id": 0}}
    first, second = ({"Sequence": {"id": name, "type_id": i}} for i, name in enumerate("AB"))
    return {
        "type": "TemplateProcessing",
        "single": [special, first],
        "pair": [special, first, second],
        "special_tokens": {bos: {"id": bos, "ids": [vocabulary.special_tokens[bos]], "tokens": [bos]}},
    }


def _added(token_id: int, text: str, vocabulary: Vocabulary) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": token_id, "content": text, **flags, "special": text not in vocabulary.added}
