"""Money is never a float: no annotation of an amount, a rate or a price says so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_SERVICE = Path(__file__).parents[2] / "service" / "bonafides"
_MONEY = re.compile(r"amount|minor|price|fen\b|_cny|_e12|money", re.IGNORECASE)


def _annotated(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            yield ast.unparse(node.target), node.annotation
        elif isinstance(node, ast.arg) and node.annotation is not None:
            yield node.arg, node.annotation
        elif isinstance(node, ast.FunctionDef) and node.returns is not None:
            yield node.name, node.returns


@pytest.mark.feature("G9")
def test_no_annotation_of_money_is_a_float() -> None:
    named = [
        (path.name, name, ast.unparse(annotation))
        for path in _SERVICE.rglob("*.py")
        if "v1" not in path.parts
        for name, annotation in _annotated(ast.parse(path.read_text(encoding="utf-8")))
        if _MONEY.search(name)
    ]
    assert len(named) > 20
    assert [each for each in named if "float" in each[2]] == []


@pytest.mark.feature("G9")
@pytest.mark.parametrize(
    "module", ["contracts", "ingest", "kinds", "money", "reconciliation", "refunds"]
)
def test_module_that_reckons_with_money_knows_neither_float_nor_division(module: str) -> None:
    tree = ast.parse((_SERVICE / "records" / f"{module}.py").read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    assert not [node for node in nodes if isinstance(node, ast.Name) and node.id == "float"]
    assert not [node for node in nodes if isinstance(node, ast.Div)]
