"""Several sizes by one training: the figures are those of measure and encode, the folder is whole or not there, and the
advice says what the figures do."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from rich.console import Console

import cli
import samples
from benchmarks.fertility import measure
from benchmarks.fertility.results import as_json
from benchmarks.report.size_tables import print_sizes
from benchmarks.size_figures import PRESETS, Cost, SizeFigures, advice, least_work
from benchmarks.sizes import SIZES_FOLDER, compare_sizes, texts_to_measure, token_counts, unused_share
from model.config import preset
from tokenizer import InputError, Tokenizer, train
from tokenizer.training import train_sizes

SIZES = [700, 1200, 2000]
FILES = sorted(str(path) for path in samples.folder().glob("*.txt"))


class Compared(NamedTuple):
    out: Path
    result: Any


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    out = tmp_path_factory.mktemp("sizes") / "sizes"
    return Compared(out, compare_sizes([str(samples.folder())], SIZES, out))


def test_the_measured_files_are_not_trained_on(compared: Compared) -> None:
    names = [Path(source.path).name for source in compared.result.measured]
    assert names == ["code.txt", "news.txt"]
    assert compared.result.left_out
    without = [samples.folder() / name for name in names]
    again = train_sizes([str(samples.folder())], SIZES, without=without)
    for tokenizer, own in zip(again, compared.result.sizes, strict=True):
        assert (tokenizer.vocab_size, tokenizer.fingerprint) == (own.vocab_size, own.fingerprint)
        assert Tokenizer.load(compared.out / str(own.vocab_size)).fingerprint == own.fingerprint
    record = again[0].vocabulary.provenance
    assert [source["name"] for source in record["sources"]] == [samples.folder().name]  # still one folder
    sizes = [Path(path).stat().st_size for path in FILES if Path(path).name not in names]
    assert record["corpus"]["bytes"] == sum(sizes)


def test_figures_are_those_of_measure_and_of_the_model(compared: Compared) -> None:
    texts = [str(samples.folder() / name) for name in ("code.txt", "news.txt")]
    report = measure([compared.out / "1200"], texts)
    figures, own = report.results["1200"], compared.result.sizes[1]
    assert own.ratio == {group: part.ratio["o200k_base"] for group, part in figures.groups.items()}
    assert own.characters_per_token == pytest.approx(figures.total.characters_per_token)
    for shape in PRESETS:
        config = preset(shape, 1280)  # padded
        cost = own.costs[shape]
        assert cost.parameters == config.parameters
        assert cost.embedding_share == pytest.approx(1280 * config.hidden_size / config.parameters)
        work = config.flops_per_token(config.max_context) / own.characters_per_token
        assert cost.operations_per_character == pytest.approx(work)


def test_unused_tokens_are_those_that_no_training_text_has(compared: Compared) -> None:
    tokenizer, own = Tokenizer.load(compared.out / "2000"), compared.result.sizes[2]
    trained = [Path(path).read_text("utf-8") for path in FILES if not path.endswith(("code.txt", "news.txt"))]
    used = {i for text in trained for i in tokenizer.encode(text)}
    ours = [i for i in range(2000) if len(tokenizer.token_bytes(i)) > 1 and i not in tokenizer.special_tokens.values()]
    assert own.unused_share == pytest.approx(sum(i not in used for i in ours) / len(ours))
    assert unused_share(tokenizer, np.zeros(2000, dtype=np.int64), first=2000) is None
    (counts,) = token_counts([tokenizer], [str(samples.folder())], [samples.folder() / name for name in ("code.txt",)])
    assert counts.sum() == sum(len(tokenizer.encode(Path(path).read_text("utf-8"))) for path in FILES[1:])


def test_the_folder_holds_what_is_printed(compared: Compared) -> None:
    written = json.loads((compared.out / "sizes.json").read_text("utf-8"))
    assert written == as_json(compared.result)
    assert written["provenance"]["versions"]["numpy"] == np.__version__
    assert SIZES_FOLDER.is_at(compared.out)
    assert SIZES_FOLDER.foreign(compared.out) == []
    picture = (compared.out / "sizes.svg").read_text("utf-8")
    for word in ("Korean", "code", *PRESETS, "1,200"):
        assert f">{word}<" in picture
    console = Console(record=True, width=80, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    print_sizes(compared.result, compared.out, console)
    tables = [line for line in console.export_text().splitlines() if line.startswith(("│", "┃"))]
    assert max(map(len, tables)) <= 80
    assert len([line for line in tables if "1,200" in line]) == 2


def figures(vocab_size: int, korean: float, rate: float, unused: float | None = 0.0) -> SizeFigures:
    costs = {shape: Cost.of(shape, vocab_size, rate) for shape in PRESETS}
    return SizeFigures(vocab_size, "", {"Korean": korean}, rate, unused, costs)


def test_advice_says_what_the_figures_do() -> None:
    sizes = [figures(16_384, 1.2, 1.93), figures(32_768, 1.4, 2.2), figures(65_536, 1.6, 2.42, 0.114)]
    least = least_work(sizes)
    assert least == {"nano": 16_384, "mini": 16_384, "small": 32_768, "base": 65_536, "large": 65_536}
    found = advice(sizes, [16_384, 32_768, 65_536], "left-out", "curriculum", {"Korean": 2.0, "code": 1.0})
    assert found == [
        "Least work per character of left-out text: nano and mini 16,384 ids, small 32,768, base and large 65,536.",
        "65,536 is too many for the training text: 11% of its tokens never occur in it.",
        "gyeol-100k takes 20.0% fewer tokens on the left-out Korean text than the 65,536 ids trained here: "
        "gyeol train ... --continue-from gyeol-100k --vocab-size ... extends it.",
    ]
    for shipped in (None, {"Korean": 1.5}, {"Korean": 1.601}, {"Korean": None}, {"code": 2.0}):
        assert len(advice(sizes, [65_536], "left-out", "curriculum", shipped)) == 2
    assert len(advice(sizes, [65_536], "left-out", "plain", {"Korean": 2.0})) == 2
    two = [figures(700, 1, 1, 0.06), figures(900, 1, 1.1, 0.2)]
    assert advice(two, [9999], "measured", "curriculum", None)[1:] == [
        "The corpus fills only 900 of 9,999 ids.",
        "700 and 900 are too many for the training text: 6% and 20% of their tokens never occur in it.",
    ]
    assert len(advice([figures(700, 1, 1, None)], [700], "measured", "curriculum", None)) == 1


def test_texts_to_measure(tmp_path: Path) -> None:
    texts, without = texts_to_measure([*FILES, str(samples.folder())], [])  # each once
    assert texts == without
    assert len(without) == 2
    other = tmp_path / "other.txt"
    shutil.copy(FILES[0], other)
    assert texts_to_measure(FILES, [tmp_path]) == ([other], [])
    (tmp_path / "link.txt").symlink_to(FILES[0])
    with pytest.raises(InputError, match=r"link.txt: in the corpus and in eval_texts too"):
        texts_to_measure(FILES, [tmp_path])
    with pytest.raises(InputError, match=r"has 4 files, and 5 or more are needed .* with eval_texts"):
        texts_to_measure(FILES[:4], [])
    with pytest.raises(InputError, match=r"standard input can be read once"):
        texts_to_measure(["-", *FILES], [])


def test_a_corpus_that_does_not_fill_a_size(tmp_path: Path) -> None:
    out = tmp_path / "sizes"
    with pytest.raises(InputError, match=r"fills only [\d,]+ of 99,999 ids"):
        compare_sizes(FILES, [900, 99_999], out, recipe="plain")
    assert list(tmp_path.iterdir()) == []
    done = compare_sizes(FILES, [900, 88_888, 99_999], out, recipe="plain", fill_what_you_can=True)
    assert done.sizes[0].vocab_size == 900
    assert len(done.sizes) == 2  # the two that are not filled are the same
    assert f"The corpus fills only {done.sizes[1].vocab_size:,} of 99,999 ids." in done.advice
    assert {path.name for path in out.iterdir() if path.is_dir()} == {str(size.vocab_size) for size in done.sizes}


def test_going_on_from_a_tokenizer(tmp_path: Path) -> None:
    old = train(FILES[:2], 700, recipe="plain")
    done = compare_sizes(FILES[2:], [700, 900], tmp_path / "sizes", recipe="plain", continue_from=old)
    assert done.sizes[0].unused_share is None  # no token is new
    assert done.sizes[1].unused_share is not None
    for size in ("700", "900"):
        new = Tokenizer.load(tmp_path / "sizes" / size)
        assert [new.token_bytes(i) for i in range(700)] == [old.token_bytes(i) for i in range(700)]


def test_without_matplotlib_there_is_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("benchmarks.sizes.importlib.util.find_spec", lambda name: None)
    compare_sizes(FILES[1:], [700], tmp_path / "sizes", recipe="plain", eval_texts=[FILES[0]])
    assert sorted(path.name for path in (tmp_path / "sizes").iterdir()) == ["700", "sizes.json"]
    assert [message for message in caplog.messages if "matplotlib" in message] == [
        f"{tmp_path / 'sizes'}: without sizes.svg, which needs matplotlib; run: pip install 'gyeol[report]'"
    ]


def test_a_text_that_holds_nothing_is_named_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.sizes.train_sizes", None)
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(InputError, match="holds no text"):
        compare_sizes(FILES, [700], tmp_path / "sizes", eval_texts=[tmp_path / "empty.txt"])


def test_the_shipped_vocabulary_is_measured_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.sizes.SHIPPED", "cl100k_base")
    done = compare_sizes(FILES[2:], [700], tmp_path / "sizes", eval_texts=[FILES[1]])
    ratio = measure(["cl100k_base"], [FILES[1]]).results["cl100k_base"].groups["Korean"].ratio["o200k_base"]
    assert done.shipped == {"Korean": ratio}
    assert "fewer tokens on the measured Korean text than the 700 ids trained here" in done.advice[-1]
    monkeypatch.setattr("benchmarks.sizes.SHIPPED", str(tmp_path / "none"))  # one that cannot be loaded
    done = compare_sizes(FILES[2:], [700], tmp_path / "other", eval_texts=[FILES[1]])
    assert done.shipped is None


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


def gyeol(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> Outcome:
    monkeypatch.setattr(sys, "argv", ["gyeol", *map(str, arguments)])
    capfd.readouterr()
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return Outcome(int(stop.value.code or 0), *capfd.readouterr())


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--sizes", "700,900", "--recipe", "plain", "--eval", FILES[-1], "--out", "s"]
    done = gyeol(monkeypatch, capfd, "train", *FILES[:3], *options)
    assert done.code == 0
    assert "Measured on 1 file outside the corpus" in done.out
    assert "Least work per character of measured text: nano" in done.out
    again = gyeol(monkeypatch, capfd, "train", *FILES[:3], *options)
    assert (again.code, "already holds a comparison of sizes" in again.err, "--force" in again.err) == (2, True, True)
    forced = gyeol(monkeypatch, capfd, "train", *FILES[:3], *options, "--force", "--json")
    assert (forced.code, json.loads(forced.out)) == (0, json.loads((tmp_path / "s" / "sizes.json").read_text("utf-8")))
    (tmp_path / "s" / "mine").mkdir()
    (tmp_path / "s" / "mine" / "gyeol.json").write_text("{}")
    kept = gyeol(monkeypatch, capfd, "train", *FILES[:3], *options, "--force")
    assert (kept.code, "do not belong to a comparison of sizes (mine/gyeol.json)" in kept.err) == (2, True)


BAD = {
    "no number": (["--sizes", "16k"], "'16k' is not a number of ids; give sizes as in --sizes 16384"),
    "nothing": (["--sizes", ""], "'' is not a number of ids"),
    "descending": (["--sizes", "900,700"], "sizes 900, 700: name one or more, each larger than the last"),
    "twice": (["--sizes", "700,700"], "sizes 700, 700: name one or more"),
    "too small": (["--sizes", "300,700"], "300 is below 327"),
    "one size too": (["--sizes", "700", "--vocab-size", "32768"], "--vocab-size is one number of ids, and sizes are"),
    "eval alone": (["--eval", FILES[0]], "--eval is text to measure several sizes on; name them, as in --sizes"),
    "eval in the corpus": (["--sizes", "700", "--eval", FILES[1]], f"{FILES[1]}: in the corpus and in --eval too"),
    "few files": (["--sizes", "700"], "name other texts to measure with --eval"),
    "no eval": (["--sizes", "700", "--eval", "nowhere.txt"], "nowhere.txt: no such file or folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_in_a_line(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options, message = BAD[case]
    if case in ("descending", "twice", "too small"):
        options = [*options, "--eval", FILES[0]]
    done = gyeol(monkeypatch, capfd, "train", *FILES[1:3], *options, "--out", "s")
    assert (done.code, message in done.err, done.err.count("\n")) == (2, True, 1), done.err
    assert list(tmp_path.iterdir()) == []
