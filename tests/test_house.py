"""House rules that can be read off the source (CONTRIBUTING.md): lazy transforms, named joins, what is too long."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_LINES_OF_A_MODULE = 300
MOST_LINES_OF_A_FUNCTION = 40
# What is longer than that today. The list only shrinks: what has become short has to go.
TOO_LONG: set[str] = set()
# What computes a frame, or holds its rows.
ACTIONS = {
    "cache", "checkpoint", "collect", "count", "first", "foreach", "foreachPartition", "head", "isEmpty",
    "localCheckpoint", "persist", "show", "tail", "take", "toArrow", "toJSON", "toLocalIterator", "toPandas",
    "unpersist", "write", "writeStream", "writeTo",
}  # fmt: skip
SESSIONS = {"SparkSession", "sparkSession", "createDataFrame", "getActiveSession"}
FUNCTIONS = {"F", "pc"}  # of columns and of Arrow's arrays, some by the name of an action


def modules(*folders: str) -> list[Path]:
    """The modules below some folders of the root."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def eager(tree: ast.AST) -> Iterator[str]:
    """Yield what makes a transform more than lazy frames in, lazy frames out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            whole = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names = [*whole, *(alias.name for alias in node.names)]
            yield from (f"{node.lineno}: import of {name}" for name in names if name.split(".")[0] == "pandas")
            yield from (f"{node.lineno}: import of {name}" for name in names if name in SESSIONS)
        elif isinstance(node, ast.Name) and node.id in SESSIONS:
            yield f"{node.lineno}: {node.id}"
        elif isinstance(node, ast.Attribute) and node.attr in ACTIONS | SESSIONS and not _is_of_functions(node):
            yield f"{node.lineno}: .{node.attr}"


def _is_of_functions(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in FUNCTIONS


def unnamed_joins(tree: ast.AST) -> Iterator[str]:
    """Yield joins and merges that do not say `how`; a text joins one argument."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        n_given, named = len(node.args) + len(node.keywords), {keyword.arg for keyword in node.keywords}
        is_join = node.func.attr == "merge" or (node.func.attr == "join" and n_given > 1)
        if is_join and "how" not in named:
            yield f"{node.lineno}: .{node.func.attr}"


def lengths(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Yield each function, by the names it lies in, and its lines from `def` to its last, without its docstring."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{node.name}"
            if not isinstance(node, ast.ClassDef):
                yield name, _end(node) - node.lineno + 1 - _docstring_lines(node)
            yield from lengths(node, f"{name}.")
        else:
            yield from lengths(node, prefix)


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    return _end(first) - first.lineno + 1 if ast.get_docstring(node, clean=False) is not None else 0


def _end(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno


@pytest.mark.parametrize("path", modules("jobs/transforms"), ids=_name)
def test_transforms_are_lazy_frames_in_and_out(path):
    assert list(eager(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize("path", modules("jobs/transforms", "jobs/window_sums"), ids=_name)
def test_joins_say_how(path):
    assert list(unnamed_joins(ast.parse(path.read_text()))) == []


def test_modules_and_functions_are_short():
    found = set()
    for path in modules("jobs", "expectations"):
        source = path.read_text()
        if len(source.splitlines()) > MOST_LINES_OF_A_MODULE:
            found.add(_name(path))
        long = (name for name, n_lines in lengths(ast.parse(source)) if n_lines > MOST_LINES_OF_A_FUNCTION)
        found |= {f"{_name(path)}: {name}" for name in long}
    assert found - TOO_LONG == set(), "split these"
    assert TOO_LONG - found == set(), "these are short, or gone: take them off the list"


@pytest.mark.parametrize(
    "source",
    [
        "import pandas",
        "import pandas.api.types as types",
        "from pandas import DataFrame",
        "from pyspark.sql import SparkSession",
        "pyspark.sql.SparkSession.getActiveSession()",
        "frame.sparkSession.range(3)",
        *(f"frame.groupBy('a').{action}()" for action in sorted(ACTIONS)),
        "frame.count()",
        "rows.write.parquet(path)",
        "list(map(DataFrame.collect, frames))",
    ],
)
def test_what_is_not_lazy_is_seen(source):
    assert list(eager(ast.parse(source))) != []


def test_columns_are_no_actions():
    lazy = "frame.groupBy('a').agg(F.count('*'), F.first('a'), F.count_if('b')).select(F.collect_list('a')).limit(3)"
    assert list(eager(ast.parse(lazy))) == []


@pytest.mark.parametrize(
    "source", ["a.join(b, 'key')", "a.join(b, on='key')", "a.join(b, 'key', 'left')", "a.merge(b)"]
)
def test_a_join_that_does_not_say_how_is_seen(source):
    assert list(unnamed_joins(ast.parse(source))) != []


def test_a_join_that_says_how_is_let_through():
    assert list(unnamed_joins(ast.parse("', '.join(a.join(b, 'key', how='left').columns)"))) == []


def test_lines_are_those_of_the_code():
    source = '''
@decorated
class Thing:
    @decorated
    def method(
        self,
    ):
        """Say.

        At length.
        """
        def inner():
            return 1

        # Why.
        return inner
'''
    assert dict(lengths(ast.parse(source))) == {"Thing.method": 8, "Thing.method.inner": 2}
