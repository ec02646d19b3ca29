"""What Spark needs of the models; it is made with SQLMesh, and used without.

What reads JSON and text makes rows of one row each: DuckDB itself runs that in Spark's tasks, so that odd
documents mean the same everywhere. All other models are Spark's SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import polars as pl
from sqlglot import exp

_TYPES = {"UUID": "TEXT", "UINT": "BIGINT"}
"""DuckDB's types that other engines lack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortableModel:
    """A model.

    Attributes:
        name: Schema and table, ``gold.fct_messages``.
        kind: A view, or a table that follows changes, or one that is built as a whole by every run.
        query: A SELECT of Spark's, from `source` of each parent where it is a table; of DuckDB's, from
            `clogs.warehouse.batches.GIVEN`, if ``is_by_row`` is set.
        plain: The same of DuckDB's, from the parents themselves.
        is_by_row: Whether DuckDB reads the rows of the only parent one by one.
        key: The column whose values are followed; None to compare all rows.
        grain: The columns that no two rows have in common; none for all.
        parents: The tables that it reads, by views or not, each with the column whose values are followed;
            seeds are left out.
        reads: The models and tables that its SELECT names, views and seeds too.
        audits: Names, and queries of the rows that must not be, among those of ``this_model``.
        definition: A digest of all that the rows depend on but the parents' rows, in hex digits.
        description: What one row is.
        columns: Descriptions by column.
    """

    name: str
    kind: Literal["by_change", "full", "view"]
    query: str
    plain: str
    is_by_row: bool
    key: str | None
    grain: Sequence[str]
    parents: Mapping[str, str | None]
    reads: frozenset[str]
    audits: Sequence[tuple[str, str]]
    definition: str
    description: str
    columns: Mapping[str, str]


class Seed(NamedTuple):
    """A seed: its rows as texts, its columns' types in Spark's words, and a digest of both in hex digits."""

    name: str
    rows: pl.DataFrame
    types: Mapping[str, str]
    definition: str


def source(parent: str) -> str:
    """What a table's SELECT calls the rows to read of a parent, ``silver.int_entries``."""
    return f"parent_{parent.replace('.', '_')}"


def portable_type(kind: str) -> str:
    """A type of DuckDB as one that other engines have, too: ``UINTEGER[]`` is ``BIGINT[]``."""
    found = exp.DataType.build(kind, dialect="duckdb")
    for each in found.find_all(exp.DataType):
        if other := _TYPES.get(each.this.name):
            each.set("this", exp.DataType.build(other).this)
    return found.sql("duckdb")


def spark_type(kind: str) -> str:
    """A type of DuckDB in Spark's words."""
    return exp.DataType.build(portable_type(kind), dialect="duckdb").sql("spark")


def duckdb_type(kind: str) -> str:
    """A type of Spark in DuckDB's words."""
    return exp.DataType.build(kind, dialect="spark").sql("duckdb")
