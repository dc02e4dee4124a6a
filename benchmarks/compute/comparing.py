"""The whole comparison: check, plan, train what is not trained yet, and report.

The folder of a comparison holds ``settings.json`` (what all arms share), ``encoded/`` (the passages in ids), ``runs/``
(what is being trained, and the models of the largest budget), ``rows/`` and ``probes/`` (raw figures of finished runs),
``comparison.json`` and ``comparison.html``. A killed comparison goes on with the same command; more tokenizers, budgets
and seeds may be added to one later.
"""

import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.compute.arms import Arm, Job, all_jobs, make_arms, tuning_jobs
from benchmarks.compute.encoded import check_lossless, fingerprint
from benchmarks.compute.options import CompareOptions, checked_budgets
from benchmarks.compute.pairs import Pair, load_pairs
from benchmarks.compute.plan import ComparePlan, plan_comparison
from benchmarks.compute.results import FORMAT, VERSION, ArmFigures, Comparison, tokenizer_figures
from benchmarks.compute.rows import Probes, Row
from benchmarks.compute.runs import best_rate, probe_job, run_job
from benchmarks.compute.texts import Texts, read_texts
from benchmarks.fertility.results import as_json
from benchmarks.peers.load import load_peers
from benchmarks.provenance import provenance, shown_path
from tokenizer.errors import InputError
from tokenizer.files import write_json
from tokenizer.outputs import is_empty, locked
from tokenizer.progress import progress_bar
from tokenizer.state_files import read_state, write_state

logger = logging.getLogger("gyeol")

SETTINGS, RESULT, PAGE = "settings.json", "comparison.json", "comparison.html"
PACKAGES = ("gyeol", "torch", "tiktoken", "tokenizers", "sentencepiece", "kiwipiepy", "numpy")
MOST_SEEDS = 100


def compare(
    tokenizers: Sequence[str],
    corpus: Sequence[str | Path],
    out: str | Path,
    *,
    eval_texts: Sequence[str | Path],
    budgets: Sequence[float],
    seeds: int = 3,
    text_key: str = "text",
    dry_run: bool = False,
    **options: Any,
) -> Comparison | ComparePlan:
    """Train a model with each of ``tokenizers`` on ``corpus`` for each budget and seed; score all on ``eval_texts``.

    ``tokenizers`` are what `benchmarks.peers.load.load_peer` takes, the first the one that the others are compared
    with; ``options`` are fields of `CompareOptions`. With ``dry_run`` the plan is returned and nothing is trained.
    Interrupted, the same call goes on. `InputError`, before anything is trained, for held-out text that stands in the
    corpus, budgets too small, tokenizers that lose text, fewer than one seed, and a folder of another comparison.
    """
    chosen = CompareOptions(**options)
    if not 1 <= seeds <= MOST_SEEDS:
        raise InputError(f"seeds is {seeds}; it must be from 1 to {MOST_SEEDS}")
    if len(set(tokenizers)) < len(tokenizers) or not tokenizers:
        raise InputError("name one or more tokenizers, each once")
    ladder, out, pairs = checked_budgets(tuple(budgets)), Path(out), load_pairs()
    peers = load_peers(tokenizers)
    with locked(out):
        texts = read_texts(corpus, eval_texts, chosen.sample, text_key)
        for peer in peers:
            check_lossless(peer, texts.held_out)
        _open(out, {"texts": texts.digest, **as_json(asdict(chosen))}, peers, texts)
        arms = make_arms(peers, texts, chosen, out)
        plan = plan_comparison(arms, ladder, seeds, texts, out, chosen.device)
        if dry_run:
            return plan
        logger.warning("%s", plan.in_words)
        rows, tuned, probes = _run(arms, ladder, seeds, texts, pairs, out, chosen.device, plan.flops)
        result = _result(arms, rows, tuned, probes, texts, pairs, corpus, ladder, seeds, chosen)
        write_json(out / RESULT, as_json(result))
        _write_page(out / PAGE, result)
    return result


def _write_page(path: Path, result: Comparison) -> None:
    """Write the page, where what it needs is installed."""
    from benchmarks.report.compute_page import write_comparison

    try:
        write_comparison(path, result)
    except InputError as error:
        logger.warning("%s", error)


