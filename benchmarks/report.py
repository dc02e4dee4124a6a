"""A fertility result as one HTML file that needs no network: charts, a table that sorts, tokens side by side.

Text of any origin reaches the page in two ways only, escaped as HTML or as JSON in which ``<`` is escaped and
that the page's script shows as text.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from benchmarks.charts import KOREAN, pyplot, ratio_chart, size_chart
from benchmarks.passages import shown_passages
from benchmarks.peers import load_peers
from benchmarks.tables import figure, groups_of, left_out
from tokenizer.errors import InputError
from tokenizer.files import atomic_open

PASSAGES = 12
"""Passages of the texts that a report shows."""

LONGEST_TEXT = 20_000
"""Characters of a text that are shown side by side, at most."""

LANGUAGES = ("en", "ko")


def check_report(path: Path) -> None:
    """Raise `InputError`, before any work is done, if no report can be written to ``path``."""
    pyplot()
    _check_folder(path)


def write_report(path: Path, result: dict[str, Any]) -> None:
    """Write the report of what `benchmarks.fertility.measure` returned; `InputError` without matplotlib."""
    parts = [_summary(result), *_charts(result), _table(result), _notes(result)]
    _write(path, "".join(parts), result["passages"])


def write_side_by_side(path: Path, tokenizers: Sequence[str], text: str | None) -> None:
    """Write ``text`` with the tokens of ``tokenizers`` side by side.

    `InputError` for no text or a text of more than `LONGEST_TEXT` characters, and for an unknown tokenizer.
    """
    if not text or not text.strip():
        raise InputError("no text to show side by side; give it after the tokenizer")
    if len(text) > LONGEST_TEXT:
        raise InputError(f"the text has {len(text):,} characters; a page shows {LONGEST_TEXT:,} at most, give a part")
    _check_folder(path)
    peers = list(dict.fromkeys(load_peers(tokenizers)))
    _write(path, "", shown_passages(peers, [("", "", text)]))


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"{path}: its folder does not exist or cannot be written to")


def _write(path: Path, body: str, passages: Sequence[dict[str, Any]]) -> None:
    data = json.dumps(passages, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    page = Template((Path(__file__).parent / "report.html").read_text(encoding="utf-8"))
    with atomic_open(path, "w") as handle:
        handle.write(page.substitute(body=body, passages=data.encode("utf-8", "replace").decode()))


def _both(english: str, korean: str, tag: str = "span") -> str:
    """A label in both languages, of which the page shows one; both are HTML already."""
    return f'<{tag} lang="en">{english}</{tag}><{tag} lang="ko">{korean}</{tag}>'


def _group(group: str) -> str:
    return _both(group, KOREAN[group])


def _summary(result: dict[str, Any]) -> str:
    """The sentences for a reader in a hurry: context and cost in Korean, or in the first group there is."""
    if not (base := next(iter(result["against"]), None)):
        return ""
    group = groups_of(result)[0]
    shown = html.escape(base)
    items = []
    for name, own in result["results"].items():
        ratio = own["groups"][group]["ratio"][base]
        if name == base or not ratio:
            continue
        part, change, kind = f"<b>{html.escape(name)}</b>", abs(1 / ratio - 1), ratio >= 1
        items.append(
            "<li>"
            + _both(
                f"{part}: the same 128K window holds <b>{ratio:.2f}×</b> as much {group} as with {shown}; "
                f"it costs {change:.0%} {'less' if kind else 'more'} at the same price a token",
                f"{part}: 같은 128K 창에 {shown}보다 {KOREAN[group]}를 <b>{ratio:.2f}배</b> 담고, "
                f"토큰값이 같다면 비용이 {change:.0%} {'줄어듭니다' if kind else '늘어납니다'}",
            )
            + _claim(own["groups"][group], base, result["claim"])
            + "</li>"
        )
    return f"<section><h2>{_both('In words', '한마디로')}</h2><ul>{''.join(items)}</ul></section>"


def _claim(part: dict[str, Any], base: str, claim: float | None) -> str:
    if claim is None:
        return ""
    korean = {"met": "충족", "missed": "미달", "undecided": "판단 보류"}
    verdict = part["claim"][base]
    english = f"at least {claim:g}×: {verdict} (95%)"
    return f' <em class="{verdict}">{_both(english, f"{claim:g}배 이상: {korean[verdict]} (95%)")}</em>'


def _charts(result: dict[str, Any]) -> list[str]:
    sections = []
    for base in result["against"]:
        svgs = {language: ratio_chart(result, base, language) for language in LANGUAGES}
        title = f"Tokens of {html.escape(base)} for one token of each", f"{html.escape(base)} 토큰 수와의 비율"
        sections.append(_figure(title, svgs, _BARS))
    group = groups_of(result)[0]
    svgs = {language: size_chart(result, group, language) for language in LANGUAGES}
    sections.append(_figure(("Fertility and vocabulary size", "토큰 소모율과 어휘 크기"), svgs, _DOTS))
    return sections


_BARS = (
    "Above 1, fewer tokens. Thin lines: bootstrap 95% intervals over documents or sections. "
    "All figures are in the table below.",
    "1보다 크면 토큰을 적게 씁니다. 가는 선은 문서나 절을 다시 뽑아 구한 95% 구간입니다. 모든 값은 아래 표에 있습니다.",
)
_DOTS = ("Lower is better.", "낮을수록 좋습니다.")


def _figure(title: tuple[str, str], svgs: dict[str, str], caption: tuple[str, str]) -> str:
    charts = [
        f'<div lang="{language}" role="img" aria-label="{label}">{svgs[language]}</div>'
        for language, label in zip(LANGUAGES, title, strict=True)
    ]
    shown = f"{''.join(charts)}<figcaption>{_both(*caption)}</figcaption>"
    return f"<section><h2>{_both(*title)}</h2><figure>{shown}</figure></section>"


COLUMNS = {
    "tokens_per_character": ("tokens / char", "토큰/글자"),
    "characters_per_token": ("chars / token", "글자/토큰"),
    "bytes_per_token": ("bytes / token", "바이트/토큰"),
    "tokens_per_eojeol": ("tokens / eojeol", "토큰/어절"),
    "eojeols_whole": ("eojeols whole", "온전한 어절"),
    "eojeols_single_token": ("one token each", "한 토큰 어절"),
    "tokens_inside_character": ("end inside a char", "글자 안에서 끝남"),
    "renyi_efficiency": ("Rényi eff.", "레니 효율"),
    "vocabulary_used": ("vocabulary used", "쓰인 어휘"),
}


def _table(result: dict[str, Any]) -> str:
    """One row per tokenizer and group; the page's script sorts it by any column."""
    heads = [("tokenizer", "토크나이저"), ("register", "종류"), ("ids", "어휘 크기")]
    heads += [(f"ratio to {html.escape(base)}", f"{html.escape(base)} 대비") for base in result["against"]]
    heads += COLUMNS.values()
    aligned = bool(result["alignment"]) and "results" not in result["alignment"]
    if aligned:
        heads += [("precision", "정밀도"), ("recall", "재현율"), ("F1", "F1"), ("MorphScore", "MorphScore")]
    head = "".join(f'<th scope="col"><button>{_both(*label)}</button></th>' for label in heads)
    rows = []
    for tokenizer in result["tokenizers"]:
        own = result["results"][tokenizer["name"]]
        lossy = own["round_trip"]
        mark = "" if lossy["lossless"] else f" <small>({_both('loses', '손실')} {lossy['characters_lost']:.2%})</small>"
        for group in groups_of(result):
            part = own["groups"][group]
            cells = [f'<td data-v="{tokenizer["vocab_size"]}">{tokenizer["vocab_size"]:,}</td>']
            cells += [_cell(part["ratio"][base], part["intervals"]["ratio"][base]) for base in result["against"]]
            cells += [_cell(part[key], part["intervals"].get(key)) for key in COLUMNS]
            if aligned and (found := part.get("alignment")):
                cells += [_cell(found[key], None) for key in ("precision", "recall", "f1", "morphscore")]
            name = (
                f'<th scope="row">{html.escape(tokenizer["name"])}{mark}</th><td data-v="{group}">{_group(group)}</td>'
            )
            rows.append(f"<tr>{name}{''.join(cells)}</tr>")
    title = _both("All figures", "모든 값")
    return (
        f'<section><h2>{title}</h2><div class="wide" tabindex="0" role="region" aria-label="table">'
        f'<table id="figures"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div></section>'
    )


def _cell(value: float | None, span: Sequence[float] | None) -> str:
    between = f"<small>{span[0]:.3f}–{span[1]:.3f}</small>" if span else ""
    return f'<td data-v="{-1 if value is None else value}">{figure(value)}{between}</td>'


def _notes(result: dict[str, Any]) -> str:
    """What was left out, and where the figures come from."""
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in left_out(result))
    about = result["provenance"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items() if version)
    source = f"{about['date']}; {about['command']}; Python {about['python']}, {versions}; {about['machine']['cpu']}"
    files = f"{len(result['files'])} files, {sum(file['characters'] for file in result['files']):,} characters"
    return (
        f"<section><h2>{_both('Where it comes from', '출처')}</h2><ul>{lines}</ul>"
        f'<p class="source">{html.escape(files)}. {html.escape(source)}</p></section>'
    )
