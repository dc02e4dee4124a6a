"""Fertility: the number of tokens that a tokenizer spends on a text, beside others, over files of one's choice.

    ratio to a baseline = tokens of the baseline / tokens of ours        above 1, ours needs fewer

Figures are taken per file and averaged over files (macro), so that a long file does not outweigh the others;
``total`` has the sums. Files are also averaged by group, the register, which is a heuristic (see
`benchmarks.fertility.tally.group_of`). Intervals are by bootstrap over documents or sections (see
`benchmarks.fertility.intervals`).

Read ``tokens_per_eojeol`` with care: an eojeol is a maximal run of non-white-space, and a vocabulary with
superwords has tokens that span several, so the figure can fall below 1 and does not say that eojeols are
kept whole.
"""

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.fertility.alignment import align
from benchmarks.fertility.boundaries import Boundaries, FileBoundaries
from benchmarks.fertility.measured_text import MeasuredText
from benchmarks.fertility.overlap import MeasuredLines, in_words, overlaps
from benchmarks.fertility.rates import results
from benchmarks.fertility.results import MeasuredFile, MeasuredTokenizer, Report, SkippedFile, Standard
from benchmarks.fertility.tally import FileText, Tally
from benchmarks.peers.adapters import Ids, Peer
from benchmarks.peers.load import NotLoaded, load_what_loads
from benchmarks.provenance import provenance
from tokenizer.corpus import documents, find_sources, total_size
from tokenizer.errors import InputError
from tokenizer.progress import progress_bar

logger = logging.getLogger("gyeol")

BATCH_CHARACTERS = 1 << 21
"""Documents are encoded together up to this many characters, from several files if need be."""

BINARY_SHARE = 0.05
"""A file with more than this share of control and undecodable characters is not taken for text."""

_SUFFIXES = re.compile(r"(\.(txt|jsonl|json|parquet|gz|xz|zst|bz2))+$")


def measure(
    tokenizers: Sequence[str | Path | Peer],
    paths: Sequence[str | Path],
    *,
    against: Sequence[str | Path | Peer] = ("o200k_base",),
    **options: Any,
) -> Report:
    """Measure ``tokenizers`` and the baselines ``against`` on every document under ``paths``.

    ``options`` and errors are those of `measure_loaded`. Unusable input is listed in ``failed`` (tokenizers),
    ``skipped`` (files) and ``alignment.problems`` of the report.
    """
    if not [*tokenizers, *against]:
        raise InputError("no tokenizer to measure; name at least one")
    return measure_loaded(*load_what_loads([*tokenizers, *against]), len(tokenizers), paths, **options)


def measure_loaded(
    loaded: Sequence[Peer | None],
    failed: list[NotLoaded],
    count: int,
    paths: Sequence[str | Path],
    *,
    claim: float | None = None,
    alignment: str | Boundaries | None = None,
    **reading: Any,
) -> Report:
    """As `measure`, with the result of `load_what_loads`: the first ``count`` are tokenizers, the others baselines.

    ``claim`` is the ratio that every ratio is compared with; ``alignment`` compares token boundaries with those of
    "kiwi", of the gold file of that path, or of a `Boundaries` (see `benchmarks.fertility.boundaries`). ``reading``
    are fields of `tokenizer.corpus.Reading`; bytes that are none of the encoding are replaced.

    Text that was in a tokenizer's training text is warned of (see `benchmarks.fertility.overlap`). Raises `InputError`
    if no tokenizer can be loaded, a path does not exist, or no file can be used.
    """
    if claim is not None and not claim > 0:
        raise InputError(f"the claim is {claim:g}; it is a ratio of tokens, above 0, as in 1.5")
    measured = list(dict.fromkeys(peer for peer in loaded if peer))
    if not any(loaded[:count] or measured):
        raise InputError("no tokenizer can be loaded: " + "; ".join(row.reason for row in failed))
    boundaries, standard = _standard(alignment, measured)
    files = _read_and_count(measured, paths, reading, boundaries)
    usable = [file for file in files if file.problem is None]
    if not usable:
        reasons = "; ".join(f"{file.path}: {file.problem}" for file in files)
        raise InputError(f"no file can be measured ({reasons or 'no files found'})")
    trained_on = overlaps(measured, {file.name: file.lines for file in usable})
    for english, _ in in_words(trained_on, len(usable)):
        logger.warning("%s", english)
    names = list(dict.fromkeys(peer.name for peer in loaded[count:] if peer))
    return Report(
        format=2,
        measure="fertility",
        provenance=provenance(),
        against=names,
        claim=claim,
        tokenizers=[MeasuredTokenizer(peer.name, peer.kind, peer.vocab_size) for peer in measured],
        failed=failed,
        files=[_describe(file) for file in usable],
        skipped=[SkippedFile(file.path, file.problem) for file in files if file.problem],
        results=results(measured, names, usable, claim, boundaries is not None),
        alignment=standard,
        trained_on=trained_on,
    )


