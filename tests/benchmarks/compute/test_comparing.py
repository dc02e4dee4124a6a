"""A comparison from the command's side: what is equal, what goes on after an interruption, what is refused."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import cli
import samples
from benchmarks.compute import comparing, plan
from benchmarks.compute.comparing import compare
from benchmarks.compute.pairs import load_pairs
from benchmarks.compute.plan import ComparePlan
from benchmarks.compute.results import Comparison
from benchmarks.peers.load import load_peer
from model.scoring import Scorer
from tokenizer.errors import InputError
from tokenizer.training import train_sizes

SHAPE = {"hidden_size": 16, "intermediate_size": 32, "num_layers": 1, "num_heads": 2, "num_kv_heads": 1}
OPTIONS: dict[str, Any] = {
    "budgets": [2e8, 8e8],
    "seeds": 2,
    "shape": SHAPE,
    "context_bytes": 256,
    "batch_bytes": 512,
    "rates": (0.01, 0.03),
    "device": "cpu",
}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tokenizers, a corpus and held-out text."""
    found = tmp_path_factory.mktemp("compare")
    files = sorted(samples.folder().glob("*.txt"))
    korean = (samples.folder() / "essay.txt").read_text("utf-8")
    (found / "held.txt").write_text(korean[:1500], "utf-8")
    (found / "corpus.txt").write_text("".join(path.read_text("utf-8")[1500:] for path in files), "utf-8")
    for tokenizer in train_sizes([found / "corpus.txt"], [400, 600], recipe="plain"):
        tokenizer.save(found / f"ids-{tokenizer.vocab_size}")
    return found


