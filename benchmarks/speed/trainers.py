"""The trainers whose speed and vocabularies are compared.

They read the corpus through `tokenizer.corpus.documents` inside their clock. Those that split no text
themselves (SentencePiece) or are made to be fed lines (kiwipiepy) get its lines, from the same reader; none
needs a file of its own. All learn the same number of ordinary tokens from the same corpus.
"""

import base64
import io
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import samples
from benchmarks.speed.child import Job, clocked
from tokenizer.corpus import documents
from tokenizer.vocabulary import default_special_tokens


@dataclass(frozen=True, kw_only=True)
class TrainJob(Job):
    """One training."""

    trainer: str
    """A key of `TRAINERS`."""
    corpus: list[str]
    """Paths."""
    vocab_size: int
    """Number of ids, Gyeol's special tokens included."""
    curriculum: dict[str, Any] = field(default_factory=dict)
    """Options of `tokenizer.training.curriculum.CurriculumOptions`, for Gyeol's curriculum only."""
    text_key: str = "text"
    save: str | None = None
    """Folder to save the vocabulary to."""

    def run(self) -> dict[str, Any]:
        """Train once: the figures, and the seconds of importing and warming up before the clock."""
        train, start = TRAINERS[self.trainer].train, time.perf_counter()
        train(TrainJob(trainer=self.trainer, corpus=[str(samples.folder())], vocab_size=3000, threads=self.threads))
        warm_up = time.perf_counter() - start
        trained, figures = clocked(lambda: train(self))
        if self.save:
            trained.save(Path(self.save))
        return {"tokens": trained.tokens, "warm_up_seconds": warm_up, **figures}

    @property
    def ordinary(self) -> int:
        """Number of tokens to learn, the 256 bytes included."""
        return self.vocab_size - len(default_special_tokens())

    def texts(self) -> Iterator[str]:
        """The documents of the corpus."""
        return (document.text for document in documents(self.corpus, text_key=self.text_key))

    def lines(self) -> Iterator[str]:
        """The lines of the documents with their line ends."""
        return (line for text in self.texts() for line in text.splitlines(keepends=True))


@dataclass(frozen=True)
class Trained:
    """A trained vocabulary."""

    tokens: int
    """Number of its tokens."""
    save: Callable[[Path], object]
    """Writes it into a new folder that `benchmarks.peers.load.load_peer` reads."""


Train = Callable[[TrainJob], Trained]


def _gyeol(recipe: str) -> Train:
    def train(job: TrainJob) -> Trained:
        from tokenizer import train as train_gyeol

        options = _curriculum(**job.curriculum) if recipe == "curriculum" else None
        trained = train_gyeol(
            job.corpus, job.vocab_size, recipe=recipe, curriculum=options, threads=job.threads, text_key=job.text_key
        )
        return Trained(len(trained.vocabulary.tokens), trained.save)

    return train


def _curriculum(stages: Any = None, weights: Any = (), **others: Any) -> Any:
    """The options from their JSON form."""
    from tokenizer.training import CurriculumOptions, Stage

    if stages is not None:
        others["stages"] = tuple(Stage(level, until) for level, until in stages)
    return CurriculumOptions(weights=tuple((pattern, factor) for pattern, factor in weights), **others)


def _write(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)


def _hugging_face(job: TrainJob) -> Trained:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    from tokenizer.pretokenize import PATTERNS

    own = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PATTERNS["o200k"]), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    own.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    own.decoder = decoders.ByteLevel()
    options: dict[str, Any] = {"vocab_size": job.ordinary, "min_frequency": 2, "show_progress": False}
    trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)
    own.train_from_iterator(job.texts(), trainer)
    return Trained(int(own.get_vocab_size()), lambda folder: _write(folder, "tokenizer.json", own.to_str().encode()))


def _rustbpe(job: TrainJob) -> Trained:
    import rustbpe

    from tokenizer.pretokenize import PATTERNS

    own = rustbpe.Tokenizer()
    own.train_from_iterator(job.texts(), job.ordinary, pattern=PATTERNS["o200k"])
    ranks = b"".join(base64.b64encode(bytes(token)) + b" %d\n" % rank for token, rank in own.get_mergeable_ranks())
    return Trained(int(own.vocab_size), lambda folder: _write(folder, "ranks.tiktoken", ranks))


@cache
def _kiwi(threads: int) -> Any:
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=threads)


def _kiwipiepy(job: TrainJob) -> Trained:
    from kiwipiepy.bpe_trainer import train_bpe_tokenizer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        train_bpe_tokenizer(
            str(path),
            job.lines(),
            job.ordinary,
            min_pair_frequency=2,
            **{f"pretokenize_{tag}": True for tag in ("j", "e", "vcp", "xsv")},
            kiwi=_kiwi(job.threads),
            num_workers=job.threads,
            show_progress=False,
        )
        content = path.read_bytes()
    size = len(json.loads(content)["model"]["vocab"])
    return Trained(size, lambda folder: _write(folder, "tokenizer.json", content))


def _sentencepiece(model_type: str) -> Train:
    def train(job: TrainJob) -> Trained:
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
        model = buffer.getvalue()
        size = sentencepiece.SentencePieceProcessor(model_proto=model).get_piece_size()
        return Trained(int(size), lambda folder: _write(folder, f"{model_type}.model", model))

    return train


@dataclass(frozen=True)
class Trainer:
    """A library that trains."""

    modules: tuple[str, ...]
    """Modules that it needs."""
    train: Train
    default: bool = True
    """True if it runs when no trainer is named."""


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
