"""Weights in files of a limited size, as transformers reads them."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from model import Transformer, load_model
from model.export import llama_config, model_tensors
from model.weights import INDEX, WEIGHTS, file_names, read_weights, weight_files, weight_sizes, write_weights
from tests.support.models import TINY
from tokenizer.errors import InputError
from tokenizer.files import write_json


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 100))
def test_files_are_filled_in_order_and_no_further(sizes: list[int], limit: int) -> None:
    named = {f"w{i:02d}": size for i, size in enumerate(sizes)}
    names = file_names(named, limit)
    assert list(names) == list(named)
    files = list(dict.fromkeys(names.values()))
    assert files == sorted(files)
    for file in files:
        held = [named[name] for name in names if names[name] == file]
        assert sum(held) <= limit or len(held) == 1
    assert (files == [WEIGHTS]) == (len(files) == 1)


def test_transformers_reads_many_files(tmp_path: Path) -> None:
    model = Transformer(TINY, seed=1)
    tensors = model_tensors(model)
    sizes = {name: tensor.numel() * 4 for name, tensor in tensors.items()}
    written = write_weights(tmp_path, sizes, tensors.items(), limit=100_000)
    assert len(written) > 3
    write_json(tmp_path / "config.json", llama_config(TINY, end_of_text=3))
    files = weight_files(tmp_path)
    assert files is not None
    assert weight_sizes(files) == sizes
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in read_weights(files))
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(theirs[name], tensor) for name, tensor in tensors.items())
    assert all(torch.equal(a, b) for a, b in zip(load_model(tmp_path).parameters(), model.parameters(), strict=True))
    assert write_weights(tmp_path, sizes, tensors.items()) == [WEIGHTS]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", WEIGHTS]


def test_damage_is_named(tmp_path: Path) -> None:
    assert weight_files(tmp_path) is None
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": [1]}))
    with pytest.raises(InputError, match="not an index of weights"):
        weight_files(tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"\x08\0\0\0")
    with pytest.raises(InputError, match=r"model\.safetensors: incomplete"):
        weight_files(tmp_path)