@pytest.fixture(scope="module", autouse=True)
def few_pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Three minimal pairs, and no speed measured: both would take a while, for every comparison."""
    path = tmp_path_factory.mktemp("pairs") / "particles.tsv"
    path.write_text(
        "good\tbad\n밥을 먹었다.\t밥를 먹었다.\n물이 맑다.\t물가 맑다.\n개가 짖는다.\t개이 짖는다.\n", "utf-8"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "load_pairs", lambda: load_pairs(path.parent))
        patch.setattr(plan, "_speed", lambda arm, device: 1e4)
        yield


def run(folder: Path, out: str, **options: Any) -> Comparison:
    tokenizers = options.pop("tokenizers", [str(folder / "ids-400"), str(folder / "ids-600")])
    settings = {"eval_texts": [folder / "held.txt"], **OPTIONS, **options}
    result = compare(tokenizers, [folder / "corpus.txt"], folder / out, **settings)
    assert isinstance(result, Comparison)
    return result


@pytest.fixture(scope="module")
def whole(folder: Path) -> Comparison:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    result = run(folder, "whole")
    torch.set_num_threads(threads)
    return result


def test_arms_are_equal_in_what_they_should_be(whole: Comparison) -> None:
    for row in whole.rows:
        assert row["flops"] == pytest.approx(row["budget"], rel=0.2)
        assert sum(each["bytes"] for each in row["documents"]) == sum(own["bytes"] for own in whole.held_out.values())
    small, large = (each.arm for each in whole.tokenizers)
    assert small.context * small.bytes_per_token == pytest.approx(256, rel=0.02)
    assert large.context * large.bytes_per_token == pytest.approx(256, rel=0.02)
    assert large.head_share > small.head_share
    assert set(small.tuning) == {"0.01", "0.03"}
    assert small.tuning[f"{small.rate:g}"] == min(small.tuning.values())


def test_figures_follow_from_the_rows(whole: Comparison) -> None:
    first, second = whole.tokenizers
    assert first.groups["all"].flops_to_match is not None
    assert first.groups["all"].flops_to_match.mean == 1
    own = [row for row in whole.rows if row["tokenizer"] == "ids-600" and row["budget"] == 8e8]
    own = [row for row in own if row["rate"] == second.arm.rate]
    bits = [sum(d["nats"] for d in row["documents"]) / 0.69314718 / 1 for row in own]
    size = sum(each["bytes"] for each in own[0]["documents"])
    assert second.groups["all"].at_flops["8e+08"].mean == pytest.approx(sum(bits) / 2 / size)
    assert whole.pairs == {"particles": 3}
    assert set(second.pairs) == {"particles", "all"}
    assert second.generation is not None
    assert second.generation["characters"] == 1000
    assert second.continuations is not None


def test_a_killed_comparison_goes_on_where_it_was(
    folder: Path, whole: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0
    score = Scorer.text_nats

    def killed(self: Scorer, texts: Any) -> list[float]:
        nonlocal count
        count += 1
        if count == 7:
            raise KeyboardInterrupt
        return score(self, texts)

    monkeypatch.setattr(Scorer, "text_nats", killed)
    with pytest.raises(KeyboardInterrupt):
        run(folder, "killed")
    done = len(list((folder / "killed" / "rows").iterdir()))
    assert 0 < done < len(whole.rows)
    monkeypatch.undo()
    monkeypatch.setattr(comparing, "load_pairs", lambda: load_pairs_of(whole, folder))
    again = run(folder, "killed")
    assert untimed(again.rows) == untimed(whole.rows)


def load_pairs_of(whole: Comparison, folder: Path) -> Any:
    """Any pairs: they are no part of the rows."""
    path = folder / "pairs"
    path.mkdir(exist_ok=True)
    (path / "particles.tsv").write_text("good\tbad\n밥을 먹었다.\t밥를 먹었다.\n", "utf-8")
    return load_pairs(path)


def untimed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_seeds_and_budgets_can_be_added(folder: Path, whole: Comparison) -> None:
    more = run(folder, "whole", seeds=3)
    kept = [row for row in more.rows if row["seed"] < 2]
    assert sorted(map(json.dumps, kept)) == sorted(map(json.dumps, whole.rows))


def test_a_plan_says_what_is_to_do(folder: Path, whole: Comparison) -> None:
    tokenizers = [str(folder / "ids-400"), str(folder / "ids-600")]
    settings = {"eval_texts": [folder / "held.txt"], **OPTIONS, "dry_run": True}
    planned = compare(tokenizers, [folder / "corpus.txt"], folder / "planned", **settings)
    assert isinstance(planned, ComparePlan)
    assert (planned.runs, planned.finished) == (2 * (2 + 1 + 2), 0)
    assert planned.seconds > 0
    assert not (folder / "planned" / "rows").exists()
    done = compare(tokenizers, [folder / "corpus.txt"], folder / "whole", **settings)
    assert isinstance(done, ComparePlan)
    assert (done.runs, done.seconds) == (done.finished, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 0}, "seeds is 0; it must be from 1 to 100"),
        ({"budgets": []}, "no budget"),
        ({"budgets": [1e9, 1e9]}, "name each once"),
        ({"budgets": [float("nan")]}, "a budget is nan"),
        ({"budgets": [1000.0]}, "too small for a step with ids-400, which takes"),
        ({"context_bytes": 10}, "context_bytes is 10; it must be 64 or more"),
        ({"rates": (2.0,)}, "a learning rate is 2.0"),
        ({"shape": {"vocab_size": 10}}, "leave them out"),
        ({"shape": {"layers": 10}}, "unknown model field 'layers'"),
        ({"preset": "giga"}, "unknown"),
        ({"tokenizers": []}, "name one or more tokenizers"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_training(
    folder: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(folder, "refused", **options)
    assert not (folder / "refused" / "rows").exists()


def test_the_folder_of_another_comparison_is_refused(folder: Path, whole: Comparison) -> None:
    with pytest.raises(InputError, match=r"holds another comparison \(context_bytes differ\)"):
        run(folder, "whole", context_bytes=512)
    (folder / "other").mkdir(exist_ok=True)
    (folder / "other" / "a.txt").write_text("a", "utf-8")
    with pytest.raises(InputError, match="is not empty and holds no comparison"):
        run(folder, "other")
    with pytest.raises(InputError, match="is a file"):
        run(folder, "held.txt")


def test_another_tokenizer_of_a_name_that_is_known_is_refused(folder: Path, whole: Comparison) -> None:
    imposter = load_peer(folder / "ids-600")
    imposter.name = "ids-400"
    with pytest.raises(InputError, match="ids-400: another tokenizer of that name is in the comparison"):
        run(folder, "whole", tokenizers=[imposter])


def test_the_command_refuses_held_out_text_of_the_corpus(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own, out = str(folder / "corpus.txt"), str(tmp_path / "out")
    arguments = ["-t", str(folder / "ids-400"), own, "--eval", own, "--budget", "1e9", "--out", out]
    monkeypatch.setattr(sys, "argv", ["gyeol", "compare", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert "stand in the corpus" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
