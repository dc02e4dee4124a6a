"""Pages to read in a browser: a fertility result with charts, tables and passages; or passages alone.

A page is one file that loads nothing: style, script, charts and data are in it, and its Content-Security-Policy
lets it run that one script and reach nothing else. It speaks English and Korean. Needs the extra ``report``
(matplotlib and Jinja2).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.adapters import Peer
from benchmarks.report.html_tables import GROUPS, file_table, lead, tokenizer_table
from benchmarks.report.passages import Passage, cut, sample_passages
from benchmarks.report.terminal import groups_of
from tokenizer.errors import InputError
from tokenizer.files import atomic_open
from tokenizer.text import to_utf8

TEMPLATES = Path(__file__).parent / "templates"
PACKAGES = ("jinja2", "matplotlib")


def check_report(path: str | Path) -> None:
    """Raise `InputError` if no page can be written to ``path``: to be asked before the work, not after it."""
    path = Path(path)
    if not all(map(importlib.util.find_spec, PACKAGES)):
        raise InputError(f"{path}: a page needs {' and '.join(PACKAGES)}; run: pip install 'gyeol[report]'")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder; make it, or write the page to another one")


def write_report(path: str | Path, result: dict[str, Any], peers: Sequence[Peer], *, text_key: str = "text") -> None:
    """Write what `benchmarks.fertility.measure` returned for ``peers`` as a page, with passages of its files.

    Raises `InputError` as `check_report` does, and for a file that can no longer be read.
    """
    check_report(path)
    from benchmarks.report.charts import ratio_charts, vocabulary_charts  # needs matplotlib

    passages = sample_passages(result["files"], text_key=text_key)
    passages.sort(key=lambda passage: groups_of(result).index(passage.group))
    charts = {
        "ratio": {base: ratio_charts(result, base) for base in result["against"]},
        "vocabulary": vocabulary_charts(result),
    }
    tables = {"tokenizers": tokenizer_table(result), "files": file_table(result)}
    _write(path, peers, passages, result=result, charts=charts, tables=tables, lead=lead(result))


def write_inspection(path: str | Path, text: str, peers: Sequence[Peer]) -> dict[str, int]:
    """Write a page that shows how each of ``peers`` cuts ``text``; the number of tokens of each.

    Raises `InputError` as `check_report` does, for a text that is empty and for one that is no Unicode.
    """
    check_report(path)
    if not text:
        raise InputError("the text is empty; give one to look at")
    to_utf8(text)  # not every peer refuses what is no Unicode
    cuts = _write(path, peers, [Passage(text)])[0]["cuts"]
    return {own["name"]: own["count"] for own in cuts}


def _write(path: str | Path, peers: Sequence[Peer], passages: Sequence[Passage], **values: Any) -> list[dict[str, Any]]:
    """Render the template and write it; the passages with their tokens."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    shown = cut(passages, list(dict.fromkeys(peers)))
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    page = environment.get_template("report.html.j2").render(
        {"result": None, **values},
        passages=shown,
        groups=GROUPS,
        style=style,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    with atomic_open(path, "w") as handle:
        handle.write(page)
    return shown
