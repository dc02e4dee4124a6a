"""Gyeol's tokenizer: train a vocabulary, encode, decode.

>>> from tokenizer import Tokenizer, train
>>> tokenizer = train("corpus.txt", vocab_size=32_768)    # doctest: +SKIP
>>> tokenizer.save("my-tokenizer")                        # doctest: +SKIP
>>> Tokenizer.load("my-tokenizer").encode("결을 따라")     # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

from tokenizer.errors import InputError

if TYPE_CHECKING:
    from tokenizer.tokenizer import Tokenizer
    from tokenizer.training.recipes import train, train_from_iterator

__all__ = ["InputError", "Tokenizer", "train", "train_from_iterator"]


def __getattr__(name: str) -> Any:
    """Load numba and the kernels when they are first asked for, not with the package."""
    if name == "Tokenizer":
        from tokenizer.tokenizer import Tokenizer

        return Tokenizer
    if name in ("train", "train_from_iterator"):
        from tokenizer.training import recipes

        return getattr(recipes, name)
    raise AttributeError(f"module 'tokenizer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
