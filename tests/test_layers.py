"""The walls between the rooms: what each may import, no cycle between files, and what an import must not load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

ORDER = ("native", "text", "pretokenize", "vocabulary", "encoding", "tokenizer", "training", "shards")
"""Rooms of tokenizer/, each of which may import those before it; ``tokenizer`` is the file of the public class."""
BESIDE = {
    "cache",
    "console",
    "errors",
    "files",
    "outputs",
    "standard_streams",
    "state_files",
    "threads",
    "progress",
    "options",
}
"""Files that every room may import; they import no room."""
ROOMS = {"corpus", "text", "pretokenize", "vocabulary", "training", "shards"}
PUBLIC = {*ROOMS, *BESIDE, "streaming", "inspection", "shipped"}
"""What benchmarks and model may import of tokenizer, from the rooms themselves and not from their files ..."""
PUBLIC_FILES = {"tokenizer.pretokenize.morphemes", "tokenizer.shards.read"}
"""... but for these."""
PACKAGES = ("tokenizer", "model", "benchmarks", "samples")


def modules() -> dict[str, Path]:
    """Every module of the packages, by name."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files}
    return {name: path for path, name in names.items()}


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of the packages that ``path`` imports anywhere in it, in functions and for types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inside & known.keys()) or {node.module}
            found |= {node.module} if inside - known.keys() else set()
    return {module for module in found if module in known and module != name}


KNOWN = modules()
IMPORTS = {name: imports(name, path, KNOWN) for name, path in KNOWN.items()}


def room(name: str) -> str:
    """The room or file of tokenizer/ that a module belongs to."""
    return name.split(".")[1] if "." in name else ""


def test_packages_look_one_way() -> None:
    allowed = {
        "samples": {"samples", "tokenizer", "model"},
        "tokenizer": {"tokenizer"},
        "model": {"tokenizer", "model"},
        "benchmarks": set(PACKAGES),
    }
    for name, found in IMPORTS.items():
        package = name.partition(".")[0]
        assert {other.partition(".")[0] for other in found} <= allowed[package], name


@pytest.mark.parametrize("name", sorted(name for name in KNOWN if room(name) and name.startswith("tokenizer.")))
def test_rooms_import_only_what_stands_below_them(name: str) -> None:
    below = {*ORDER[: ORDER.index(room(name)) + 1], "corpus"} if room(name) in ORDER else {*ORDER, "corpus"}
    if room(name) in BESIDE:
        below = set()
    elif room(name) == "corpus":
        below = {"native", "text", "corpus"}
    elif room(name) in ORDER[:5]:
        below -= {"corpus"}
    for other in IMPORTS[name] - {"tokenizer"}:
        assert room(other) in below | BESIDE | ({"shipped", "streaming"} if "tokenizer" in below else set()), other


def test_others_import_only_public_names() -> None:
    for name, found in IMPORTS.items():
        if name.startswith(("model", "benchmarks")):
            for other in found:
                if other.startswith("tokenizer."):
                    assert other in PUBLIC_FILES or (other.count(".") == 1 and room(other) in PUBLIC), (name, other)


def test_no_circle_between_files() -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for other in IMPORTS[name] - {name.rpartition(".")[0]}:  # a room is there before its files
                visit(other, (*path, name))
            done.add(name)

    for name in KNOWN:
        if name != "tokenizer":  # imports the class and the trainer when they are asked for
            visit(name, ())


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import tokenizer", ("torch", "numba", "tokenizer.tokenizer")),
        (
            "from tokenizer import Tokenizer",
            ("torch", "tokenizer.training", "tokenizer.shards", "kiwipiepy", "pyarrow"),
        ),
        ("import gyeol; dir(gyeol)", ("torch", "numba", "tokenizer.tokenizer", "model", "benchmarks")),
        ("import cli", ("torch", "numba", "tokenizer.tokenizer")),
    ],
)
def test_an_import_loads_no_more_than_it_needs(statement: str, absent: tuple[str, ...]) -> None:
    code = f"{statement}; import sys; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
