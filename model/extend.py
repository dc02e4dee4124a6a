"""A model whose tokenizer was extended: its Hugging Face folder, written anew with rows for the new ids.

Old rows stay bit for bit, so that the logits of old ids after old ids are what they were. Weights are read and written
one after another (`model.weights`), so that the model may be larger than the memory.
"""

import glob
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.checkpoint import CARD, CONFIG, IDENTITY, RESULT
from model.export import EMBEDDING, HEAD
from model.log import LOG
from model.new_rows import Init, check_init, new_rows
from model.weights import read_weights, weight_files, weight_shapes, weight_sizes, write_weights
from tokenizer import Tokenizer
from tokenizer.errors import InputError
from tokenizer.files import atomic_folder, read_json, write_json
from tokenizer.outputs import Kind, check_free, locked
from tokenizer.training import extend

MARKER, FORMAT = "extension.json", "gyeol-extended-model"
_WEIGHTS = ("*.safetensors", "*.index.json", "*.bin", "*.pt", "*.pth", "*.h5", "*.msgpack", "*.onnx", "*.gguf")
_TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "gyeol.json", "vocab.json", "merges.txt", "added_tokens.json"),
    *("special_tokens_map.json", "tokenizer.model", "*.tiktoken"),
)
_RUN = (CONFIG, IDENTITY, RESULT, LOG, MARKER)
_LEFT_OUT = (*_WEIGHTS, *_TOKENIZER, *_RUN, ".*")
"""Files of a model's folder that are written anew, or that are of the old weights and tokenizer."""


@dataclass(frozen=True)
class BaseModel:
    """A model to extend, checked."""

    folder: Path
    config: dict[str, Any]
    """The content of its config.json."""
    files: dict[str, Path]
    """The file of each weight."""
    tokenizer: Tokenizer
    """That of the folder."""
    rows: int
    """Rows of embedding and head, at least as many as the tokenizer has ids."""

    @property
    def tied(self) -> bool:
        """Whether the head is the embedding."""
        return HEAD not in self.files or self.config.get("tie_word_embeddings") is True

    @classmethod
    def open(cls, folder: str | Path) -> "BaseModel":
        """The model in a Hugging Face folder. `InputError` for one that is incomplete, whose weights are no
        safetensors, whose embedding and head have other names than Llama's, or fewer rows than its tokenizer has
        ids."""
        folder = Path(folder)
        config = read_json(folder / CONFIG)
        files = weight_files(folder)
        if not isinstance(config, dict) or files is None:
            raise InputError(f"{folder}: no model in safetensors files; save it with save_pretrained of transformers")
        if EMBEDDING not in files or "lm_head.bias" in files:
            raise InputError(f"{folder}: a {config.get('model_type')} model, whose weights are not named as Llama's")
        tokenizer = Tokenizer.load(folder)
        shapes = weight_shapes({name: files[name] for name in (EMBEDDING, HEAD) if name in files})
        rows = {shape[0] for shape in shapes.values()}
        if len(rows) > 1 or min(rows) < tokenizer.vocab_size:
            raise InputError(
                f"{folder}: its model has {min(rows):,} rows, but its tokenizer {tokenizer.vocab_size:,} ids; the "
                "folder mixes two models, restore it, or resize the embedding"
            )
        return cls(folder, config, files, tokenizer, rows.pop())

    def check_tokenizer(self, tokenizer: Tokenizer) -> None:
        """`InputError` unless ``tokenizer`` has all ids of the model's, for the same tokens."""
        size = self.tokenizer.vocab_size
        same = tokenizer.vocab_size >= size and all(
            tokenizer.token_bytes(i) == self.tokenizer.token_bytes(i) for i in range(size)
        )
        if not same or self.tokenizer.vocabulary.special_tokens != tokenizer.vocabulary.special_tokens:
            raise InputError(
                f"{self.folder}: the ids of its tokenizer are not those of {tokenizer.name!r}; extend the tokenizer of "
                "this folder: name it as the base"
            )


