"""About 100 KB of text written for this project: Korean in several registers, some English and code."""

import shutil
from pathlib import Path


def folder() -> Path:
    """The folder with the sample ``.txt`` files."""
    return Path(__file__).resolve().parent


DEMO_END = """
The new vocabulary was trained on the very sample that it is measured on here; gyeol-100k never saw it.
Everything is left in {folder}: tokenizer/ (load it with transformers), shards/, run/ (a Llama model folder with \
log.jsonl)."""


def demo_commands(out: Path, minutes: float) -> list[list[str]]:
    """The commands of `gyeol demo`, which write below ``out``; pretraining takes so many minutes."""
    corpus, tokenizer, data, run = str(folder()), *(str(out / name) for name in ("tokenizer", "shards", "run"))
    small = ["--preset", "nano", "--context", "128", "--batch-tokens", "1024", "--tokens", "300000"]
    return [
        ["train", corpus, "--vocab-size", "4096", "--out", tokenizer],
        ["shard", "-t", tokenizer, corpus, "--out", data],
        ["pretrain", "--data", data, *small, "--minutes", str(minutes), "--out", run],
        ["fertility", "-t", tokenizer, "-t", "gyeol-100k", corpus],
        *(["generate", run, "--max-tokens", "60", "--seed", "1", "--prompt", p] for p in ("오늘은", "데이터베이스는")),
    ]


def clear_demo(out: Path) -> None:
    """Remove what a demo before left in ``out``; nothing else there is touched."""
    for name in ("tokenizer", "shards", "run"):
        shutil.rmtree(out / name, ignore_errors=True)
