"""``README.md`` of a saved tokenizer: the card that hubs show."""

from typing import Any

from tokenizer.vocabulary.vocabulary import Vocabulary

LICENCE = (
    "Not stated: it depends on the text that the training used. Name one here, and as `license:` at the top, before "
    "you publish this folder."
)


def tokenizer_card(vocabulary: Vocabulary) -> str:
    """The card: what the tokenizer is, what it was trained on, how to load it."""
    name = str(vocabulary.provenance.get("name") or "tokenizer")
    ordinary = vocabulary.size - len(vocabulary.special_tokens)
    return f"""---
library_name: transformers
tags: [tokenizer, gyeol]
---

# {name}

A byte-level BPE tokenizer of {vocabulary.size:,} ids ({ordinary:,} tokens, {len(vocabulary.special_tokens)} special
ones), made with Gyeol. Grammar `{vocabulary.grammar}`{", texts composed (NFC) first" if vocabulary.nfc else ""}.
{"It cuts text at Kiwi's morpheme boundaries first, which only Gyeol does." if vocabulary.strict else ""}
## How to load it

```python
{loading(vocabulary.strict)}
```

{begins(vocabulary)}

## How it was made

{facts(vocabulary.provenance)}
- fingerprint: `{vocabulary.fingerprint}`

## Licence

{LICENCE}
"""


def loading(strict: bool) -> str:
    """Python that loads a folder's tokenizer."""
    ours = 'from tokenizer import Tokenizer\n\ntokenizer = Tokenizer.load("FOLDER")'
    if strict:
        return ours
    return f'from transformers import AutoTokenizer\n\ntokenizer = AutoTokenizer.from_pretrained("FOLDER")\n\n{ours}'


def begins(vocabulary: Vocabulary) -> str:
    """What stands before a text, for people."""
    if not vocabulary.adds_bos:
        return "No token is put before a text."
    return (
        f"`{vocabulary.roles['bos']}` stands before every text that a model is given: transformers, vLLM and llama.cpp "
        "put it there, `Tokenizer.encode` of Gyeol and `add_special_tokens=False` of the others do not."
    )


def facts(provenance: dict[str, Any]) -> str:
    """How it was trained, as a list; ``gyeol.json`` has the rest."""
    corpus = provenance.get("corpus") or {}
    sizes = list((corpus.get("files") or {}).values())
    known = {
        "recipe": provenance.get("recipe"),
        "corpus": sizes and f"{len(sizes):,} files, {sum(sizes):,} bytes",
        "SHA-256 of the corpus": corpus.get("sha256"),
        "continued from": provenance.get("continued_from"),
        "extends": provenance.get("extends")
        and "{name}, {ids:,} ids, fingerprint {fingerprint}".format_map(provenance["extends"]),
        "versions": ", ".join(f"{name} {version}" for name, version in (provenance.get("versions") or {}).items()),
    }
    return "\n".join([f"- {name}: {value}" for name, value in known.items() if value] + ["- the rest: `gyeol.json`"])
