"""One text cut by one or several tokenizers, one below the other on the terminal."""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

from rich.text import Text

from benchmarks.peers.load import load_peers
from benchmarks.report.terminal import Terminal
from tokenizer import Tokenizer
from tokenizer.inspection import coloured, print_vocabulary, token_text, vocabulary_record


def inspect_and_print(
    text: str | None, tokenizers: Sequence[str], print_json: Callable[[Any], None] | None = None
) -> None:
    """Print ``text`` as each tokenizer cuts it, or without a text the vocabularies in figures; by ``print_json`` as
    one record, or a list of several."""
    if text is None:
        show = vocabulary_record if print_json else print_vocabulary
        records: list[Any] = [show(Tokenizer.load(name)) for name in tokenizers]
    else:
        records = text_records(text, tokenizers)
        None if print_json else print_records(records)
    if print_json:
        print_json(records if len(records) > 1 else records[0])


def text_records(text: str, tokenizers: Sequence[str]) -> list[dict[str, Any]]:
    """Ids, tokens and byte spans of ``text`` by each tokenizer that `load_peers` takes; raises what it does."""
    records = []
    for peer in load_peers(tokenizers):
        ids = [int(token) for token in peer.encode_batch([text])[0]]
        raw = [peer.bytes_of(token) for token in ids]
        spans = pairwise(accumulate(map(len, raw), initial=0))
        tokens = [
            {"id": token, "text": token_text(own), "bytes": list(span)}
            for token, own, span in zip(ids, raw, spans, strict=True)
        ]
        records.append({"tokenizer": peer.name, "characters": len(text), "tokens": tokens})
    return records


def print_records(records: Sequence[dict[str, Any]]) -> None:
    """Print each record: the tokenizer, its number of tokens, and the text with the tokens coloured; of a single one
    the ids too."""
    console = Terminal()
    for record in records:
        tokens = record["tokens"]
        head = Text(f"{record['tokenizer']}: {len(tokens)} tokens, {record['characters']} characters", style="bold")
        console.print(head, coloured([token["text"] for token in tokens]), sep="\n", soft_wrap=True)
        if len(records) == 1:
            print(" ".join(f"{token['id']}:{token['text']!r}" for token in tokens))
