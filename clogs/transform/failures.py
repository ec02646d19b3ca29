"""SQLMesh's failures in our words."""

from __future__ import annotations

from typing import Any

from sqlglot import exp
from sqlmesh.core.context import Context
from sqlmesh.utils.concurrency import NodeExecutionFailedError
from sqlmesh.utils.errors import AuditError, NodeAuditsErrors

from clogs.errors import ClogsError, DataError

_EXAMPLES = 5


def explain(context: Context, failure: NodeExecutionFailedError[Any]) -> ClogsError:
    """Say which model failed and why; for an audit also how many rows, and the keys of some of them."""
    name = context.models[failure.node.snapshot_name].name
    cause = failure.__cause__
    if isinstance(cause, NodeAuditsErrors):
        return _audit_failed(context, name, cause.errors[0])
    return ClogsError(
        f"The model {name} could not be built: {_first_line(cause or failure)}",
        hint="Correct the model; if it is as it came, rebuild with: clogs transform --full-refresh",
    )


def _audit_failed(context: Context, name: str, error: AuditError) -> DataError:
    rows = "1 row fails" if error.count == 1 else f"{error.count:,} rows fail"
    examples = ", ".join(_example_keys(context, error))
    return DataError(
        f"{rows} the audit {error.audit_name} of {name}: {examples}.",
        hint=f"The models built from {name} were left as they were. Look at the rows with: clogs query",
    )


def _example_keys(context: Context, error: AuditError) -> list[str]:
    """The first column of some rows: the key, in every model of ours and in the audits of uniqueness."""
    rows = context.engine_adapter.fetchall(
        exp.select("*").from_(error.query.subquery("failing")).limit(_EXAMPLES), quote_identifiers=True
    )
    return [str(row[0]) for row in rows]


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
