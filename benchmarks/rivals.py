"""The trainers and engines whose speed is compared, each run in a process of its own.

Trainers read the corpus through `tokenizer.corpus.documents` inside their clock. Those that split no text
themselves (SentencePiece) or are made to be fed lines (kiwipiepy) get its lines, from the same reader; none
needs a file of its own. All learn the same number of ordinary tokens from the same corpus, and all do it once
before the clock on the embedded samples, so that compiling and first-use tables are paid by then.

Engines encode with one vocabulary: its ranks and pattern, or its ``tokenizer.json``. Each returns what it
returns fastest; turning that into ids for the comparison is outside the clock.

``python -m benchmarks.rivals JOB ANSWER`` is what `benchmarks.timing.measure_in_child` starts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import samples
from benchmarks.timing import clocked
from tokenizer.corpus import documents
from tokenizer.vocabulary import default_special_tokens

WARM_UP_SIZE = 3000
"""Ids that the training before the clock asks for."""
Encoded = Any
Encode = Callable[[list[str]], Any]


@dataclass(frozen=True)
class TrainJob:
    """What every trainer is asked for."""

    corpus: list[str]
    vocab_size: int
    """Special tokens of Gyeol's included."""
    threads: int
    weights: list[tuple[str, float]]
    """Only for Gyeol's curriculum."""
    text_key: str = "text"

    @property
    def ordinary(self) -> int:
        """How many tokens are learnt, the 256 bytes included."""
        return self.vocab_size - len(default_special_tokens())

    def texts(self) -> Iterator[str]:
        """The documents of the corpus."""
        return (document.text for document in documents(self.corpus, text_key=self.text_key))

    def lines(self) -> Iterator[str]:
        """Their lines, line ends left on."""
        return (line for text in self.texts() for line in text.splitlines(keepends=True))


def _gyeol(recipe: str) -> Callable[[TrainJob], int]:
    def train(job: TrainJob) -> int:
        from tokenizer import train as train_gyeol
        from tokenizer.curriculum import CurriculumOptions

        options = CurriculumOptions(weights=tuple(job.weights)) if recipe == "curriculum" else None
        trained = train_gyeol(
            job.corpus,
            job.vocab_size,
            recipe=recipe,
            curriculum=options,
            threads=job.threads,
            text_key=job.text_key,
        )
        return len(trained.vocabulary.tokens)

    return train


def _hugging_face(job: TrainJob) -> int:
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    from tokenizer.o200k import PATTERN

    own = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    own.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    trainer = trainers.BpeTrainer(
        vocab_size=job.ordinary,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    own.train_from_iterator(job.texts(), trainer)
    return int(own.get_vocab_size())


def _rustbpe(job: TrainJob) -> int:
    import rustbpe

    from tokenizer.o200k import PATTERN

    own = rustbpe.Tokenizer()
    own.train_from_iterator(job.texts(), job.ordinary, pattern=PATTERN)
    return int(own.vocab_size)


@cache
def _kiwi(threads: int) -> Any:
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=threads)


def _kiwipiepy(job: TrainJob) -> int:
    from kiwipiepy.bpe_trainer import train_bpe_tokenizer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        train_bpe_tokenizer(
            str(path),
            job.lines(),
            job.ordinary,
            min_pair_frequency=2,
            pretokenize_j=True,
            pretokenize_e=True,
            pretokenize_vcp=True,
            pretokenize_xsv=True,
            kiwi=_kiwi(job.threads),
            num_workers=job.threads,
            show_progress=False,
        )
        return len(json.loads(path.read_bytes())["model"]["vocab"])


def _sentencepiece(model_type: str) -> Callable[[TrainJob], int]:
    def train(job: TrainJob) -> int:
        import io

        import sentencepiece

        buffer = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(line.rstrip("\r\n") for line in job.lines()),
            model_writer=buffer,
            model_type=model_type,
            vocab_size=job.ordinary,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            max_sentence_length=1 << 24,
            hard_vocab_limit=model_type != "unigram",  # unigram falls short of its size on a small corpus
            bos_id=-1,
            eos_id=-1,
            num_threads=job.threads,
            minloglevel=2,
        )
        return int(sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue()).get_piece_size())

    return train


