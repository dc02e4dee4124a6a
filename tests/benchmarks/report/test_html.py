"""The pages of `gyeol fertility --html` and `gyeol inspect --html`: content, escaping, colours."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import benchmarks.report.html
import samples
from benchmarks.fertility.alignment import BoundaryCounts
from benchmarks.fertility.measuring import measure
from benchmarks.fertility.results import Figures, Report, Standard
from benchmarks.peers.adapters import Peer
from benchmarks.report.html import TEMPLATES, check_report, inspect_in_page, write_report
from benchmarks.report.html_tables import tokenizer_table
from cli import cli
from tests.support.peers import Fixed
from tokenizer.errors import InputError

pytestmark = pytest.mark.skipif(not all(map(find_spec, ("jinja2", "matplotlib"))), reason="needs the extra report")


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_says_what_was_measured(page: Path, result: Report) -> None:
    text = page.read_text("utf-8")
    ratio = result.results["gyeol-100k"].groups["Korean"].ratio["o200k_base"]
    assert f"{ratio:.3f}" in text
    assert f"o200k_base needs {ratio:.2f} times the tokens of gyeol-100k" in text
    assert f"o200k_base의 토큰 수는 gyeol-100k의 {ratio:.2f}배입니다" in text
    assert "empty.txt: " in text
    assert text.count("<svg") == 6
    assert "{{ 7 * 7 }}" in text


def test_intervals_alignment_and_claim_where_measured(result: Report, peers: list[Peer], tmp_path: Path) -> None:
    def more_of(own: Figures) -> Figures:
        spans = replace(own.intervals, ratio={"o200k_base": (0.7, 1.875)})
        cuts = replace(BoundaryCounts(hits=13, predicted=16, gold=26).result(), f1=None)
        return replace(own, intervals=spans, alignment=cuts, claim={"o200k_base": "undecided"})

    results = {
        name: replace(own, macro=more_of(own.macro), groups={key: more_of(part) for key, part in own.groups.items()})
        for name, own in result.results.items()
    }
    more = replace(result, claim=1.5, alignment=Standard("kiwi", []), results=results)
    write_report(tmp_path / "more.html", more, peers)
    text = (tmp_path / "more.html").read_text("utf-8")
    assert "[0.70, 1.88]" in text
    assert "0.700–1.875" in text
    assert "0.812" in text
    heads = [column.head[0] for column in tokenizer_table(more)]
    assert {"Morpheme precision", "Morpheme recall", "Morpheme F1"} <= set(heads)
    assert {"Ratio, Korean ≥ 1.5", "Ratio, all files ≥ 1.5"} <= set(heads)
    assert "판정 보류" in text


def test_the_page_loads_nothing_and_text_stays_text(page: Path) -> None:
    found = Tags(page).found
    assert not {"img", "link", "iframe", "object", "base"} & {tag for tag, _ in found}
    assert [attributes.get("type") for tag, attributes in found if tag == "script"] == ["application/json", None]
    for _, attributes in found:
        assert not any(name in ("src", "srcset", "data") or name.startswith("on") for name in attributes)
        assert all((attributes.get(name) or "#").startswith("#") for name in ("href", "xlink:href"))
    text = page.read_text("utf-8")
    assert not re.search(r"@import|url\((?!#)", text)
    assert "<b>hostile" not in text
    assert text.count("</script>") == 2


def test_the_same_result_gives_the_same_page(page: Path, result: Report, peers: list[Peer]) -> None:
    before = page.read_bytes()
    with pytest.raises(InputError, match="already exists"):
        write_report(page, result, peers)
    write_report(page, result, peers, force=True)
    assert page.read_bytes() == before
    assert str(page.parent.parent).encode() not in before


def test_names_of_any_kind(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("나는 집에 갔다", encoding="utf-8")
    named = [Fixed.of("--><script>$x$", "나는 집에 갔다"), Fixed.of("결" * 30, "나는| 집에| 갔다")]
    write_report(tmp_path / "page.html", measure(named, [tmp_path], against=[]), named)
    assert sum(tag == "script" for tag, _ in Tags(tmp_path / "page.html").found) == 2


def test_what_is_missing_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no such folder"):
        check_report(tmp_path / "nowhere" / "page.html")
    with pytest.raises(InputError, match="is a folder"):
        check_report(tmp_path)
    with pytest.raises(InputError, match="the text is empty"):
        inspect_in_page(tmp_path / "page.html", "", [])
    with pytest.raises(InputError, match="lone surrogate"):
        inspect_in_page(tmp_path / "page.html", "a\udcff", [])
    monkeypatch.setattr(benchmarks.report.html, "PACKAGES", ("jinja2", "no_such_package"))
    with pytest.raises(InputError, match=r"pip install 'gyeol\[report\]'"):
        check_report(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line(tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(cli, arguments)

    page, text = str(tmp_path / "page.html"), "결을 따라 자르면 매끄럽다."
    done = run("inspect", "-t", "gyeol-100k", "-t", "o200k_base", text, "--html", page)
    assert done.exit_code == 0
    assert re.search(r"15 characters, tokens: gyeol-100k \d+, o200k_base \d+", done.output)
    assert text in Path(page).read_text("utf-8")
    done = run("fertility", "-t", "gyeol-100k", str(samples.folder() / "news.txt"), "--html", page, "--json", "--force")
    assert json.loads(done.stdout)["against"] == ["o200k_base"]
    assert "<svg" in Path(page).read_text("utf-8")
    for arguments in (["-t", "gyeol-100k", "--html", page], ["-t", "gyeol-100k", text, "--json", "--html", page]):
        assert "--html needs a TEXT" in run("inspect", *arguments).output


def test_colours_keep_their_distance() -> None:
    """WCAG AA in both schemes: 4.5 for text, 3 for what else must be seen."""
    style = (TEMPLATES / "report.css").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    )
    for colours in (light, dark):
        tints = [colours[f"c{i}"] for i in range(4)]
        assert min(contrast(colours["ink"], ground) for ground in (colours["paper"], *tints)) >= 4.5
        assert contrast(colours["muted"], colours["paper"]) >= 4.5
        for name in ("ours", "others", "edge", "meet"):
            assert contrast(colours[name], colours["paper"]) >= 3
        assert min(contrast(colours[name], tint) for name in ("edge", "meet") for tint in tints) >= 3


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
