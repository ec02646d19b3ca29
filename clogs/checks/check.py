"""What a suite of checks is made of.

A suite is a class about one table, and each of its attributes one check, named by what must hold. What a row
tells by itself is a Polars expression; what takes the whole table, or another one, is SQL that DuckDB answers
row by row. Extraction tests documents by the same expressions before they are landed.
"""

from __future__ import annotations

from dataclasses import dataclass
from sys import float_info
from typing import ClassVar

import polars as pl

from clogs.checks.results import LAYERS, Layer, Severity


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold for each row of a table.

    Attributes:
        holds: True where it does; NULL counts as false. Text is SQL on the suite's `Suite.source`.
        description: What must hold, in words.
        severity: What it is if it does not.
        tolerated: The share of rows, 0 to 1, that may fail without being told.
    """

    holds: pl.Expr | str
    description: str
    severity: Severity = "error"
    tolerated: float = 0.0


class Suite:
    """Checks on one table; every suite but those with another `source` also checks its key.

    Attributes:
        table: The table, with its schema.
        name: What its checks are called by: ``<name>.<attribute>``.
        layer: Whose data it is.
        key: The columns that tell rows apart; examples show them.
        source: What follows FROM; the table itself unless a suite says otherwise.
        checks: Its checks by their full names.
    """

    table: ClassVar[str]
    name: ClassVar[str]
    layer: ClassVar[Layer]
    key: ClassVar[tuple[str, ...]]
    source: ClassVar[str]
    checks: ClassVar[dict[str, Check]]

    def __init_subclass__(
        cls, *, table: str, key: str, name: str = "", source: str = "", optional: tuple[str, ...] = ()
    ) -> None:
        """Collect the checks.

        Args:
            table: The table, with its schema.
            key: The columns that tell rows apart, with commas between them.
            name: What the checks are called by; the table's name without its schema if empty.
            source: What follows FROM; the table if empty. The suite then has no checks on its key.
            optional: Columns of the key that may be NULL.
        """
        schema, _, short = table.partition(".")
        cls.table, cls.name, cls.source = table, name or short, source or table
        cls.layer = next((layer for layer in LAYERS if layer == schema), "bronze")
        cls.key = tuple(column.strip() for column in key.split(","))
        own = {attribute: check for attribute, check in vars(cls).items() if isinstance(check, Check)}
        on_key = {} if source else _on_key(table, cls.key, optional)
        cls.checks = {f"{cls.name}.{attribute}": check for attribute, check in (on_key | own).items()}


def among(column: str, *values: str) -> Check:
    """A column holds one of these, or NULL."""
    return Check(or_null(column, pl.col(column).is_in(values)), f"{column} is {_or(values)}")


def between(column: str, low: int, high: int) -> Check:
    """A column lies in a range, both ends in it, or is NULL."""
    return Check(or_null(column, pl.col(column).is_between(low, high)), f"{column} is {low} to {high}")


def not_negative(*columns: str) -> Check:
    """No column is below 0, infinite, or no number."""
    holds = pl.all_horizontal(
        or_null(column, pl.col(column).is_between(0, float_info.max)) for column in columns
    )
    verb = "is" if len(columns) == 1 else "are"
    return Check(holds, f"{', '.join(columns)} {verb} not negative")


def present(column: str) -> Check:
    """A column is not NULL."""
    return Check(pl.col(column).is_not_null(), f"{column} is present")


def refers(column: str, to: str) -> Check:
    """A column holds a value of another table's column of the same name, or NULL."""
    return Check(f"{column} IS NULL OR {column} IN (SELECT {column} FROM {to})", f"{column} is found in {to}")


def adds_up(columns: str, of: str) -> Check:
    """Columns of ``agg`` equal those of the same names of ``facts``, to a millionth of each."""
    same = " AND ".join(
        f"(agg.{column} IS NOT DISTINCT FROM facts.{column}"
        f" OR abs(agg.{column} - facts.{column}) <= 1e-6 * abs(facts.{column}))"
        for column in map(str.strip, columns.split(","))
    )
    return Check(same, f"{columns} are those of {of}")


def or_null(column: str, holds: pl.Expr) -> pl.Expr:
    """Let a check pass where a column is NULL."""
    return pl.col(column).is_null() | holds


def _on_key(table: str, key: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Check]:
    required = [column for column in key if column not in optional]
    columns = ", ".join(key)
    row = columns if len(key) == 1 else f"({columns})"
    again = f"SELECT {row} FROM {table} GROUP BY ALL HAVING count(*) > 1"
    return {
        "key_is_present": Check(
            " AND ".join(f"{column} IS NOT NULL" for column in required),
            f"{' and '.join(required)} {'is' if len(required) == 1 else 'are'} present",
        ),
        "key_is_unique": Check(
            f"coalesce({row} NOT IN ({again}), true)",
            f"{columns} {'tells' if len(key) == 1 else 'tell'} rows apart",
        ),
    }


def _or(values: tuple[str, ...]) -> str:
    *most, last = values
    return f"{', '.join(most)} or {last}" if most else last
