"""How many ids? Vocabularies of several sizes by one training, measured on text that is not in it.

    gyeol train corpus --sizes 16384,32768,65536 --out sizes

The measured text is a fifth of the corpus's files, which training does without (dealt by register, see
`benchmarks.folds`), or texts of one's own. Every size is compared with o200k_base on it, and its cost in models of
several shapes is computed (see `benchmarks.size_figures`). The training text is encoded once more with every size: a
token that does not occur there was not worth its id.
"""

import importlib.util
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fertility.measuring import measure
from benchmarks.fertility.results import Report, TokenizerFigures, as_json
from benchmarks.folds import FOLDS, deal
from benchmarks.peers.adapters import GyeolPeer
from benchmarks.provenance import provenance, shown_path
from benchmarks.size_figures import PRESETS, SHIPPED, Comparison, Cost, MeasuredSource, SizeFigures, advice
from tokenizer import Tokenizer
from tokenizer.corpus import STDIN, Reading, documents, find_sources, total_size
from tokenizer.errors import InputError
from tokenizer.files import atomic_folder, write_json
from tokenizer.outputs import Kind, check_free, locked
from tokenizer.progress import progress_bar
from tokenizer.text import batches
from tokenizer.training import train_sizes
from tokenizer.vocabulary import TOKENIZER_FOLDER

logger = logging.getLogger("gyeol")

FORMAT, FORMAT_VERSION = "gyeol-sizes", 1
RECORD, PICTURE = "sizes.json", "sizes.svg"
_FOLDERS = tuple("[0-9]" * digits for digits in range(3, 10))
SIZES_FOLDER = Kind(
    "comparison of sizes",
    (RECORD,),
    FORMAT,
    (
        PICTURE,
        *(f"{size}/{name}" for size in _FOLDERS for name in (*TOKENIZER_FOLDER.markers, *TOKENIZER_FOLDER.files)),
    ),
)
BASELINE = "o200k_base"


def compare_sizes(
    corpus: Sequence[str | Path],
    sizes: Sequence[int],
    out: Path,
    *,
    eval_texts: Sequence[str | Path] = (),
    force: bool = False,
    **options: Any,
) -> Comparison:
    """Train vocabularies of ``sizes`` on ``corpus``, measure them, and write all of it to the folder ``out``: a
    tokenizer's folder for each size, the figures as ``sizes.json``, and a picture where matplotlib is installed.

    ``eval_texts`` are measured; without them a fifth of the files of ``corpus`` is, and left out of training.
    ``options`` are those of `tokenizer.training.train_sizes`. Of sizes that the corpus does not fill (with
    ``fill_what_you_can``) one remains. `InputError` as `train_sizes`, `texts_to_measure` and `check_free` raise it.
    """
    if "vocab_size" in options:
        raise InputError("vocab_size is one number of ids, and sizes are several; give one of the two")
    with locked(out):
        check_free(out, SIZES_FOLDER, force)
        texts, without = texts_to_measure(corpus, eval_texts)
        if STDIN not in texts:  # a text that holds nothing is found before the training, not after it
            reading = {field.name: options[field.name] for field in fields(Reading) if field.name in options}
            with _said_before():
                next(documents(texts, **reading | {"errors": "replace"}))
        with_picture = _can_draw(out)
        found = train_sizes(list(corpus), sizes, without=without, spool_folder=out.resolve().parent, **options)
        tokenizers = list({tokenizer.vocab_size: tokenizer for tokenizer in found}.values())
        continued = options.get("continue_from")
        counts = token_counts(tokenizers, corpus, without)
        unused = [
            unused_share(tokenizer, own, continued.vocab_size if continued else 0)
            for tokenizer, own in zip(tokenizers, counts, strict=True)
        ]
        result = _comparison(corpus, sizes, tokenizers, unused, texts, bool(without))
        _write(out, result, tokenizers, with_picture)
    return result


def texts_to_measure(
    corpus: Sequence[str | Path], eval_texts: Sequence[str | Path]
) -> tuple[list[Path | str], list[Path]]:
    """The texts to measure, and those of them that training does without.

    `InputError` for standard input as a corpus, for a corpus of too few files to leave any out, and for a file of
    ``eval_texts`` that is in the corpus.
    """
    sources = find_sources(corpus)
    if STDIN in sources:
        raise InputError(
            "-: sizes read the corpus twice, standard input can be read once; save it to a file, name that"
        )
    if not eval_texts:
        files = [source for source in sources if isinstance(source, Path)]
        if len(files) < FOLDS:
            raise InputError(
                f"the corpus has {len(files)} {'file' if len(files) == 1 else 'files'}, and {FOLDS} or more are needed "
                "to leave a fifth of them out of training and measure it; name other texts to measure with eval_texts"
            )
        left_out = deal([str(file) for file in files])[0]
        return list(left_out), left_out
    texts = find_sources(eval_texts)
    known = {os.path.realpath(source) for source in sources}
    if both := [str(text) for text in texts if os.path.realpath(text) in known]:
        more = f" and {len(both) - 1} more" if len(both) > 1 else ""
        raise InputError(f"{both[0]}{more}: in the corpus and in eval_texts too; name it in one of the two")
    return texts, []