def _run(
    arms: Sequence[Arm],
    budgets: Sequence[float],
    seeds: int,
    texts: Texts,
    pairs: Sequence[Pair],
    out: Path,
    device: str,
    flops: float,
) -> tuple[list[Row], list[Row], list[Probes]]:
    """Everything that is not done yet: the rows of all runs, of those that the learning rates were chosen by, and what
    the models of the largest budget are measured by besides, by tokenizer and seed."""
    with progress_bar("Comparing, FLOP", total=flops, lines=True) as bar:

        def done(job: Job) -> Row:
            arm = arms[job.place]
            bar.note(job.name(arm))
            row = run_job(job, arm, texts, out, device, keep=job in kept)
            bar.advance(row.flops)
            return row

        kept: set[Job] = set()
        tuned = [done(job) for place, arm in enumerate(arms) for job in tuning_jobs(place, arm, budgets)]
        rates = {arm.peer.name: best_rate([row for row in tuned if row.tokenizer == arm.peer.name]) for arm in arms}
        jobs = all_jobs(arms, budgets, seeds, rates)
        kept.update(job for job in jobs if job.budget == budgets[-1])
        rows = [done(job) for job in jobs]
        probes = []
        for job in sorted(kept, key=lambda job: (job.place, job.seed)):
            bar.note(f"measuring {job.name(arms[job.place])}")
            probes.append(probe_job(job, arms[job.place], texts, pairs, out, device))
    return rows, tuned, probes


def _open(out: Path, settings: dict[str, Any], peers: Sequence[Any], texts: Texts) -> None:
    """Make the folder of a comparison, or check that the one there is the same and knows the tokenizers by their
    names."""
    path = out / SETTINGS
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder")
    if not path.exists() and out.exists() and not is_empty(out):
        raise InputError(f"{out}: is not empty and holds no comparison; name a new folder")
    record: dict[str, Any] = (
        read_state(path) if path.exists() else {"format": FORMAT, "settings": settings, "tokenizers": {}}
    )
    if different := sorted(key for key in settings if record.get("settings", {}).get(key) != settings[key]):
        raise InputError(
            f"{out}: holds another comparison ({', '.join(different)} differ); repeat its options and texts, or name a "
            "new folder"
        )
    probe = [document.text[:10_000] for document in texts.held_out]
    for peer in peers:
        known = record["tokenizers"].setdefault(peer.name, own := fingerprint(peer, probe))
        if known != own:
            raise InputError(
                f"{peer.name}: another tokenizer of that name is in the comparison {out}; give it another name, or "
                "name a new folder"
            )
    out.mkdir(parents=True, exist_ok=True)
    write_state(path, record)


def _result(
    arms: Sequence[Arm],
    rows: Sequence[Row],
    tuned: Sequence[Row],
    probes: Sequence[Probes],
    texts: Texts,
    pairs: Sequence[Pair],
    corpus: Sequence[str | Path],
    budgets: list[float],
    seeds: int,
    options: CompareOptions,
) -> Comparison:
    of = {arm.peer.name: [row for row in rows if row.tokenizer == arm.peer.name] for arm in arms}
    first = of[arms[0].peer.name]
    each = {(row.tokenizer, row.budget, row.seed, row.rate): row.seconds for row in (*tuned, *rows)}
    return Comparison(
        format=FORMAT,
        version=VERSION,
        measure="compute",
        provenance=provenance(packages=PACKAGES),
        settings=as_json(asdict(options)),
        corpus=[shown_path(path) for path in corpus],
        held_out=_held_out(texts),
        budgets=budgets,
        seeds=seeds,
        pairs=dict(Counter(pair.phenomenon for pair in pairs)),
        seconds=sum(each.values()),
        tokenizers=[
            tokenizer_figures(_arm_figures(arm, tuned), of[arm.peer.name], first, probes[place * seeds :][:seeds])
            for place, arm in enumerate(arms)
        ],
        rows=[asdict(row) for row in (*rows, *(row for row in tuned if row not in rows))],
        probes=[asdict(each) for each in probes],
    )


def _held_out(texts: Texts) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for document in texts.held_out:
        own = found.setdefault(document.group, {"bytes": 0, "files": []})
        own["bytes"] += document.bytes
        if document.file not in own["files"]:
            own["files"].append(document.file)
    return found


def _arm_figures(arm: Arm, tuned: Sequence[Row]) -> ArmFigures:
    own = [row for row in tuned if row.tokenizer == arm.peer.name]
    head = 6 * arm.shape.vocab_size * arm.shape.hidden_size
    return ArmFigures(
        name=arm.peer.name,
        kind=arm.peer.kind,
        vocab_size=arm.peer.vocab_size,
        bytes_per_token=arm.encoded.bytes_per_token,
        context=arm.context,
        parameters=arm.shape.parameters,
        flops_per_token=arm.flops_per_token,
        head_share=head / arm.flops_per_token,
        rate=best_rate(own),
        tuning={f"{row.rate:g}": row.tuning_nats / math.log(2) / row.tuning_bytes for row in own},
    )
