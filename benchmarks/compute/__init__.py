"""Bits per byte at equal compute: what a tokenizer is worth to the language model that is trained with it.

The same compact model is trained with each tokenizer from the same raw text, for several budgets of floating-point
operations and several seeds, and scored on the same held-out documents (`comparing`). What makes the arms equal:

- `texts`: all tokenizers train on the same passages, in the same order for a seed; held-out text that is in the corpus
  is refused.
- `arms`: the context and the batch are equal in bytes, not in tokens; the operations of the output head, which grow
  with the vocabulary, count against the budget; the learning rate is tuned for each tokenizer.
- `measures`: nats of whole documents over their raw bytes; a tokenizer that loses text is refused.
- `curves`: from the finished runs to intervals over seeds, at equal operations, bytes and seconds.
"""
