"""Unicode normalization form C (UAX #15), and where in the text each composed character comes from."""

from unicodedata import combining, normalize


def composed_with_origins(text: str) -> tuple[str, list[tuple[int, int]]]:
    """``text`` in Unicode NFC, and for each of its characters the start and end of what it was composed from.

    A character begins a new part where it is no mark and does not compose with the part before it.
    """
    parts: list[str] = []
    origins: list[tuple[int, int]] = []
    start = 0
    for end in range(1, len(text) + 1):
        part, behind = text[start:end], text[end : end + 1]
        composed = normalize("NFC", part)
        if not behind or (
            not combining(behind) and normalize("NFC", part + behind) == composed + normalize("NFC", behind)
        ):
            parts.append(composed)
            origins += [(start, end)] * len(composed)
            start = end
    return "".join(parts), origins
