"""Which special tokens begin, end and pad a text, and the template of a chat: what the files beside ``tokenizer.json``
say of it in folders of Hugging Face."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tokenizer.errors import InputError
from tokenizer.files import parse_json
from tokenizer.vocabulary.vocabulary import default_roles

CONFIG, OLDER_CONFIG, TEMPLATE = "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"
"""Files that say it, each of which may be missing."""


class Roles(NamedTuple):
    """What the files beside ``tokenizer.json`` say."""

    config: dict[str, Any]
    """The content of tokenizer_config.json, and of special_tokens_map.json where the former is silent."""
    chat_template: str | None

    @classmethod
    def read(cls, folder: Path) -> "Roles":
        """The files in ``folder``; `InputError` for one that is damaged."""
        config = _object(folder / OLDER_CONFIG) | _object(folder / CONFIG)
        template = folder / TEMPLATE
        if template.is_file():
            return cls(config, template.read_text("utf-8", errors="replace"))
        named = config.get("chat_template")
        if isinstance(named, list):  # several, by name
            named = {one.get("name"): one.get("template") for one in named if isinstance(one, dict)}.get("default")
        return cls(config, named if isinstance(named, str) else None)

    @property
    def named(self) -> dict[str, str]:
        """The tokens that the configuration names, by role."""
        named = {role: _content(self.config.get(f"{role}_token")) for role in ("bos", "eos", "pad")}
        return {role: text for role, text in named.items() if text}

    def of(self, post_processor: Any, special_tokens: Mapping[str, int]) -> dict[str, Any]:
        """The fields ``roles``, ``adds_bos`` and ``chat_template`` of a vocabulary.

        ``bos`` is what the post-processor of ``tokenizer.json`` puts before a text, if it does. A folder whose
        configuration names no special token has those roles that go by the names of Gyeol's own.
        """
        default = default_roles(special_tokens)
        known = {role: text for role, text in self.named.items() if text in special_tokens} if self.named else default
        known |= {role: text for role, text in default.items() if role == "eot"}
        first = _first_special(post_processor)
        if first in special_tokens:
            known["bos"] = first
        adds_bos = "bos" in known and (first in special_tokens or self.config.get("add_bos_token") is True)
        return {"roles": known, "adds_bos": adds_bos, "chat_template": self.chat_template}


def _object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one if there is no file."""
    if not path.is_file():
        return {}
    content = parse_json(path.read_bytes(), path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a JSON object; the file is damaged, restore it or remove it")
    return content


def _content(token: Any) -> str:
    """The text of a token that is named or described; empty for none."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else ""


def _first_special(post_processor: Any) -> str:
    """The special token that a post-processor puts before a text; empty if it puts none there."""
    if not isinstance(post_processor, dict):
        return ""
    inner = post_processor.get("processors")
    if isinstance(inner, list):
        return next(filter(None, map(_first_special, inner)), "")
    single = post_processor.get("single")
    first = single[0] if isinstance(single, list) and single else None
    special = first.get("SpecialToken") if isinstance(first, dict) else None
    return _content({"content": special.get("id")}) if isinstance(special, dict) else ""
