"""A comparison at equal compute as a page to read in a browser: one file that loads nothing and runs no script."""

from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from benchmarks.compute.results import Comparison
from benchmarks.metrics import GROUPS
from benchmarks.report.compute_tables import arms_table, cost_table, group_table, headlines, main_group, pairs_table
from benchmarks.report.html import TEMPLATES, check_packages
from tokenizer.files import atomic_open
from tokenizer.outputs import HTML_MARK
from tokenizer.standard_streams import printable

TITLES = {
    "flops": ("At equal operations", "같은 연산량에서"),
    "bytes": ("At equal text", "같은 글에서"),
    "seconds": ("At equal time", "같은 시간에서"),
}


def write_comparison(path: Path, result: Comparison) -> None:
    """Write the page with charts and tables. `InputError` without matplotlib and Jinja2 (the extra ``report``)."""
    check_packages(path)
    import jinja2
    import markupsafe

    from benchmarks.report.compute_charts import comparison_charts

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    tables = [*(group_table(result, group) for group in result.groups), pairs_table(result), cost_table(result)]
    page = environment.get_template("compute.html.j2").render(
        mark=markupsafe.Markup(HTML_MARK.decode()),
        style=(TEMPLATES / "report.css").read_text("utf-8"),
        result=result,
        headlines=[printable(line) for line in headlines(result)],
        main=main_group(result),
        titles=TITLES,
        groups={group: GROUPS[group].head if group in GROUPS else ("All texts", "모든 글") for group in result.groups},
        charts={axis: comparison_charts(result, axis) for axis in TITLES},
        tables=[_cells(table) for table in (*tables, arms_table(result)) if table is not None],
    )
    with atomic_open(path, "w") as handle:
        handle.write(page)


def _cells(table: Table) -> dict[str, Any]:
    """A table of the terminal as rows of text."""
    columns = [[_text(cell) for cell in column.cells] for column in table.columns]
    return {
        "title": _text(table.title),
        "caption": _text(table.caption) if table.caption else "",
        "heads": [_text(column.header) for column in table.columns],
        "rows": list(zip(*columns, strict=True)),
    }


def _text(cell: Any) -> str:
    """The characters of a cell of rich."""
    return Text.from_markup(str(cell)).plain