@dataclass(frozen=True)
class Trainer:
    """A trainer: the modules it needs, how it trains, and whether it runs unless left out."""

    modules: tuple[str, ...]
    train: Callable[[TrainJob], int]
    """Returns how many tokens the vocabulary has."""
    default: bool = True


TRAINERS = {
    "gyeol-curriculum": Trainer(("kiwipiepy",), _gyeol("curriculum")),
    "gyeol-plain": Trainer((), _gyeol("plain")),
    "gyeol-strict": Trainer(("kiwipiepy",), _gyeol("strict"), default=False),
    "huggingface": Trainer(("tokenizers",), _hugging_face),
    "rustbpe": Trainer(("rustbpe",), _rustbpe),
    "kiwipiepy": Trainer(("kiwipiepy", "kiwipiepy.bpe_trainer"), _kiwipiepy),
    "sentencepiece-bpe": Trainer(("sentencepiece",), _sentencepiece("bpe"), default=False),
    "sentencepiece-unigram": Trainer(("sentencepiece",), _sentencepiece("unigram"), default=False),
}


@dataclass(frozen=True)
class Form:
    """A vocabulary in the forms that engines load."""

    name: str
    pattern: str
    ranks: str
    """A file of tiktoken: base64, a space, the rank."""
    folder: str | None
    """A folder as Gyeol saves it; None for o200k_base, which has none."""

    def pairs(self) -> dict[bytes, int]:
        """Token to rank."""
        lines = (line.split() for line in Path(self.ranks).read_bytes().splitlines())
        return {base64.b64decode(token): int(rank) for token, rank in lines}


def _load_gyeol(form: Form, threads: int) -> Encode:
    from tokenizer import Tokenizer

    own = Tokenizer.load(str(form.folder))
    return lambda texts: own.encode_batch(texts, threads=threads)


def _load_tiktoken(form: Form, threads: int) -> Encode:
    import tiktoken

    own = tiktoken.Encoding(form.name, pat_str=form.pattern, mergeable_ranks=form.pairs(), special_tokens={})

    def one(text: str) -> Any:
        return own.encode_to_numpy(text, disallowed_special=())

    def encode(texts: list[str]) -> list[Any]:
        if threads == 1:
            return [one(text) for text in texts]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, texts))

    return encode


def _load_tokenizers(form: Form, threads: int) -> Encode:
    from tokenizers import Tokenizer

    own = Tokenizer.from_file(f"{form.folder}/tokenizer.json")
    own.encode_special_tokens = True
    return lambda texts: own.encode_batch_fast(texts, add_special_tokens=False)


def _load_splintr(form: Form, threads: int) -> Encode:
    import splintr

    own: Any = splintr.Tokenizer.from_bytes(Path(form.ranks).read_bytes(), form.pattern)
    return own.encode_batch_flat  # type: ignore[no-any-return]


def _load_splintr_pcre2(form: Form, threads: int) -> Encode:
    import splintr

    own: Any = splintr.Tokenizer.from_bytes(Path(form.ranks).read_bytes(), form.pattern)
    return own.pcre2(True).encode_batch_flat  # type: ignore[no-any-return]


def _load_gigatoken(form: Form, threads: int) -> Encode:
    import gigatoken

    from tokenizer.o200k import PATTERN

    if form.pattern == PATTERN:
        own = gigatoken.Tokenizer.from_tiktoken(form.ranks, "o200k", {})
    else:  # it refuses what it does not know
        own = gigatoken.Tokenizer(f"{form.folder}/tokenizer.json")
    return lambda texts: own.encode_batch(texts, parallel=threads > 1)


def _load_fastokens(form: Form, threads: int) -> Encode:
    import fastokens

    own: Any = fastokens.Tokenizer.from_tiktoken(form.ranks, pattern=form.pattern)
    return own.encode_batch_flat  # type: ignore[no-any-return]


