"""What a suite of checks is made of.

A suite is about one table; each of its checks is named by what must hold. What a row shows on its own is a
Polars expression; what takes the whole table, or another one, is SQL that DuckDB answers row by row.
Extraction tests documents by the same expressions before they are landed.

Each condition stands in one place. Keys, and columns that must be present, are audits of the models: they run
in the transaction that builds a table, before anybody can join to a bad row. What a value may be, and how
tables fit together, is checked here, where the settings can make an error a warning. The exceptions are keys
that no audit sees: those of ``raw.conversations``, and of gold's views.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from sys import float_info

import polars as pl

from clogs.checks.results import LAYERS, Layer, Severity


@dataclass(frozen=True, slots=True, eq=False)  # expressions do not compare
class Check:
    """What must hold for each row of a table.

    Attributes:
        holds: True where it does; NULL counts as false. Text is SQL on the suite's `Suite.source`.
        description: What must hold, in words.
        severity: Of rows that fail.
        tolerated: The share of rows, 0 to 1, that may fail and still pass.
    """

    holds: pl.Expr | str
    description: str
    severity: Severity = "error"
    tolerated: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Suite:
    """Checks on one table.

    Attributes:
        name: What its checks are called by: ``<name>.<check>``.
        about: What one row is.
        table: The table, with its schema.
        source: What follows FROM: the table, or a query about it.
        key: The columns of the source that tell rows apart; examples show them.
        by: The columns by which changes are followed: a change touches the rows, of all tables that the suite
            reads, that have its value in one of them. Without any, every change touches all rows.
        checks: By their full names.
    """

    name: str
    about: str
    table: str
    source: str
    key: tuple[str, ...]
    by: tuple[str, ...]
    checks: Mapping[str, Check]

    @property
    def layer(self) -> Layer:
        """Whose data it is; raw documents are bronze."""
        return next((layer for layer in LAYERS if self.table.startswith(f"{layer}.")), "bronze")


def suite(
    table: str,
    about: str,
    *,
    key: str,
    checks: Mapping[str, Check],
    by: str = "",
    name: str = "",
    source: str = "",
) -> Suite:
    """A suite of checks on one table.

    Args:
        table: The table, with its schema.
        about: What one row is.
        key: The columns that tell rows apart, with commas between them.
        checks: By their names, without the suite's.
        by: The columns by which changes are followed, with commas between them; none, if empty.
        name: The table's name without its schema, if empty.
        source: The table, if empty.
    """
    name = name or table.rpartition(".")[2]
    named = {f"{name}.{short}": check for short, check in checks.items()}
    return Suite(name, about, table, source or table, _columns(key), _columns(by), named)


def _columns(names: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, names.split(","))))


def on_key(table: str, *columns: str) -> dict[str, Check]:
    """A table's key, for one that no audit checks."""
    key, named = ", ".join(columns), " and ".join(columns)
    is_present = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    again = f"SELECT ({key}) FROM {table} GROUP BY {key} HAVING count(*) > 1"
    return {
        "key_is_present": Check(is_present, f"{named} {'is' if len(columns) == 1 else 'are'} present"),
        "key_is_unique": Check(
            f"coalesce(({key}) NOT IN ({again}), true)",
            f"{named} {'tells' if len(columns) == 1 else 'tell'} rows apart",
        ),
    }


def among(column: str, *values: str) -> Check:
    """A column holds one of at least two values, or NULL."""
    *most, last = values
    return Check(or_null(column, pl.col(column).is_in(values)), f"{column} is {', '.join(most)} or {last}")


def between(column: str, low: int, high: int) -> Check:
    """A column lies in a range, both ends in it, or is NULL."""
    return Check(or_null(column, pl.col(column).is_between(low, high)), f"{column} is {low} to {high}")


def not_negative(*columns: str) -> Check:
    """No column is below 0, infinite, or NaN."""
    holds = pl.all_horizontal(
        or_null(column, pl.col(column).is_between(0, float_info.max)) for column in columns
    )
    verb = "is" if len(columns) == 1 else "are"
    return Check(holds, f"{', '.join(columns)} {verb} not negative")


def present(column: str) -> Check:
    """A column is not NULL."""
    return Check(f"{column} IS NOT NULL", f"{column} is present")


def refers(column: str, to: str) -> Check:
    """A column holds a value of another table's column of the same name, or NULL."""
    return Check(f"{column} IS NULL OR {column} IN (SELECT {column} FROM {to})", f"{column} is found in {to}")


def or_null(column: str, holds: pl.Expr) -> pl.Expr:
    """Let a check pass where a column is NULL."""
    return pl.col(column).is_null() | holds
