"""Tables and first line of a page, in English and Korean."""

from collections import Counter
from dataclasses import dataclass

from benchmarks.fertility.results import Figures, Report, RoundTrip
from benchmarks.metrics import ALIGNMENT, GROUPS, RATES, Words
from benchmarks.report.terminal import figure

ALL_FILES = ("all files", "전체 파일")
VERDICTS = {"met": ("met", "충족"), "missed": ("missed", "미달"), "undecided": ("undecided", "판정 보류")}


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str | Words
    sort: float | str | None
    """Value that its column is sorted by; None comes last."""
    note: str = ""
    """Small print."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    head: Words
    cells: list[Cell]
    """A cell for each row."""
    number: bool = True
    """True if the cells are figures, set flush right."""


def lead(report: Report) -> Words | None:
    """The finding in one sentence: the user's tokenizer, the first one named, beside the first baseline on Korean; None
    without either."""
    base = report.base
    if base is None or "Korean" not in report.groups:
        return None
    ratios = {name: own.groups["Korean"].ratio[base] or 0 for name, own in report.results.items() if name != base}
    if not ratios:
        return None
    first = next(iter(ratios))
    files = Counter(file.group for file in report.files)["Korean"]
    mean = (f" (mean of {files} files)", f"(파일 {files}개 평균)") if files > 1 else ("", "")
    return (
        f"{base} needs {ratios[first]:.2f} times the tokens of {first} for the same Korean text{mean[0]}.",
        f"같은 한국어 글에서 {base}의 토큰 수는 {first}의 {ratios[first]:.2f}배입니다{mean[1]}.",
    )


def tokenizer_table(report: Report) -> list[Column]:
    """One row per tokenizer: ratios by group and baseline, means over files, alignment, claims, round trip."""
    tokenizers, own = report.tokenizers, list(report.results.values())
    columns = [
        Column(("Tokenizer", "토크나이저"), [Cell(t.name, t.name) for t in tokenizers], number=False),
        Column(("Vocabulary", "어휘 크기"), [Cell(f"{t.vocab_size:,}", t.vocab_size) for t in tokenizers]),
    ]
    columns.append(Column(("Tokens", "토큰 수"), [Cell(f"{one.total.tokens:,}", one.total.tokens) for one in own]))
    if report.base:
        costs = [one.total.ratio[report.base] for one in own]
        head = f"Cost at one price a token ({report.base} = 100%)", f"토큰 단가가 같을 때의 값 ({report.base} = 100%)"
        columns.append(
            Column(head, [Cell(f"{1 / cost:.0%}" if cost else "–", 1 / cost if cost else None) for cost in costs])
        )
    for base in report.against:
        for words, figures in _parts(report):
            columns.append(Column(_head(report, base, words), [_ratio(one, base) for one in figures]))
    for rate in RATES:
        assert rate.page
        columns.append(Column(rate.page, [_number(getattr(one.macro, rate.key)) for one in own]))
    columns += [*_alignment(report), *_claims(report)]
    return [*columns, Column(("Round trip", "복원"), [_round_trip(one.round_trip) for one in own])]


def file_table(report: Report) -> list[Column]:
    """One row per file: each tokenizer's ratio to the first baseline, or tokens per character without one."""
    files, base = report.files, report.base
    columns = [
        Column(("File", "파일"), [Cell(file.name, file.name) for file in files], number=False),
        Column(("Group", "갈래"), [Cell(GROUPS[file.group].head, file.group) for file in files], number=False),
        Column(("Characters", "글자 수"), [Cell(f"{file.characters:,}", file.characters) for file in files]),
    ]
    for name, own in report.results.items():
        rows = [own.files[file.name] for file in files]
        cells = [_ratio(row, base) if base else _number(row.tokens_per_character) for row in rows]
        columns.append(Column((name, name), cells))
    return columns


def _parts(report: Report) -> list[tuple[Words, list[Figures]]]:
    """Each group, and all files, with the figures of every tokenizer."""
    own = report.results.values()
    groups = [(GROUPS[group].head, [one.groups[group] for one in own]) for group in report.groups]
    return [*groups, (ALL_FILES, [one.macro for one in own])]


def _alignment(report: Report) -> list[Column]:
    """Precision, recall and F1 against the standard that was named, of a gold file's texts or of all files."""
    if report.alignment is None:
        return []
    rows = [report.alignment_of(name) for name in report.results]
    shown = [(metric.page, metric.key) for metric in ALIGNMENT if metric.page]
    return [Column(head, [_number(getattr(row, key, None)) for row in rows]) for head, key in shown]


def _claims(report: Report) -> list[Column]:
    """A column of verdicts on the claim for each baseline and group, and for all files."""
    columns = []
    for base in report.against if report.claim is not None else ():
        for words, figures in _parts(report):
            verdicts = [one.claim[base] for one in figures if one.claim]
            english, korean = _head(report, base, words)
            head = f"{english} ≥ {report.claim:g}", f"{korean} ≥ {report.claim:g}"
            columns.append(Column(head, [Cell(VERDICTS[verdict], verdict) for verdict in verdicts], number=False))
    return columns


def _head(report: Report, base: str, part: Words) -> Words:
    """The head of a column of ratios; the baseline is named where there are several."""
    beside = f" ({base})" if len(report.against) > 1 else ""
    return f"Ratio, {part[0]}{beside}", f"{part[1]} 비율{beside}"


def _ratio(own: Figures, base: str) -> Cell:
    ratio, span = own.ratio[base], own.intervals.ratio[base]
    return Cell(_figure(ratio), ratio, "–".join(map(figure, span)) if span else "")


def _number(value: float | None) -> Cell:
    return Cell(_figure(value), value)


def _figure(value: float | None) -> str:
    return figure(value).replace("-", "–")


def _round_trip(own: RoundTrip) -> Cell:
    lost = own.characters_lost
    return Cell(("exact", "그대로") if own.lossless else (f"loses {lost:.2%}", f"{lost:.2%} 잃음"), lost)
