"""Which code a metric's answers are made by: a hash of the definitions that its estimators reach, words left out."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.resources import files

PACKAGE = "jobs.estimation"
VISITORS = ("people", "users_estimate")
TOTALS = (("totals", "horvitz_thompson"), ("regimes", "regime_sums"), ("design_effect", "borrowed_by_total"))
# Of each metric, where its answers begin: a module of `jobs/estimation` and a name in it.
ROOTS = {
    "users": (VISITORS,),
    "pageviews per visitor": (VISITORS, ("people", "pageviews_per_visitor_estimate"), *TOTALS),
    "two-day review": (VISITORS, ("people", "two_day_review_bounds")),
    "retention": (("shares", "retention_estimate"), ("share_limits", "share_verdict")),
    "unique CTR": (("shares", "unique_ctr_estimate"), ("share_limits", "share_verdict")),
}
WORDS_ONLY = {"remedy", "identifiability"}  # what they change is what is said, not what is shown


@cache
def code_of(family: str) -> str:
    """Hash the definitions, of all modules, that a metric's answers depend on; comments and types are left out."""
    todo, reached = list(ROOTS[family]), dict[tuple[str, str], str]()
    while todo:
        module, name = todo.pop()
        if module in WORDS_ONLY or (module, name) in reached:
            continue
        found, imported = _definitions(module)
        if name in imported:
            todo.append(imported[name])
        elif name in found:
            reached[module, name] = ast.dump(found[name])
            todo += [(module, node.id) for node in ast.walk(found[name]) if isinstance(node, ast.Name)]
    text = "\n".join(f"{key}: {reached[key]}" for key in sorted(reached))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _definitions(module: str) -> tuple[dict[str, ast.AST], dict[str, tuple[str, str]]]:
    """What a module defines, by name, and what it has from the package's other modules."""
    tree = _Bare().visit(ast.parse(files(PACKAGE).joinpath(f"{module}.py").read_text()))
    found: dict[str, ast.AST] = {}
    imported: dict[str, tuple[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found |= {name.id: node for name in ast.walk(node) if isinstance(name, ast.Name)}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            of = str(node.module).removeprefix(f"{PACKAGE}.")
            imported |= {alias.asname or alias.name: (of, alias.name) for alias in node.names}
    return found, imported


class _Bare(ast.NodeTransformer):
    """Takes off what does not run: docstrings and types."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.Expr(node.target)
        return self.generic_visit(ast.Assign([node.target], node.value))

    def _without_docstring(self, node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)
