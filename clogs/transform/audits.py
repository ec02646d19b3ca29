"""Audits of what has just changed, before anybody can see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp
from sqlmesh.core.engine_adapter.base import EngineAdapter
from sqlmesh.core.model import Model
from sqlmesh.core.model.definition import AuditResult
from sqlmesh.utils.errors import SQLMeshError

_EXAMPLES = 5


class AuditFailedError(SQLMeshError):
    """Rows of a model failed an audit.

    Attributes:
        audit: The audit's name.
        count: How many failed.
        examples: The first column of some of them: the key, in our models and in audits of uniqueness.
    """

    def __init__(self, audit: str, count: int, examples: list[str]) -> None:
        super().__init__(f"{count} rows fail the audit {audit}")
        self.audit = audit
        self.count = count
        self.examples = examples


def audit(adapter: EngineAdapter, model: Model, rows: exp.Table, options: Mapping[str, Any]) -> None:
    """Run a model's audits on some rows.

    Raises:
        AuditFailedError: Some of them fail a blocking audit.
    """
    for each, given in model.audits_with_args:
        arguments = dict(given)
        blocking = arguments.pop("blocking", None)
        if each.skip or not (blocking == exp.true() if blocking else each.blocking):
            continue
        query = model.render_audit_query(each, **{**options, **arguments, "this_model": rows})
        failing = query.subquery("failing")
        (count,) = adapter.fetchone(exp.select("COUNT(*)").from_(failing), quote_identifiers=True) or (0,)
        if count:
            raise AuditFailedError(each.name, count, _examples(adapter, query))


def raise_failed(adapter: EngineAdapter, results: list[AuditResult]) -> None:
    """Raise the first blocking audit that failed, of those that SQLMesh ran.

    Raises:
        AuditFailedError: One failed.
    """
    for result in results:
        if result.count and result.blocking and result.query:
            raise AuditFailedError(result.audit.name, result.count, _examples(adapter, result.query))


def _examples(adapter: EngineAdapter, query: exp.Expr) -> list[str]:
    some = exp.select("*").from_(exp.Subquery(this=query, alias="failing")).limit(_EXAMPLES)
    return [str(row[0]) for row in adapter.fetchall(some, quote_identifiers=True)]
