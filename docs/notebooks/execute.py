"""Run the notebooks beside this file and write what they show as pages that can be read without running anything.

Usage: execute.py (the marts are those of PDMETRICS_WAREHOUSE). For each notebook `x.py` a page `x.md` and a picture for
each of its charts, `x-1.svg`, are written: words, code, tables and charts, in the order of the cells. In
docs/questions.md the answer below each statement is written anew.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from pdmetrics import marts

HERE = Path(__file__).resolve().parent
QUESTIONS = HERE.parent / "questions.md"
ANSWERED = re.compile(r"(```sql\n(?P<sql>.*?)```\n\n<!-- answer -->\n).*?(?=<!-- end -->)", re.DOTALL)
SHOWN_ROWS = 12


@dataclass(frozen=True)
class Shown:
    """What a notebook gave.

    Attributes:
        cells: the code of each cell (empty where it is hidden) with what it shows.
        names: what its cells defined, by name.
    """

    cells: list[tuple[str, Any]]
    names: Mapping[str, Any]


def notebooks() -> list[Path]:
    """Return the notebooks beside this file."""
    return [path for path in sorted(HERE.glob("*.py")) if path != Path(__file__).resolve()]


def run(path: Path) -> Shown:
    """Run one notebook in this process."""
    spec = importlib.util.spec_from_file_location(f"notebook_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    outputs, names = module.app.run()
    setup, *codes = _codes(path.read_text(encoding="utf-8"))
    return Shown([(setup, None), *zip(codes, outputs, strict=True)], names)


def page(path: Path, shown: Shown) -> tuple[str, dict[str, str]]:
    """Return the page of a notebook, and its pictures by file name."""
    note = f"<!-- Written by `make notebooks` from {path.name}: change that one. -->"
    parts, pictures = [note], {}
    for code, output in shown.cells:
        if code:
            parts.append(f"```python\n{code}\n```")
        if isinstance(output, alt.TopLevelMixin):
            name = f"{path.stem}-{len(pictures) + 1}.svg"
            pictures[name] = vl_convert.vegalite_to_svg(output.to_dict())
            parts.append(f"![{_said(output)}]({name})")
        elif isinstance(output, pd.DataFrame):
            parts.append(_table(output))
        elif output is not None:
            parts.append(output._repr_markdown_())
    return "\n\n".join(parts) + "\n", pictures


def answered(text: str) -> str:
    """Return a page with the answer of each statement below it."""

    def answer(found: re.Match[str]) -> str:
        rows = marts.sql(found["sql"])
        return f"{found[1]}\n{_table(rows) if len(rows) else 'No row.'}\n\n"

    return ANSWERED.sub(answer, text)


def _codes(source: str) -> Iterator[str]:
    """Yield the code of the setup and of each cell, in the order of the file; nothing for a cell that is hidden."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.With):
            yield _code(lines, node.body)
        elif isinstance(node, ast.FunctionDef):
            is_hidden = any(isinstance(found, ast.Call) for found in node.decorator_list)
            yield "" if is_hidden else _code(lines, node.body[:-1])


def _code(lines: list[str], body: list[ast.stmt]) -> str:
    """Return the lines of statements, with the comment that stands before the first one."""
    first, last = body[0].lineno - 1, body[-1].end_lineno
    while lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return dedent("\n".join(lines[first:last]))


def _said(chart: Any) -> str:
    title = chart.title
    return f"{title.text} ({title.subtitle})"


def _table(rows: pd.DataFrame) -> str:
    """Write the first rows as a table of Markdown."""
    shown = rows.head(SHOWN_ROWS)
    header = ["| " + " | ".join(map(str, shown.columns)) + " |", "|" + " --- |" * len(shown.columns)]
    body = ["| " + " | ".join(map(_cell, row)) + " |" for row in shown.itertuples(index=False)]
    left_out = len(rows) - len(shown)
    return "\n".join([*header, *body, *([f"\n… and {left_out} rows more."] if left_out else [])])


def _cell(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value).replace("|", "\\|")


def main() -> None:
    """Write pages and pictures of all notebooks, take away pictures that no page has any more, and answer questions."""
    written = set()
    for path in notebooks():
        text, pictures = page(path, run(path))
        for name, content in {path.with_suffix(".md").name: text, **pictures}.items():
            (HERE / name).write_text(content, encoding="utf-8")
            written.add(name)
    for old in HERE.glob("*.svg"):
        if old.name not in written:
            old.unlink()
    QUESTIONS.write_text(answered(QUESTIONS.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{len(written)} files in {HERE}, and the answers of {QUESTIONS}")


if __name__ == "__main__":
    main()
