"""A tokenizer or a model in the form of other programs: Hugging Face, tiktoken, llama.cpp."""

from collections.abc import Callable, Iterator
from pathlib import Path

from torch import Tensor

from model.checkpoint import CARD, CONFIG, GENERATION, stored_weights
from model.export import EMBEDDING, HEAD
from model.finished import generation_config
from model.gguf import export_gguf
from model.weights import INDEX, WEIGHTS, write_weights
from tokenizer import Tokenizer
from tokenizer.errors import InputError
from tokenizer.files import atomic_folder, read_json, write_json
from tokenizer.outputs import Kind, check_free, locked
from tokenizer.vocabulary import TOKENIZER_FOLDER, save_tiktoken, save_vocabulary

_FILES = (*TOKENIZER_FOLDER.files, CONFIG, GENERATION, WEIGHTS, INDEX, "model-*-of-*.safetensors")
MODEL_FOLDER = Kind("model for Hugging Face", TOKENIZER_FOLDER.markers, TOKENIZER_FOLDER.format, _FILES)


def export(source: str | Path, format: str, out: str | Path, *, force: bool = False) -> str:
    """Write ``source``, a tokenizer or the folder of a model, to ``out`` as ``format`` has it; what was written, in a
    line.

    ``hf`` is a folder that transformers, vLLM and SGLang load, ``tiktoken`` an installable plugin with the tokenizer,
    ``gguf`` a file for llama.cpp and Ollama. `InputError` for an unknown format, one that cannot have the same ids
    (``sentencepiece`` cannot), and when something is at ``out`` already; with ``force`` what the same export wrote
    there is replaced, and nothing else.
    """
    if format not in FORMATS:
        raise InputError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    return FORMATS[format](source, Path(out), force)


def _hugging_face(source: str | Path, out: Path, force: bool) -> str:
    tokenizer, folder = Tokenizer.load(source), Path(source)
    if not (folder / CONFIG).is_file():
        save_vocabulary(tokenizer.vocabulary, out, force=force)
        return f"{out}: the tokenizer {tokenizer.name}, {tokenizer.vocab_size:,} ids"
    sizes, tensors = _unpadded(folder, tokenizer.vocab_size)
    with locked(out):
        check_free(out, MODEL_FOLDER, force)
        with atomic_folder(out) as fresh:
            tokenizer.save(fresh / "tokenizer")
            for path in (fresh / "tokenizer").iterdir():
                path.rename(fresh / path.name)
            (fresh / "tokenizer").rmdir()
            files = write_weights(fresh, sizes, tensors)
            config = read_json(folder / CONFIG)
            write_json(fresh / CONFIG, config | {"vocab_size": tokenizer.vocab_size})
            write_json(fresh / GENERATION, generation_config(tokenizer))
            named = read_json(fresh / "tokenizer_config.json")
            write_json(fresh / "tokenizer_config.json", named | {"model_max_length": config["max_position_embeddings"]})
            if (folder / CARD).is_file():
                (fresh / CARD).write_bytes((folder / CARD).read_bytes())
    return f"{out}: a {config['architectures'][0]}, {sum(sizes.values()):,} bytes of weights in {', '.join(files[:3])}"


def _unpadded(folder: Path, vocab_size: int) -> tuple[dict[str, int], Iterator[tuple[str, Tensor]]]:
    """Bytes by name, and the weights one after another, with a row for each id and no more. `InputError` for a model
    with fewer rows than ids."""
    sizes, held = stored_weights(folder)
    rows = read_json(folder / CONFIG)["vocab_size"]
    if rows < vocab_size:
        raise InputError(f"{folder}: its model has {rows:,} rows, its tokenizer {vocab_size:,} ids; restore the folder")
    tables = {name: sizes[name] // rows * vocab_size for name in (EMBEDDING, HEAD) if name in sizes}
    cut = ((name, tensor[:vocab_size].clone() if name in tables else tensor) for name, tensor in held)
    return sizes | tables, cut


def _tiktoken(source: str | Path, out: Path, force: bool) -> str:
    tokenizer = Tokenizer.load(source)
    encoding = save_tiktoken(tokenizer.vocabulary, tokenizer.name, out, force=force)
    place = out if out.is_absolute() else f"./{out}"  # to pip a bare word is a name on the package index
    return f'{out}: pip install {place}, then tiktoken.get_encoding("{encoding}")'


def _gguf(source: str | Path, out: Path, force: bool) -> str:
    export_gguf(source, out, force=force)
    return f"{out}: {out.stat().st_size:,} bytes"


def _sentencepiece(source: str | Path, out: Path, force: bool) -> str:
    vocabulary = Tokenizer.load(source).vocabulary
    parts = sum(_is_part(token) for token in vocabulary.ordinary_tokens if len(token) > 1)
    raise InputError(
        f"{source}: SentencePiece cannot give the same ids: it cuts text at spaces only, not by the grammar "
        f"{vocabulary.grammar!r}, and merges characters, never bytes ({parts:,} tokens are parts of characters); "
        "export it in the format hf, tiktoken or gguf"
    )


def _is_part(token: bytes) -> bool:
    try:
        token.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


FORMATS: dict[str, Callable[[str | Path, Path, bool], str]] = {
    "hf": _hugging_face,
    "tiktoken": _tiktoken,
    "gguf": _gguf,
    "sentencepiece": _sentencepiece,
}
"""What `export` can write."""