def extend_model(
    hf_folder: str | Path, tokenizer: Tokenizer, out: str | Path, init: Init = "mean", *, force: bool = False
) -> None:
    """Write the model in ``hf_folder`` as the folder ``out``, with rows for the ids that ``tokenizer`` has beyond those
    of the model's own (`tokenizer.training.extend`), made as `model.new_rows` says of ``init``.

    Weights keep their type, a tied head stays tied, ``config.json`` has the new ``vocab_size``. Rows that padded the
    old embedding are used up first. The other files of the folder are copied, but for its subfolders, weights in other
    formats, and the old tokenizer. `InputError` for a folder as `BaseModel.open` refuses it, a tokenizer that has other
    old ids, and an ``out`` that holds something; with ``force`` an older extended model is replaced, and nothing else.
    """
    check_init(init)
    with locked(out):
        check_free(out, _kind(Path(out)), force)
        model = BaseModel.open(hf_folder)
        model.check_tokenizer(tokenizer)
        with atomic_folder(out) as fresh:
            _write(model, tokenizer, init, fresh)


def extend_with_model(
    base: Tokenizer,
    corpus: Sequence[str | Path],
    model: str | Path,
    out: Path,
    *,
    init: Init = "mean",
    force: bool = False,
    **options: Any,
) -> Tokenizer:
    """Extend ``base`` by `tokenizer.training.extend` with its ``options``, and by the result the ``model`` whose
    tokenizer it is (`extend_model`), into the folder ``out``. What does not fit is refused before any work."""
    check_init(init)
    with locked(out):
        check_free(out, _kind(out), force)
        BaseModel.open(model).check_tokenizer(base)
        made = extend(base, corpus, name=out.resolve().name, **options)
        extend_model(model, made, out, init, force=force)
    return made


def _kind(out: Path) -> Kind:
    """The folder of an extended model, which holds the files that the one there says it does."""
    marker = out / MARKER
    record = read_json(marker) if marker.is_file() else {}
    names = record.get("files", []) if isinstance(record, dict) else []
    return Kind("model with added tokens", (MARKER,), FORMAT, tuple(glob.escape(str(name)) for name in names))


def _write(model: BaseModel, tokenizer: Tokenizer, init: Init, fresh: Path) -> None:
    tokenizer.save(fresh / "tokenizer")
    (fresh / "tokenizer" / CARD).unlink()  # the model has its own, if any
    for file in (fresh / "tokenizer").iterdir():
        file.rename(fresh / file.name)
    (fresh / "tokenizer").rmdir()
    for file in model.folder.iterdir():
        if file.is_file() and not any(fnmatch(file.name, pattern) for pattern in _LEFT_OUT):
            shutil.copyfile(file, fresh / file.name)
    rows = max(model.rows, tokenizer.vocab_size)
    sizes = weight_sizes(model.files)
    for name in sizes.keys() & {EMBEDDING, HEAD}:
        sizes[name] = sizes[name] // model.rows * rows
    write_weights(fresh, sizes, _weights(model, tokenizer, init))
    write_json(fresh / CONFIG, model.config | {"vocab_size": rows})
    record = {
        "format": FORMAT,
        "base": {"name": model.folder.resolve().name, "tokenizer": model.tokenizer.fingerprint, "rows": model.rows},
        "tokenizer": tokenizer.fingerprint,
        "init": init,
        "files": sorted(file.name for file in fresh.iterdir()),
    }
    write_json(fresh / MARKER, record)


def _weights(model: BaseModel, tokenizer: Tokenizer, init: Init) -> Iterator[tuple[str, Tensor]]:
    """The weights, those of embedding and head with rows for the new tokens."""
    std = float(model.config.get("initializer_range", 0.02))
    first = model.tokenizer.vocab_size
    spelled = model.tokenizer.encode_bytes([tokenizer.token_bytes(i) for i in range(first, tokenizer.vocab_size)])
    for name, tensor in read_weights(model.files):
        if name in (EMBEDDING, HEAD):
            made = new_rows(tensor, spelled, init, head=name == HEAD or model.tied, std=std)
            padding = tensor[first + len(made) :]
            tensor = torch.cat([tensor[:first], made, padding])
        yield name, tensor
