"""Pages to read in a browser: a fertility result with charts, tables and passages; or passages alone.

A page is one file that loads nothing: style, script, charts and data are in it, and its Content-Security-Policy
lets it run that one script and reach nothing else. It speaks English and Korean. Needs the extra ``report``
(matplotlib and Jinja2).
"""

import base64
import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.fertility.overlap import in_words
from benchmarks.fertility.results import Report, as_json
from benchmarks.metrics import GROUPS
from benchmarks.peers.adapters import Peer
from benchmarks.peers.load import load_peers
from benchmarks.report.html_tables import file_table, lead, tokenizer_table
from benchmarks.report.passages import Passage, PassageCuts, cut, sample_passages
from tokenizer.errors import InputError
from tokenizer.files import atomic_open
from tokenizer.outputs import HTML_MARK, check_file
from tokenizer.text import to_utf8

TEMPLATES = Path(__file__).parent / "templates"
PACKAGES = ("jinja2", "matplotlib")


def check_report(path: str | Path, force: bool = False) -> None:
    """Raise `InputError` if no page can be written to ``path``; an older page needs ``force``."""
    check_packages(path)
    check_file(path, HTML_MARK, force)


def check_packages(path: str | Path) -> None:
    """Raise `InputError` when a package is missing that charts and pages need."""
    if not all(map(importlib.util.find_spec, PACKAGES)):
        raise InputError(f"{path}: a page needs {' and '.join(PACKAGES)}; run: pip install 'gyeol[report]'")


def write_report(
    path: str | Path, report: Report, peers: Sequence[Peer], *, text_key: str = "text", force: bool = False
) -> None:
    """Write the report on ``peers`` as a page, with passages of its files.

    Raises `InputError` as `check_report` does, and for a file that can no longer be read.
    """
    check_report(path, force)
    from benchmarks.report.charts import ratio_charts, vocabulary_charts  # needs matplotlib

    passages = sample_passages(report.files, text_key=text_key)
    passages.sort(key=lambda passage: report.groups.index(passage.group))
    charts = {
        "ratio": {base: ratio_charts(report, base) for base in report.against},
        "vocabulary": vocabulary_charts(report),
    }
    tables = {"tokenizers": tokenizer_table(report), "files": file_table(report)}
    warnings = in_words(report.trained_on, len(report.files))
    _write(path, peers, passages, result=report, charts=charts, tables=tables, lead=lead(report), warnings=warnings)


def inspect_in_page(path: Path, text: str, tokenizers: Sequence[str | Peer], *, force: bool = False) -> str:
    """Write a page with the tokens of ``text`` by each of ``tokenizers``; what was written, in a line for people.

    Raises `InputError` as `check_report` and `load_peers` do, for a text that is empty and for one that is not Unicode.
    """
    check_report(path, force)
    peers = load_peers(tokenizers)
    if not text:
        raise InputError("the text is empty; give one to look at")
    to_utf8(text)  # not every peer refuses what is no Unicode
    (shown,) = _write(path, peers, [Passage(text=text)])
    return f"{path}: {len(text)} characters, tokens: " + ", ".join(f"{own.name} {own.count}" for own in shown.cuts)


def _write(path: str | Path, peers: Sequence[Peer], passages: Sequence[Passage], **values: Any) -> list[PassageCuts]:
    """Render the template and write it; the passages with their tokens."""
    import jinja2
    import markupsafe  # comes with Jinja2

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
        mark=markupsafe.Markup(HTML_MARK.decode()),
        passages=as_json(shown),
        groups={key: group.head for key, group in GROUPS.items()},
        style=style,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    with atomic_open(path, "w") as handle:
        handle.write(page)
    return shown
