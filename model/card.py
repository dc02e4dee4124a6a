"""``README.md`` of a finished run: the card that hubs show."""

from typing import Any

from model.pretrain_config import PretrainResult
from tokenizer.vocabulary import LICENCE


def run_card(name: str, config: dict[str, Any], tokenizer: str, result: PretrainResult) -> str:
    """The card: shape by its ``config.json``, tokenizer, figures of the training, how to load it."""
    layers = f"{config['num_hidden_layers']} layers"
    heads = f"{config['num_attention_heads']} heads ({config['num_key_value_heads']} of keys and values)"
    return f"""---
library_name: transformers
pipeline_tag: text-generation
tags: [gyeol]
---

# {name}

A `{config["architectures"][0]}` of {result.parameters:,} parameters, pretrained with Gyeol: {layers},
{heads}, hidden size {config["hidden_size"]:,}, feed-forward {config["intermediate_size"]:,}, context
{config["max_position_embeddings"]:,} tokens. It continues text; it was not trained to follow instructions or to chat.
Tokenizer: {tokenizer}, {config["vocab_size"]:,} ids. The embedding has a row for each of them and no more.

## How to load it

```python
from transformers import pipeline

write = pipeline("text-generation", "FOLDER")
print(write("결을 따라", max_new_tokens=20)[0]["generated_text"])
```

`gyeol generate FOLDER --prompt "결을 따라"` does the same. A text begins with `<|endoftext|>` for the model; all of
these put it there.

## Training

| | |
|---|---:|
| tokens | {result.tokens:,} |
| steps | {result.steps:,} |
| seconds | {result.seconds:,.0f} |
| validation, bits per byte of raw text | {result.bits_per_byte:.3f} |
| the same before the first step | {result.initial_bits_per_byte:.3f} |
| the same by token frequencies alone | {result.unigram_bits_per_byte:.3f} |
| validation, nats per token | {result.validation_loss:.3f} |

The data: `pretrain.json`, which has the checksums of the shards, and every option.

## Licence

{LICENCE}
"""
