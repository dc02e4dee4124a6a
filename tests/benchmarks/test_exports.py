"""The table of exports counts what differs, and says what is refused."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import exports
from benchmarks.exports import ENGINES, main, parity

TEXTS = ["나는 결을 따라 나무를 다듬는다.", "값은 1,234,567원이고 <|endoftext|>", "\r\n 가\n\n나"]


@pytest.mark.parametrize("engine", ["tokenizers", "transformers", "tiktoken"])
def test_no_text_differs(engine: str) -> None:
    row = parity("gyeol-32k", engine, TEXTS)
    assert (row.texts, row.differing, row.refused) == (3, 0, None)
    assert row.engine.startswith(engine)


def test_another_tokenizer_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    export = exports.export
    monkeypatch.setattr(exports, "export", lambda source, *rest: export("gyeol-100k-gguf", *rest))
    assert parity("gyeol-32k", "tiktoken", TEXTS).differing == 3


def test_a_refusal_is_a_row(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["gyeol-32k", "--json", str(tmp_path / "exports.json")])
    assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "exports.json").read_text("utf-8"))["rows"]
    assert len(rows) == len(ENGINES)
    assert "its grammar 'gyeol' is not among llama.cpp's" in rows[-1]["refused"]
    assert "gyeol-32k, gguf: gyeol-32k: its grammar" in " ".join(done.output.split())
