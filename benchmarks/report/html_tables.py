"""What a page says in its tables and its first line, in English and Korean."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from benchmarks.report.terminal import figure, groups_of

Words = tuple[str, str]
"""The same in English and in Korean."""

GROUPS: dict[str, Words] = {
    "Korean": ("Korean", "한국어"),
    "English": ("English", "영어"),
    "code": ("Code", "코드"),
    "other": ("Other", "기타"),
}
"""Groups of files in the order of the page."""

RATES: dict[str, Words] = {
    "tokens_per_character": ("Tokens / char", "글자당 토큰"),
    "characters_per_token": ("Chars / token", "토큰당 글자"),
    "bytes_per_token": ("Bytes / token", "토큰당 바이트"),
    "tokens_per_eojeol": ("Tokens / eojeol", "어절당 토큰"),
}

ALIGNMENT: dict[str, Words] = {
    "precision": ("Morpheme precision", "형태소 정밀도"),
    "recall": ("Morpheme recall", "형태소 재현율"),
    "f1": ("Morpheme F1", "형태소 F1"),
}

VERDICTS: dict[str, Words] = {
    "met": ("met", "충족"),
    "missed": ("missed", "미달"),
    "undecided": ("undecided", "판정 보류"),
}


@dataclass(frozen=True)
class Cell:
    """What a cell shows, the value that it is sorted by (None last), and small print."""

    text: str | Words
    sort: float | str | None
    note: str = ""


@dataclass(frozen=True)
class Column:
    """The head of a column, and a cell for each row."""

    head: Words
    cells: list[Cell]
    number: bool = True


def lead(result: dict[str, Any]) -> Words | None:
    """The finding in one sentence: the fewest tokens for Korean beside the first baseline; None without either."""
    base = next(iter(result["against"]), None)
    if base is None or "Korean" not in groups_of(result):
        return None
    ratios = {
        name: own["groups"]["Korean"]["ratio"][base] or 0 for name, own in result["results"].items() if name != base
    }
    if not ratios:
        return None
    best = max(ratios, key=ratios.__getitem__)
    files = Counter(file["group"] for file in result["files"])["Korean"]
    mean = (f" (mean of {files} files)", f"(파일 {files}개 평균)") if files > 1 else ("", "")
    return (
        f"{base} needs {ratios[best]:.2f} times the tokens of {best} for the same Korean text{mean[0]}.",
        f"같은 한국어 글에서 {base}의 토큰 수는 {best}의 {ratios[best]:.2f}배입니다{mean[1]}.",
    )


def tokenizer_table(result: dict[str, Any]) -> list[Column]:
    """One row per tokenizer: ratios by group and baseline, means over files, what else was measured."""
    tokenizers = result["tokenizers"]
    own = [result["results"][tokenizer["name"]] for tokenizer in tokenizers]
    columns = [
        Column(("Tokenizer", "토크나이저"), [Cell(t["name"], t["name"]) for t in tokenizers], number=False),
        Column(("Vocabulary", "어휘 크기"), [Cell(f"{t['vocab_size']:,}", t["vocab_size"]) for t in tokenizers]),
    ]
    for base in result["against"]:
        for group in groups_of(result):
            columns.append(Column(_head(result, base, _group(group)), [_ratio(r["groups"][group], base) for r in own]))
        columns.append(Column(_head(result, base, ("all files", "전체 파일")), [_ratio(r["macro"], base) for r in own]))
    columns += [Column(head, [_number(r["macro"][key]) for r in own]) for key, head in RATES.items()]
    columns += [*_alignment(result), *_claims(result)]
    return [*columns, Column(("Round trip", "복원"), [_round_trip(r["round_trip"]) for r in own])]


def file_table(result: dict[str, Any]) -> list[Column]:
    """One row per file: each tokenizer's ratio to the first baseline, or tokens per character without one."""
    files = result["files"]
    base = next(iter(result["against"]), None)
    columns = [
        Column(("File", "파일"), [Cell(file["name"], file["name"]) for file in files], number=False),
        Column(("Group", "갈래"), [Cell(_group(file["group"]), file["group"]) for file in files], number=False),
        Column(("Characters", "글자 수"), [Cell(f"{f['characters']:,}", f["characters"]) for f in files]),
    ]
    for name, own in result["results"].items():
        rows = [own["files"][file["name"]] for file in files]
        cells = [_ratio(row, base) if base else _number(row["tokens_per_character"]) for row in rows]
        columns.append(Column((name, name), cells))
    return columns


def _alignment(result: dict[str, Any]) -> list[Column]:
    """Precision, recall and F1 against the standard that was named, of a gold file's texts or of all files."""
    if result["alignment"] is None:
        return []
    of_gold = result["alignment"].get("results")
    rows = [
        of_gold.get(name, {}) if of_gold is not None else own["macro"]["alignment"]
        for name, own in result["results"].items()
    ]
    return [Column(head, [_number(row.get(key)) for row in rows]) for key, head in ALIGNMENT.items()]


def _claims(result: dict[str, Any]) -> list[Column]:
    """A column of verdicts on the claim for each baseline and group, and for all files."""
    if result["claim"] is None:
        return []
    columns = []
    for base in result["against"]:
        for group in [*groups_of(result), None]:
            part = _group(group) if group else ("all files", "전체 파일")
            parts = [own["groups"][group] if group else own["macro"] for own in result["results"].values()]
            cells = [Cell(VERDICTS[row["claim"][base]], row["claim"][base]) for row in parts]
            columns.append(Column(_claim_head(result, base, part), cells, number=False))
    return columns


def _claim_head(result: dict[str, Any], base: str, part: Words) -> Words:
    ratio = _head(result, base, part)
    return f"{ratio[0]} ≥ {result['claim']:g}", f"{ratio[1]} ≥ {result['claim']:g}"


def _group(group: str) -> Words:
    return GROUPS.get(group, (group, group))


def _head(result: dict[str, Any], base: str, part: Words) -> Words:
    """The head of a column of ratios; the baseline is named where there are several."""
    beside = f" ({base})" if len(result["against"]) > 1 else ""
    return f"Ratio, {part[0]}{beside}", f"{part[1]} 비율{beside}"


def _ratio(row: dict[str, Any], base: str) -> Cell:
    interval = row["intervals"]["ratio"][base]
    return Cell(_figure(row["ratio"][base]), row["ratio"][base], "–".join(map(figure, interval)) if interval else "")


def _number(value: float | None) -> Cell:
    return Cell(_figure(value), value)


def _figure(value: float | None) -> str:
    return figure(value).replace("-", "–")


def _round_trip(own: dict[str, Any]) -> Cell:
    lost = own["characters_lost"]
    return Cell(("exact", "그대로") if own["lossless"] else (f"loses {lost:.2%}", f"{lost:.2%} 잃음"), lost)
