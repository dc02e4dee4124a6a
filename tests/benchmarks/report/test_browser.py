"""The page in a browser: sorting, passages, languages, a phone."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report.passages import AT_MORPHEME
from tests.support.texts import HOSTILE

pytestmark = pytest.mark.slow

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
