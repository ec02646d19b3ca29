"""Audits of what has just been built, before anybody can see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp
from sqlmesh.core.engine_adapter.base import EngineAdapter
from sqlmesh.core.macros import RuntimeStage
from sqlmesh.core.model import Model
from sqlmesh.utils.errors import SQLMeshError

_EXAMPLES = 5


class AuditFailedError(SQLMeshError):
    """Rows of a model failed an audit: how many, of which, and the keys of some of them."""


def audit(adapter: EngineAdapter, model: Model, rows: exp.Table, options: Mapping[str, Any]) -> None:
    """Run a model's audits on some rows.

    Raises:
        AuditFailedError: Some of them fail a blocking audit.
    """
    options = {**options, "engine_adapter": adapter, "runtime_stage": RuntimeStage.AUDITING}
    for each, given in model.audits_with_args:
        arguments = dict(given)
        blocking = arguments.pop("blocking", None)
        if each.skip or not (blocking == exp.true() if blocking else each.blocking):
            continue
        query = model.render_audit_query(each, **{**options, **arguments, "this_model": rows})
        failing = query.subquery("failing")
        (count,) = adapter.fetchone(exp.select("COUNT(*)").from_(failing), quote_identifiers=True) or (0,)
        if not count:
            continue
        # the first column is the key, in our models and in audits of uniqueness
        some = adapter.fetchall(exp.select("*").from_(failing).limit(_EXAMPLES), quote_identifiers=True)
        fail = "row fails" if count == 1 else "rows fail"
        keys = ", ".join(str(row[0]) for row in some)
        raise AuditFailedError(f"{count:,} {fail} the audit {each.name} of {model.name}: {keys}.")
