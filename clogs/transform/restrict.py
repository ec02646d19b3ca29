"""The rows of its parents that a model's SELECT reads: all, or those that have a touched key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from clogs.transform.compiled import Parent
from clogs.transform.logs import SOURCE
from clogs.warehouse import Connection, fetch, identifier, some_of

_FEW = 100_000
"""Up to how many touched keys are looked up in the parents; for more, these are read as a whole."""


class Followed(NamedTuple):
    """A parent, and how far a model has followed it.

    Attributes:
        parent: The parent.
        seen: Up to which number of its log the model has followed it; None if it has not.
        latest: The number of the last change in its log.
    """

    parent: Parent
    seen: int | None
    latest: int


def read_from(query: str, sources: Mapping[Parent, str]) -> str:
    """A model's SELECT that reads some rows of its parents: a table, or a query in parentheses, of each."""
    for parent, rows in sources.items():
        query = query.replace(identifier(parent.name), rows)
    return query


def restrict(
    connection: Connection, parents: Sequence[Followed], *, touched: str, count: int
) -> Mapping[Parent, str]:
    """The rows of some parents that have a touched key, for `read_from`.

    Args:
        connection: In a transaction.
        parents: Those whose rows can be told apart.
        touched: A table with the touched keys in its column ``key``.
        count: How many they are.
    """
    found = {}
    for each in parents:
        wanted = f"SEMI JOIN {touched} ON {touched}.key = kept.{identifier(each.parent.column or '')}"
        if count > _FEW:
            rows = f"FROM {each.parent.source} AS kept {wanted}"
        else:
            is_shared = each.parent.table == SOURCE and len(parents) == 1
            if is_shared:
                some = _documents_of(connection, each, wanted)
            else:
                some = f"({some_of(connection, each.parent.source, wanted, name=each.parent.table)})"
            rows = f"SELECT * EXCLUDE (_place) FROM {some}"
        found[each.parent] = f"({rows})"
    return found


def _documents_of(connection: Connection, each: Followed, wanted: str) -> str:
    """The touched documents, as a temporary table.

    All models that read nothing else want the same ones: their long texts are copied once in a transform.
    """
    name = f"documents_since_{each.seen}"
    asked = f"SELECT count(*) FROM duckdb_tables() WHERE temporary AND table_name = '{name}'"
    ((is_copied,),) = connection.execute(asked).fetchall()
    return identifier(name) if is_copied else fetch(connection, each.parent.source, wanted, name=name)
