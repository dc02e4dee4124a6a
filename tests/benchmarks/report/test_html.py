"""The pages of `gyeol fertility --html` and `gyeol inspect --html`: passages, escaping, and use in a browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from copy import deepcopy
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import benchmarks.report.html
import samples
from benchmarks.fertility.measuring import measure
from benchmarks.peers.adapters import Ids, Peer
from benchmarks.peers.load import load_peers
from benchmarks.report.html import TEMPLATES, check_report, write_inspection, write_report
from benchmarks.report.html_tables import tokenizer_table
from benchmarks.report.passages import AT_MORPHEME, LENGTH, PART, PER_GROUP, SUPERWORD, Passage, cut, sample_passages
from cli import cli
from tokenizer.errors import InputError

pytestmark = pytest.mark.skipif(not all(map(find_spec, ("jinja2", "matplotlib"))), reason="needs the extra report")

HOSTILE = """</script><img src=x onerror="document.title='taken'"> {{ 7 * 7 }} <!-- 나는 집에 갔다 $a$ &amp;"""


class Pieces(Peer):
    """Cuts any text into the given pieces."""

    kind = "test"

    def __init__(self, name: str, *pieces: bytes) -> None:
        super().__init__(name, len(pieces))
        self._pieces = pieces

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        return [[*range(len(self._pieces))] for _ in texts]

    def decode_bytes(self, ids: Ids) -> bytes:
        return b"".join(self._pieces[i] for i in ids)

    def token_bytes(self, token: int) -> bytes:
        return self._pieces[token]


def pieces(name: str, text: str) -> Pieces:
    return Pieces(name, *(piece.encode() for piece in text.split("|")))


@pytest.fixture(scope="module")
def peers() -> list[Peer]:
    return load_peers(["gyeol-100k", "qwen3", "o200k_base"])


@pytest.fixture(scope="module")
def result(peers: list[Peer], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("texts")
    for name in ("news.txt", "story.txt", "english.txt", "code.txt"):
        shutil.copy(samples.folder() / name, folder)
    (folder / "<b>hostile.txt").write_text(HOSTILE, encoding="utf-8")
    (folder / "empty.txt").write_text("")
    return measure(peers[:2], [folder], against=peers[2:])


@pytest.fixture(scope="module")
def page(result: dict[str, Any], peers: list[Peer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "report.html"
    write_report(path, result, peers)
    return path


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_tokens_by_hand() -> None:
    [shown] = cut(
        [Passage("나는 학교에서")],
        [
            pieces("right", "나|는 학교|에서"),
            pieces("wrong", "나는 학|교에서"),
            pieces("words", "나는| 학교에서"),
            Pieces("bytes", "나".encode()[:1], "나".encode()[1:], "는 학교에서".encode()),
            pieces("led", " |나는 학교에서"),
            pieces("lossy", "나는|학교"),
        ],
    )
    right, wrong, words, part, led, lossy = shown["cuts"]
    assert right["tokens"] == [[0, "나"], [SUPERWORD | AT_MORPHEME, "는 학교"], [AT_MORPHEME, "에서"]]
    assert (right["superwords"], right["inside"], right["hits"]) == (1, 2, 2)
    assert wrong["tokens"] == [[SUPERWORD, "나", "는 학"], [0, "교", "에서"]]
    assert (wrong["inside"], wrong["hits"]) == (1, 0)
    assert words["tokens"] == [[0, "나", "는"], [0, " 학교", "에서"]]
    assert part["tokens"][:2] == [[PART, "<EB>"], [PART, "<82 98>"]]
    assert led["tokens"][0] == [0, " "]
    assert (lossy["exact"], lossy["tokens"]) == (False, [[0, "나는"], [0, "학교"]])
    assert (shown["characters"], shown["morphemes"]) == (7, 2)


def test_passages_are_whole_lines_or_sentences_and_always_the_same(result: dict[str, Any]) -> None:
    found = sample_passages(result["files"])
    assert found == sample_passages(result["files"])
    texts = {file["name"]: Path(file["path"]).read_text("utf-8") for file in result["files"]}
    for group in ("Korean", "English", "code"):
        assert 1 < sum(passage.group == group for passage in found) <= PER_GROUP
    for passage in found:
        text = texts[passage.file]
        assert 0 < len(passage.text) <= LENGTH
        start = text.index(passage.text)
        assert start == 0 or text[:start].rstrip(" ")[-1] in "\n.?!…\"'”’)"
    assert sample_passages([{"path": "-", "name": "-", "group": "Korean"}]) == []


def test_the_page_says_what_was_measured(page: Path, result: dict[str, Any]) -> None:
    text = page.read_text("utf-8")
    ratio = result["results"]["gyeol-100k"]["groups"]["Korean"]["ratio"]["o200k_base"]
    assert f"{ratio:.3f}" in text
    assert f"o200k_base needs {ratio:.2f} times the tokens of gyeol-100k" in text
    assert f"o200k_base의 토큰 수는 gyeol-100k의 {ratio:.2f}배입니다" in text
    assert "empty.txt: " in text
    assert text.count("<svg") == 6
    assert "{{ 7 * 7 }}" in text


def test_intervals_alignment_and_claim_where_measured(
    result: dict[str, Any], peers: list[Peer], tmp_path: Path
) -> None:
    more = deepcopy(result) | {"claim": 1.5, "alignment": {"standard": "kiwi", "problems": []}}
    for own in more["results"].values():
        for part in (own["macro"], *own["groups"].values()):
            part["intervals"]["ratio"] = {"o200k_base": [0.7, 1.875]}
            part["alignment"] = {"precision": 0.8125, "recall": 0.5, "f1": None}
            part["claim"] = {"o200k_base": "undecided"}
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


def test_the_same_result_gives_the_same_page(page: Path, result: dict[str, Any], peers: list[Peer]) -> None:
    before = page.read_bytes()
    write_report(page, result, peers)
    assert page.read_bytes() == before
    assert str(page.parent.parent).encode() not in before


def test_names_of_any_kind(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("나는 집에 갔다", encoding="utf-8")
    named = [pieces("--><script>$x$", "나는 집에 갔다"), pieces("결" * 30, "나는| 집에| 갔다")]
    write_report(tmp_path / "page.html", measure(named, [tmp_path], against=[]), named)
    assert sum(tag == "script" for tag, _ in Tags(tmp_path / "page.html").found) == 2


def test_what_is_missing_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no such folder"):
        check_report(tmp_path / "nowhere" / "page.html")
    with pytest.raises(InputError, match="is a folder"):
        check_report(tmp_path)
    with pytest.raises(InputError, match="the text is empty"):
        write_inspection(tmp_path / "page.html", "", [])
    with pytest.raises(InputError, match="lone surrogate"):
        write_inspection(tmp_path / "page.html", "a\udcff", [])
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
    done = run("fertility", "-t", "gyeol-100k", str(samples.folder() / "news.txt"), "--html", page, "--json")
    assert json.loads(done.stdout)["against"] == ["o200k_base"]
    assert "<svg" in Path(page).read_text("utf-8")
    for arguments in (["-t", "gyeol-100k", "--html", page], ["-t", "gyeol-100k", text, "--json", "--html", page]):
        assert "--html shows a TEXT" in run("inspect", *arguments).output
    assert "add --html FILE" in run("inspect", "-t", "gyeol-100k", "-t", "gyeol-200k", text).output


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


FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en",
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium, where it is installed with its driver."""
    webdriver = pytest.importorskip("selenium.webdriver")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("Chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield window
    window.quit()


def column(browser: Any, number: int) -> list[str]:
    rows = browser.find_elements("css selector", "table.sortable:first-of-type tbody tr")
    return [row.find_elements("css selector", "th, td")[number].text for row in rows[:3]]


def test_sorting_by_click_and_key(browser: Any, page: Path) -> None:
    browser.get(page.as_uri())
    assert column(browser, 0) == ["gyeol-100k", "qwen3", "o200k_base"]
    head = browser.find_elements("css selector", "thead th")[1]
    button = head.find_element("tag name", "button")
    assert head.get_attribute("aria-sort") == "none"
    button.click()
    assert (head.get_attribute("aria-sort"), column(browser, 0)) == (
        "descending",
        ["o200k_base", "qwen3", "gyeol-100k"],
    )
    button.send_keys("\ue007")  # Enter
    assert (head.get_attribute("aria-sort"), column(browser, 0)) == ("ascending", ["gyeol-100k", "qwen3", "o200k_base"])
    browser.find_element("css selector", "thead th:first-child button").click()
    assert head.get_attribute("aria-sort") == "none"
    assert column(browser, 0) == ["gyeol-100k", "o200k_base", "qwen3"]


def test_passages_in_the_browser(browser: Any, page: Path) -> None:
    browser.get(page.as_uri())
    passages = json.loads(browser.find_element("id", "data").get_attribute("textContent"))["passages"]
    options = browser.find_elements("css selector", "#passage option")
    assert len(options) == len(passages)
    assert any(HOSTILE.startswith(passage["text"]) for passage in passages)
    for option, passage in zip(options, passages, strict=True):
        option.click()
        articles = browser.find_elements("css selector", "#cuts article")
        for article, own in zip(articles, passage["cuts"], strict=True):
            assert article.find_element("tag name", "h3").text == own["name"]
            assert article.find_element("css selector", ".count b").text == str(own["count"])
            drawn = browser.execute_script(
                "return ['.token', '.superword', '.meet'].map((name) => arguments[0].querySelectorAll(name).length)",
                article.find_element("css selector", ".tokens"),
            )
            marks = sum(len(shown) - 1 + bool(flags & AT_MORPHEME) for flags, *shown in own["tokens"])
            assert drawn == [own["count"], own["superwords"], marks]
    assert browser.title.startswith("Fertility")
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.get_log("browser") == []


def test_languages_and_a_phone(browser: Any, page: Path) -> None:
    screen = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(page.as_uri())
    heading = browser.find_element("tag name", "h1")
    assert heading.text == "Tokenizer fertility"
    button = browser.find_element("id", "language")
    button.click()
    assert heading.text == "토크나이저의 토큰 소모율"
    assert browser.find_element("tag name", "html").get_attribute("lang") == "ko"
    assert browser.find_element("tag name", "optgroup").get_attribute("label") == "한국어"
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    button.click()
    assert heading.text == "Tokenizer fertility"
