"""A vocabulary as the fields ``tokenizer.ggml.*`` of a GGUF file, from which llama.cpp encodes and decodes.

llama.cpp knows pre-tokenizers by name, each compiled in as its own code; a file cannot bring another. So a vocabulary
can be written only if its grammar is one of those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizer.errors import InputError
from tokenizer.vocabulary import Vocabulary, chat_template, to_unicode

if TYPE_CHECKING:
    from gguf import GGUFWriter

PRE_TOKENIZERS = {"o200k": "gpt-4o", "right3": "superbpe"}
"""The pre-tokenizer of llama.cpp (``llama_vocab_pre_type`` in src/llama-vocab.cpp) that cuts text as a grammar does."""

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
"""Types of tokens, as ``enum llama_token_type`` numbers them."""


def check_vocabulary(vocabulary: Vocabulary, source: object) -> None:
    """`InputError` for the vocabulary of ``source`` if llama.cpp would give other ids for the same text."""
    if vocabulary.strict:
        reason = "it splits text at Kiwi's morpheme boundaries"
    elif vocabulary.prefix_space or vocabulary.ignore_merges:
        reason = "it puts a space before a text, or takes words that are tokens whole"
    elif vocabulary.nfc:
        reason = "it composes text (NFC) before it encodes it"
    elif vocabulary.grammar not in PRE_TOKENIZERS:
        reason = f"its grammar {vocabulary.grammar!r} is not among llama.cpp's pre-tokenizers"
    else:
        return
    raise InputError(
        f"{source}: {reason}, so llama.cpp would give other ids; train a tokenizer for it "
        "(`gyeol train --digits right3`), or take the shipped gyeol-100k-gguf"
    )


def add_tokenizer(writer: GGUFWriter, vocabulary: Vocabulary, rows: int) -> None:
    """Add tokens, merges and the roles of special tokens to the fields of ``writer``.

    ``rows`` is the number of ids that the model has; those that no token has get names and the type "unused".
    """
    names = list(map(to_unicode, vocabulary.tokens))
    merges = [f"{names[left]} {names[right]}" for left, right in vocabulary.merges]
    names += [""] * (rows - len(names))
    kinds = [NORMAL] * rows
    for number, text in vocabulary.special_ids.items():
        names[number], kinds[number] = text, USER_DEFINED if text in vocabulary.added else CONTROL
    for number in [number for number, name in enumerate(names) if not name]:
        names[number], kinds[number] = f"[PAD{number}]", UNUSED

    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZERS[vocabulary.grammar])
    writer.add_token_list(names)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    add_role = {
        "bos": writer.add_bos_token_id,
        "eos": writer.add_eos_token_id,
        "eot": writer.add_eot_token_id,
        "pad": writer.add_pad_token_id,
    }
    for role, text in vocabulary.roles.items():
        add_role[role](vocabulary.special_tokens[text])
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_eos_token(False)
    if template := chat_template(vocabulary):
        writer.add_chat_template(template)
