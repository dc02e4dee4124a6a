"""A GGUF file that `model.gguf` wrote, run by stock llama.cpp (the package xllamacpp): ids, logits and continuations
beside ours."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from model import ModelConfig, Transformer, load_model
from model.export import llama_config, model_tensors
from model.gguf import export_gguf
from model.gguf_tokenizer import check_vocabulary
from model.weights import write_tensors
from tokenizer import Tokenizer
from tokenizer.errors import InputError
from tokenizer.files import write_json

COMPARED = 12
"""Positions whose logits are compared."""
_CARRIER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_layers": 1,
    "num_heads": 1,
    "num_kv_heads": 1,
}
"""The shape of the random model that a tokenizer alone is given, as llama.cpp's server wants one."""


class Parity(NamedTuple):
    """How near another engine comes to Gyeol."""

    version: str
    """The engine's package and version."""
    texts: int
    """Texts that were encoded."""
    differing: list[str]
    """Those to which the engine gives other ids."""
    largest_logit_difference: float | None
    """Largest difference of a logit, both normalised to log-probabilities; None for a tokenizer without a model."""


class LlamaCpp:
    """A GGUF file in llama.cpp's server, inside this process; in single precision throughout, so that what differs from
    torch is the order of sums."""

    def __init__(self, path: str | Path, *, context: int = 4096) -> None:
        try:
            import xllamacpp
        except ImportError:
            raise InputError("running llama.cpp needs xllamacpp; install it: pip install 'gyeol[llamacpp]'") from None
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx, params.n_parallel, params.port = context, 1, 0
        params.warmup, params.verbosity = False, 0
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED  # half precision
        self.version = f"xllamacpp {xllamacpp.__version__}"
        self._server = xllamacpp.Server(params)

    def encode(self, text: str, *, begin: bool = False, special: bool = False) -> list[int]:
        """The ids of ``text``; after the token that begins a text with ``begin``; special tokens are letters without
        ``special``. A prompt has both."""
        return self._post("/tokenize", content=text, add_special=begin, parse_special=special)["tokens"]  # type: ignore[no-any-return]

    def chat(self, messages: Sequence[dict[str, str]]) -> list[int]:
        """The ids that a chat of ``messages`` is for the model, up to where it answers."""
        prompt = self._post("/apply-template", messages=list(messages))["prompt"]
        return self.encode(prompt, begin=True, special=True)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ``ids``."""
        return self._post("/detokenize", tokens=list(ids))["content"]  # type: ignore[no-any-return]

    def generate(self, ids: Sequence[int], count: int) -> list[int]:
        """Up to ``count`` likeliest tokens after ``ids``."""
        return self._complete(ids, n_predict=count, temperature=0)["tokens"]  # type: ignore[no-any-return]

    def log_probabilities(self, ids: Sequence[int], size: int) -> NDArray[np.float64]:
        """Of each of ``size`` tokens after ``ids``: (size,)."""
        letter = self.encode("a")[0]  # the server leaves out a token that is no whole character; one that is, is forced
        answer = self._complete(ids, n_predict=1, n_probs=size, logit_bias=[[letter, 1e4]])
        found = np.full(size, np.nan)
        for entry in answer["completion_probabilities"][0]["top_logprobs"]:
            found[entry["id"]] = entry["logprob"]
        return found

    def _complete(self, ids: Sequence[int], **options: Any) -> Any:
        return self._post("/completion", prompt=list(ids), cache_prompt=False, return_tokens=True, **options)

    def _post(self, path: str, **content: Any) -> Any:
        url, head = self._server.listening_address + path, {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(content).encode(), head)) as answer:
            return json.load(answer)


def llama_cpp_parity(folder: str | Path, texts: Sequence[str]) -> Parity:
    """Export ``folder`` (a tokenizer or a model) as GGUF, run it in llama.cpp and compare on ``texts``.

    `InputError` as `model.gguf.export_gguf`, and without the package xllamacpp.
    """
    tokenizer = Tokenizer.load(folder)
    check_vocabulary(tokenizer.vocabulary, folder)
    with tempfile.TemporaryDirectory() as place:
        alone = not (Path(folder) / "config.json").exists()
        model = None if alone else load_model(folder)
        source = with_random_model(tokenizer, Path(place) / "model") if alone else Path(folder)
        export_gguf(source, Path(place) / "model.gguf")
        engine = LlamaCpp(Path(place) / "model.gguf", context=model.config.max_context if model else 512)
        differing = [text for text in texts if engine.encode(text) != tokenizer.encode(text)]
        largest = None if model is None else largest_difference(engine, model, tokenizer, texts)
    return Parity(engine.version, len(texts), differing, largest)


def largest_difference(engine: LlamaCpp, model: Transformer, tokenizer: Tokenizer, texts: Sequence[str]) -> float:
    """The largest difference of a log-probability after beginnings of the longest of ``texts``."""
    ids = [tokenizer.bos_id or 0, *tokenizer.encode(max(texts, key=len))][: model.config.max_context - 1]
    with torch.no_grad():
        ours = model(torch.tensor([ids]))[0].double().log_softmax(-1).numpy()
    ends = np.unique(np.linspace(1, len(ids), COMPARED, dtype=int))
    pairs = [(engine.log_probabilities(ids[:end], ours.shape[1]), ours[end - 1]) for end in ends]
    return float(max(np.abs(theirs - own).max() for theirs, own in pairs))


def with_random_model(tokenizer: Tokenizer, folder: Path) -> Path:
    """Write ``tokenizer`` with the smallest model, of random weights, to ``folder``."""
    tokenizer.save(folder)
    config = ModelConfig(vocab_size=tokenizer.vocab_size, max_context=512, tie_embeddings=True, **_CARRIER)
    write_json(folder / "config.json", llama_config(config, tokenizer.bos_id or 0))
    write_tensors(folder / "model.safetensors", model_tensors(Transformer(config)))
    return folder
