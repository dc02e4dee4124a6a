"""Our model class beside the harness's own for the same folder, and tasks from files, offline."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cli
import samples
from benchmarks.compute.pairs import load_pairs
from model import pretrain
from tokenizer import train
from tokenizer.shards import write_shards

pytest.importorskip("lm_eval")
pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]
SHAPE = {"hidden_size": 32, "intermediate_size": 64, "num_layers": 2, "num_heads": 2, "num_kv_heads": 1}
BOOLQ = [("물은 백 도에서 끓는다.", "물은 끓는가?", 1), ("고래는 포유류다.", "고래는 물고기인가?", 0)]
COPA = [("비가 많이 왔다.", "결과", "강물이 불었다.", "땅이 말랐다.", 0)]


@pytest.fixture(scope="module", autouse=True)
def offline() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
            patch.setenv(name, "1")
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model on a vocabulary with superwords."""
    folder = tmp_path_factory.mktemp("run")
    tokenizer = train(samples.folder(), 1200, fill_what_you_can=True)
    tokenizer.save(folder / "tokenizer")
    write_shards(tokenizer, [samples.folder()], folder / "shards")
    pretrain(folder / "shards", folder / "run", shape=SHAPE, tokens=4000, context=128, batch_tokens=512, device="cpu")
    return folder / "run"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Items in the form of KoBEST."""
    folder = tmp_path_factory.mktemp("data")
    boolq = [dict(zip(("paragraph", "question", "label"), item, strict=True)) for item in BOOLQ]
    names = ("premise", "question", "alternative_1", "alternative_2", "label")
    copa = [dict(zip(names, item, strict=True)) for item in COPA]
    for name, items in (("boolq", boolq), ("copa", copa)):
        place = folder / "kobest_v1" / name
        place.mkdir(parents=True)
        for split in ("train", "dev", "test"):
            (place / f"{split}.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items), "utf-8")
    return folder


def requests(kind: str, arguments: list[tuple[Any, ...]]) -> list[Any]:
    from lm_eval.api.instance import Instance

    return [Instance(request_type=kind, doc={}, arguments=each, idx=0) for each in arguments]  # type: ignore[arg-type]


def pairs() -> list[tuple[str, str]]:
    """Multiple choice, and the last eojeols of lines."""
    lines = [line for path in samples.folder().glob("*.txt") for line in path.read_text("utf-8").splitlines()]
    lines = [line[:80] for line in lines if len(line) > 20 and " " in line[5:80]][:60]
    choices = [(f"{line} 답:", choice) for line in lines[:20] for choice in (" 가", " 나", " 다")]
    return choices + [(line[: line.rindex(" ")], line[line.rindex(" ") :]) for line in lines]


def test_scores_are_those_of_the_harness_where_no_token_crosses(run: Path) -> None:
    pytest.importorskip("accelerate")
    from lm_eval.models.huggingface import HFLM

    from benchmarks.tasks.harness import GyeolLM

    theirs, exact, plain = HFLM(pretrained=str(run), device="cpu", dtype="float32"), GyeolLM(run), GyeolLM(run, "plain")
    scored = exact.scorer.continuation_nats(pairs())
    kept = [(pair, own) for pair, own in zip(pairs(), scored, strict=True) if own.plain is not None]
    asked = requests("loglikelihood", [pair for pair, _ in kept])
    expected = theirs.loglikelihood(asked, disable_tqdm=True)
    crossing = [own.crossing for _, own in kept]
    assert any(crossing)
    assert not all(crossing)
    for (nats, greedy), their, cross in zip(exact.loglikelihood(asked), expected, crossing, strict=True):
        if not cross:
            assert (nats, greedy) == (pytest.approx(their[0], abs=1e-4), their[1])
    for (nats, _), their in zip(plain.loglikelihood(asked), expected, strict=True):
        assert nats == pytest.approx(their[0], abs=1e-4)
    rolling = requests("loglikelihood_rolling", [(path.read_text("utf-8"),) for path in samples.folder().glob("*.txt")])
    theirs.add_bos_token = False  # else it scores the beginning token too
    assert exact.loglikelihood_rolling(rolling) == pytest.approx(
        theirs.loglikelihood_rolling(rolling, disable_tqdm=True), rel=1e-6
    )
    theirs.add_bos_token = None
    options = {"until": ["\n", "."], "max_gen_toks": 12, "do_sample": False}
    written = requests("generate_until", [(context[:30], options) for context, _ in pairs()[-5:]])
    assert plain.generate_until(written) == theirs.generate_until(written, disable_tqdm=True)


def evaluate(monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> int:
    monkeypatch.setattr(sys, "argv", ["gyeol", "evaluate", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return int(stopped.value.code or 0)


def test_tasks_with_data_from_files(
    run: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks, out = "kobest_boolq,kobest_copa,gyeol_pairs", tmp_path / "results.json"
    assert evaluate(monkeypatch, run, "--tasks", tasks, "--data", data, "--limit", 3, "--out", out) == 0
    printed = capsys.readouterr().out
    assert "kobest_boolq" in printed
    assert "gyeol_pairs (mean)" in printed
    report = json.loads(out.read_text("utf-8"))
    (model,) = report["models"]
    by_name = {task["name"]: task for task in model["tasks"]}
    assert by_name["kobest_boolq"]["items"] == 2
    assert by_name["kobest_copa"]["metrics"]["acc"] in (0.0, 1.0)
    phenomena = {f"gyeol_pairs_{pair.phenomenon}" for pair in load_pairs()}
    assert phenomena < set(by_name)
    assert by_name["gyeol_pairs"]["group"]
    assert model["tokens"] == json.loads((run / "result.json").read_text("utf-8"))["tokens"]
    assert evaluate(monkeypatch, run, "--tasks", "gyeol_pairs", "--out", out) == 2
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("RUN", "--tasks", "kobest_bolq"), "unknown task 'kobest_bolq'; the nearest names are kobest_boolq"),
        (("RUN", "--tasks", "haerae"), "put its files into a folder DATA as DATA/NAME/CONFIGURATION/SPLIT.jsonl"),
        (("RUN", "--tasks", "kobest_wic", "--data", "DATA"), "kobest_v1/wic/test.jsonl"),
        (("RUN", "--tasks", "kobest_boolq", "--data", "nowhere"), "nowhere: no such folder"),
        (("RUN", "--tasks", "gyeol_pairs", "--limit", "0"), "limit is 0; it must be 1 or more"),
        (("RUN",), "give MODELS and --tasks, or --list"),
        (("DATA", "--tasks", "gyeol_pairs"), "config.json: no such file"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    run: Path,
    data: Path,
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"RUN": str(run), "DATA": str(data)}
    assert evaluate(monkeypatch, *(places.get(each, each) for each in arguments)) == 2
    assert message in capsys.readouterr().err


def test_the_list_names_tasks_of_the_harness(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from lm_eval.tasks import TaskManager

    from benchmarks.tasks.files import own_tasks
    from benchmarks.tasks.korean import KOREAN_TASKS

    own_tasks(tmp_path)
    assert {task.name for task in KOREAN_TASKS} <= set(TaskManager(include_path=str(tmp_path)).task_index)
    assert evaluate(monkeypatch, "--list") == 0


def test_items_in_a_corpus_are_counted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "corpus.txt").write_text(
        "앞말. 물은 백 도에서, 끓는다. 질문: 물은 끓는가? 답변: 아니오 예 뒷말", "utf-8"
    )
    settings = ("--data", data, "--json", "--check", tmp_path / "corpus.txt")
    assert evaluate(monkeypatch, "--tasks", "kobest_boolq", *settings) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["task"], found["items"], found["looked_for"], found["found"]) == ("kobest_boolq", 2, 2, 1)