def _standard(alignment: str | Boundaries | None, peers: Sequence[Peer]) -> tuple[Boundaries | None, Standard | None]:
    """The boundaries that the measured texts are compared with, and the standard for the report.

    A gold file brings its own texts: the tokenizers are aligned on them here.
    """
    if alignment is None:
        return None, None
    if alignment == "kiwi":
        alignment = Boundaries.from_kiwi()
    if isinstance(alignment, Boundaries):
        return alignment, Standard("kiwi", [])
    try:
        gold = FileBoundaries(alignment)
    except InputError as error:
        return None, Standard(alignment, [_reason(error, alignment)], {})
    return None, Standard(alignment, gold.problems, {peer.name: align(peer, gold.texts, gold) for peer in peers})


def _read_and_count(
    peers: Sequence[Peer], paths: Sequence[str | Path], reading: dict[str, Any], boundaries: Boundaries | None
) -> list[FileText]:
    """Read every file once and encode it with every tokenizer; an error with a file is kept in its ``problem``."""
    files = _find(paths, peers)
    readable = [file for file in files if file.problem is None]
    batch: list[tuple[FileText, MeasuredText]] = []
    waiting = 0
    with progress_bar("Fertility", total=total_size([file.path for file in readable])) as bar:
        for file in readable:
            bar.note(file.name)
            for text in _texts(file, reading, bar.advance):
                measured = MeasuredText(text, cut=".txt" in Path(file.path).suffixes or file.path == "-")
                file.add(measured)
                batch.append((file, measured))
                waiting += len(text)
                if waiting >= BATCH_CHARACTERS:
                    _count(peers, batch, boundaries)
                    batch, waiting = [], 0
            if file.problem is None:
                file.problem = _problem(file)
        _count(peers, batch, boundaries)
    return files


def _find(paths: Sequence[str | Path], peers: Sequence[Peer]) -> list[FileText]:
    """The files of ``paths``; one that is not text is kept with its problem, one that is missing raises."""
    sources: dict[str, str | None] = {}
    for path in paths:
        try:
            sources.update(dict.fromkeys(map(str, find_sources([path]))))
        except InputError as error:
            if not Path(path).exists():
                raise
            sources[str(path)] = _reason(error, str(path))
    names = _names([Path(source) for source in sources])
    return [
        FileText(name, source, [Tally() for _ in peers], MeasuredLines(peers), problem=problem)
        for name, (source, problem) in zip(names, sources.items(), strict=True)
    ]


def _texts(file: FileText, reading: dict[str, Any], on_progress: Callable[[int], None]) -> Iterator[str]:
    """The documents of one file; damage in it ends the iteration and is noted in the file."""
    try:
        for document in documents([file.path], on_progress=on_progress, **reading | {"errors": "replace"}):
            yield document.text
    except (InputError, OSError) as error:
        file.problem = _reason(error, file.path)


def _reason(error: Exception, path: str) -> str:
    """The message without the path, which stands beside it."""
    return str(error).removeprefix(path).removeprefix(": ")


def _problem(file: FileText) -> str | None:
    if not file.eojeols:
        return "holds no text but white space"
    if file.unreadable > BINARY_SHARE * file.characters:
        return f"binary: {file.unreadable / file.characters:.0%} of the characters are NUL or not UTF-8"
    return None


def _count(
    peers: Sequence[Peer], batch: Sequence[tuple[FileText, MeasuredText]], boundaries: Boundaries | None
) -> None:
    """Encode the batch with every tokenizer and add it to the tallies."""
    texts = [text for _, text in batch]
    marks = boundaries.of(texts) if boundaries else [None] * len(texts)
    for i, peer in enumerate(peers):
        encoded = peer.encode_batch([text.text for text in texts]) if texts else []
        of_file: dict[int, list[Ids]] = {}
        for (file, text), ids, own in zip(batch, encoded, marks, strict=True):
            file.tallies[i].add(text, ids, peer, own)
            of_file.setdefault(id(file), []).append(ids)
        for file in {id(file): file for file, _ in batch}.values():
            file.tallies[i].count_types(of_file[id(file)])


def _names(paths: Sequence[Path]) -> list[str]:
    """A short name for each file: without suffixes, with as many parent folders as tell it apart."""
    stems = [path.with_name(_SUFFIXES.sub("", path.name) or path.name) for path in paths]
    names = [""] * len(paths)
    for depth in range(1, max((len(stem.parts) for stem in stems), default=0) + 1):
        tails = ["/".join(stem.parts[-depth:]) for stem in stems]
        seen = Counter(tails)
        names = [name or (tail if seen[tail] == 1 else "") for name, tail in zip(names, tails, strict=True)]
    return [name or str(path) for name, path in zip(names, paths, strict=True)]


def _describe(file: FileText) -> MeasuredFile:
    shown = ("name", "path", "group", "documents", "characters", "bytes", "eojeols", "unreadable")
    share = file.hangul / file.letters if file.letters else 0.0
    return MeasuredFile(**{key: getattr(file, key) for key in shown}, hangul_share=share)