def token_counts(
    tokenizers: Sequence[Tokenizer], corpus: Sequence[str | Path], without: Sequence[Path]
) -> list[NDArray[np.int64]]:
    """How often each id occurs in the training text of ``tokenizers``, encoded with each of them, shape (ids,)."""
    reading = tokenizers[0].vocabulary.provenance["reading"]
    counts = [np.zeros(tokenizer.vocab_size, dtype=np.int64) for tokenizer in tokenizers]
    with _said_before(), progress_bar("Encoding with every size", total=total_size(corpus, without)) as bar:
        texts = (document.text for document in documents(corpus, without=without, on_progress=bar.advance, **reading))
        for batch in batches(texts):
            for own, tokenizer in zip(counts, tokenizers, strict=True):
                ids, _ = tokenizer.encode_to_array(batch)
                own += np.bincount(ids, minlength=len(own))
    return counts


def unused_share(tokenizer: Tokenizer, counts: NDArray[np.int64], first: int = 0) -> float | None:
    """Share of the tokens from ``first`` on that do not occur, bytes and special tokens left out; None of none."""
    ours = tokenizer.token_sizes > 1
    ours[:first] = False
    ours[list(tokenizer.special_tokens.values())] = False
    return float(np.mean(counts[ours] == 0)) if ours.any() else None


def _comparison(
    corpus: Sequence[str | Path],
    asked: Sequence[int],
    tokenizers: Sequence[Tokenizer],
    unused: Sequence[float | None],
    texts: Sequence[str | Path],
    left_out: bool,
) -> Comparison:
    """Everything measured on ``texts``."""
    trained = tokenizers[0].vocabulary.provenance
    peers = [GyeolPeer(tokenizer, str(tokenizer.vocab_size)) for tokenizer in tokenizers]
    report = measure([*peers, SHIPPED], texts, against=[BASELINE], **trained["reading"])
    sizes = [
        _figures(tokenizer, own, report.results[peer.name])
        for tokenizer, own, peer in zip(tokenizers, unused, peers, strict=True)
    ]
    shipped = _ratios(report.results[SHIPPED]) if SHIPPED in report.results else None
    return Comparison(
        format=FORMAT,
        version=FORMAT_VERSION,
        measure="sizes",
        provenance=provenance(),
        corpus=[shown_path(path) for path in corpus],
        recipe=trained["recipe"],
        asked=list(asked),
        left_out=left_out,
        measured=_sources(report),
        skipped=report.skipped,
        sizes=sizes,
        shipped=shipped,
        advice=advice(sizes, asked, "left-out" if left_out else "measured", trained["recipe"], shipped),
    )


def _figures(tokenizer: Tokenizer, unused: float | None, own: TokenizerFigures) -> SizeFigures:
    rate = own.total.characters / own.total.tokens
    return SizeFigures(
        vocab_size=tokenizer.vocab_size,
        fingerprint=tokenizer.fingerprint,
        ratio=_ratios(own),
        characters_per_token=rate,
        unused_share=unused,
        costs={shape: Cost.of(shape, tokenizer.vocab_size, rate) for shape in PRESETS},
    )


def _ratios(own: TokenizerFigures) -> dict[str, float | None]:
    return {group: figures.ratio[BASELINE] for group, figures in own.groups.items()}


def _sources(report: Report) -> list[MeasuredSource]:
    return [MeasuredSource(shown_path(file.path), file.group, file.characters) for file in report.files]


def _write(out: Path, result: Comparison, tokenizers: Sequence[Tokenizer], with_picture: bool) -> None:
    with atomic_folder(out) as fresh:
        for tokenizer in tokenizers:
            tokenizer.save(fresh / str(tokenizer.vocab_size))
        write_json(fresh / RECORD, as_json(result))
        if with_picture:
            from benchmarks.report.size_chart import size_picture  # needs matplotlib

            (fresh / PICTURE).write_text(size_picture(result), encoding="utf-8")


def _can_draw(out: Path) -> bool:
    """Whether matplotlib is installed; said where it is not."""
    found = importlib.util.find_spec("matplotlib") is not None
    if not found:
        logger.warning("%s: without %s, which needs matplotlib; run: pip install 'gyeol[report]'", out, PICTURE)
    return found


@contextmanager
def _said_before() -> Iterator[None]:
    """Keep what reading says of files, which is said once, from being said twice."""
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