def _lists(encoded: Encoded) -> Iterable[Any]:
    return encoded


def _from_encodings(encoded: Encoded) -> Iterable[Any]:
    return (one.ids for one in encoded)


def _from_flat(encoded: Encoded) -> Iterable[Any]:
    ids, offsets = np.frombuffer(encoded[0], np.uint32), np.frombuffer(encoded[1], np.uint64)
    return np.split(ids, offsets[1:-1].astype(np.int64))


def _from_awkward(encoded: Encoded) -> Iterable[Any]:
    return (np.asarray(row) for row in encoded)


@dataclass(frozen=True)
class Engine:
    """A library that encodes: its module, how it loads a vocabulary, its fastest call and what that gives."""

    module: str
    load: Callable[[Form, int], Encode]
    """From a vocabulary and a number of threads to a function of texts."""
    method: str
    ids: Callable[[Encoded], Iterable[Any]] = _lists
    needs_folder: bool = False


ENGINES = {
    "gyeol": Engine("tokenizer", _load_gyeol, "Tokenizer.encode_batch: lists", needs_folder=True),
    "tiktoken": Engine("tiktoken", _load_tiktoken, "Encoding.encode_to_numpy: arrays"),
    "tokenizers": Engine(
        "tokenizers", _load_tokenizers, "Tokenizer.encode_batch_fast: Encodings", _from_encodings, needs_folder=True
    ),
    "splintr": Engine("splintr", _load_splintr, "Tokenizer.encode_batch_flat: bytes", _from_flat),
    "splintr-pcre2": Engine("splintr", _load_splintr_pcre2, "Tokenizer.encode_batch_flat: bytes", _from_flat),
    "gigatoken": Engine("gigatoken", _load_gigatoken, "Tokenizer.encode_batch: awkward Array", _from_awkward),
    "fastokens": Engine("fastokens", _load_fastokens, "Tokenizer.encode_batch_flat: bytes", _from_flat),
}


def run_train(job: dict[str, Any]) -> dict[str, Any]:
    """Train once: the figures, and the seconds of importing and warming up before the clock."""
    trainer = TRAINERS[job["trainer"]].train
    asked = TrainJob(**job["train"])
    start = time.perf_counter()
    trainer(TrainJob([str(samples.folder())], WARM_UP_SIZE, asked.threads, []))
    warm_up = time.perf_counter() - start
    tokens, figures = clocked(lambda: trainer(asked))
    return {"tokens": tokens, "warm_up_seconds": warm_up, **figures}


def run_encode(job: dict[str, Any]) -> dict[str, Any]:
    """Encode the texts once, after English samples: the figures, and a checksum of each text's ids."""
    engine, texts = ENGINES[job["engine"]], json.loads(Path(job["texts"]).read_bytes())
    start = time.perf_counter()
    encode = engine.load(Form(**job["form"]), job["threads"])
    encode([(samples.folder() / "english.txt").read_text(encoding="utf-8")] * job["threads"])
    warm_up = time.perf_counter() - start
    encoded, figures = clocked(lambda: encode(texts))
    rows = [np.asarray(ids, dtype=np.uint32) for ids in engine.ids(encoded)]
    sums = [hashlib.sha256(row.tobytes()).hexdigest()[:16] for row in rows]
    return {"tokens": sum(row.size for row in rows), "ids": sums, "warm_up_seconds": warm_up, **figures}


def main() -> None:
    """Do the job in the first file and write the answer, or the error, to the second."""
    job = json.loads(Path(sys.argv[1]).read_bytes())
    try:
        answer = (run_train if "trainer" in job else run_encode)(job)
    except Exception as error:  # whatever a rival raises is its answer
        answer = {"error": f"{type(error).__name__}: {error}", "input": type(error).__name__ == "InputError"}
    except BaseException as error:  # a panic of a Rust library derives from BaseException
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        answer = {"error": f"{type(error).__name__}: {error}"}
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
