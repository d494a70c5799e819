"""No expression of metrics, folds and points holds what engines answer differently.

Each ban was seen to break parity: `//` is exact on some engines and not on others;
date functions differ everywhere; Float has four bytes on DuckDB, where `at` is a
keyword as well; PostgreSQL makes a sum of integers a decimal; and NULL or NaN that no
CASE asks about first fall into its last branch without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, TypeVar, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.sql import elements, functions, operators, selectable, visitors

from bonafides.archive import metrics
from bonafides.instants import Day
from bonafides.rating import level_sql, sql
from bonafides.rating.scorecard import champion
from bonafides.records import fold
from bonafides.storage.engines import text
from tests import grouped

_SEQUENCE: Final = sa.literal(1, sa.BigInteger)
STATEMENTS: Final[dict[str, Any]] = {
    "days": metrics.days(),
    "buyers": metrics.buyers(),
    "unmatched_refunds": metrics.unmatched_refunds(),
    "stores": metrics.stores(),
    "membership": metrics.membership(),
    "certifications": metrics.certifications(),
    "changes": fold.changes(_SEQUENCE, _SEQUENCE),
    "day_sums": fold.day_sums(),
    "buyer_sums": fold.buyer_sums(),
    "recounted_days": fold.recounted_days(),
    "recounted_buyers": fold.recounted_buyers(_SEQUENCE),
    "recounted_refunds": fold.recounted_refunds(),
    "figures": sql.figures(),
    "features": sql.features(),
    "points": sql.points(champion(None).features),
    "points by groups": sql.points(grouped.card().features),
    "standings": level_sql.standings(),
    "levels": level_sql.levels(champion(None).content),
}
ALLOWED: Final = {"sum", "min", "max", "count", "coalesce", "floor", "row_number"}
KEYWORDS: Final = {"at", "order", "user", "date", "time", "timestamp", "end", "position"}
Node = TypeVar("Node")
_each: Final = pytest.mark.parametrize("name", STATEMENTS)


def test_every_query_of_metrics_and_points_is_looked_at() -> None:
    made = {
        name
        for module in (metrics, sql, level_sql)
        for name, thing in vars(module).items()
        if callable(thing)
        and not name.startswith("_")
        and getattr(thing, "__module__", "") == module.__name__
        and "Select" in str(thing.__annotations__.get("return"))
    }
    assert made - STATEMENTS.keys() == set()


@_each
def test_nothing_is_divided_but_by_div(name: str) -> None:
    for node in _nodes(STATEMENTS[name], elements.BinaryExpression):
        assert node.operator is not operators.floordiv
        if node.operator is operators.truediv:
            assert isinstance(node.left.type, sa.Double)
            assert isinstance(node.right.type, sa.Double)


@_each
def test_functions_are_those_that_agree_everywhere(name: str) -> None:
    used = {node.name.lower() for node in _nodes(STATEMENTS[name], functions.FunctionElement)}
    assert used - ALLOWED == set()


@_each
def test_no_value_is_a_float_a_decimal_or_a_date(name: str) -> None:
    banned = (sa.Date, sa.DateTime, sa.Time, sa.Interval)
    for node in _nodes(STATEMENTS[name], sa.ColumnElement):
        assert not isinstance(node.type, banned)
        assert not isinstance(node.type, sa.Numeric) or isinstance(node.type, sa.Double)


@_each
def test_every_sum_is_cast_to_bigint(name: str) -> None:
    held = {
        id(node.clause)
        for node in _nodes(STATEMENTS[name], elements.Cast)
        if isinstance(node.type, sa.BigInteger)
    }
    sums = [n for n in _nodes(STATEMENTS[name], functions.FunctionElement) if n.name == "sum"]
    assert [str(one) for one in sums if id(one) not in held] == []


@_each
def test_every_case_asks_first_about_null(name: str) -> None:
    assert [str(c) for c in _nodes(STATEMENTS[name], elements.Case) if _unasked(c)] == []


@_each
def test_no_name_is_a_keyword_and_the_text_holds_no_trap(name: str) -> None:
    statement = STATEMENTS[name]
    written = text(statement, metrics.parameters(Day(20_758)))
    names = {c.name for c in _nodes(statement, elements.ColumnClause)}
    assert names & KEYWORDS == set()
    assert re.findall(r"//|::|\bFLOAT\b|\bREAL\b|\bNUMERIC\b|EXTRACT|DATE_|NOW\(|%%", written) == []


def test_what_is_banned_is_found() -> None:
    """The tests above can fail: each is shown what it is there for."""
    part = sa.table("part", sa.column("n", sa.BigInteger))
    assert _unasked(sa.case((part.c.n < 3, 1), else_=2)) == {"n"}
    assert not _unasked(sa.case((part.c.n.is_(None), 0), (part.c.n < 3, 1), else_=2))
    assert next(_nodes(part.c.n // 2, elements.BinaryExpression)).operator is operators.floordiv


def _unasked(case: elements.Case[Any]) -> set[str]:
    """Returns the columns that may be NULL and that a condition compares unasked."""
    asked: set[str] = set()
    unasked: set[str] = set()
    for condition, _ in case.whens:
        asked |= _asked(condition)
        unasked |= {c.name for c in _columns(condition) if _may_be_null(c)} - asked
    return unasked


def _asked(condition: Any) -> set[str]:
    tests = (operators.is_, operators.is_not)
    return {
        column.name
        for node in _nodes(condition, elements.BinaryExpression)
        if node.operator in tests
        for column in _columns(node.left)
    }


def _columns(node: Any) -> Iterator[Any]:
    """Yields the columns that a condition looks at, those within COALESCE excepted."""
    if isinstance(node, elements.ColumnClause):
        yield node
    elif getattr(node, "name", "") != "coalesce" or _may_be_null(node):
        for part in node.get_children():
            yield from _columns(part)


def _may_be_null(node: Any) -> bool:
    if isinstance(node, (elements.Null, elements.Over)):
        return not isinstance(getattr(node, "element", None), functions.FunctionElement) or (
            node.element.name != "row_number"
        )
    if isinstance(node, elements.ColumnClause):
        return _column_may_be_null(node)
    name = getattr(node, "name", "") if isinstance(node, functions.FunctionElement) else ""
    if name in {"count", "row_number"}:
        return False
    parts = [_may_be_null(part) for part in _results(node)]
    return all(parts) if name == "coalesce" else any(parts)


def _results(node: Any) -> list[Any]:
    """Returns the parts of an expression that its value comes from."""
    if isinstance(node, elements.Case):
        last = sa.null() if node.else_ is None else node.else_
        return [*(result for _, result in node.whens), last]
    return list(
        node.clauses if isinstance(node, functions.FunctionElement) else node.get_children()
    )


def _column_may_be_null(column: Any) -> bool:
    """Follows a column of a subquery to what it is there."""
    source = column.table
    if isinstance(source, sa.Table):
        return bool(column.nullable)
    if isinstance(source, (selectable.CTE, selectable.Subquery)):
        return _may_be_null(cast("Any", source.element).selected_columns[column.name])
    if isinstance(source, selectable.Alias):
        return _column_may_be_null(source.element.c[column.name])
    return True


def _nodes(statement: Any, kind: type[Node]) -> Iterator[Node]:
    for node in visitors.iterate(statement):
        if isinstance(node, kind):
            yield node
