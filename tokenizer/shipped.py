"""The vocabularies that come with the package.

Each is a folder in ``tokenizer/data`` as `Tokenizer.save` writes it, its ``tokenizer.json`` compressed, with a
card. To rebuild one, run the command on its card, then ``python -m tokenizer.shipped FOLDER``.
"""

import lzma
import shutil
import sys
from pathlib import Path

from tokenizer.files import atomic_folder

_DATA = Path(__file__).parent / "data"


def shipped_names() -> list[str]:
    """The names that `Tokenizer.load` takes besides folders."""
    return sorted(path.parent.name for path in _DATA.glob("*/gyeol.json"))


def shipped_folder(name: str) -> Path | None:
    """The folder of a shipped vocabulary, None for any other name."""
    return _DATA / name if name in shipped_names() else None


def pack(folder: Path) -> Path:
    """Take a saved tokenizer into the package under its folder's name, keeping the card that is there."""
    target = _DATA / folder.name
    with atomic_folder(target) as fresh:
        packed = lzma.compress((folder / "tokenizer.json").read_bytes(), preset=9 | lzma.PRESET_EXTREME)
        (fresh / "tokenizer.json.xz").write_bytes(packed)
        for name in ("tokenizer_config.json", "gyeol.json"):
            shutil.copy(folder / name, fresh / name)
        if (target / "CARD.md").exists():
            shutil.copy(target / "CARD.md", fresh / "CARD.md")
    return target


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(pack(Path(argument)))
