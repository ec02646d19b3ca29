"""SQLMesh's failures in our words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlmesh.core.context import Context
from sqlmesh.utils.concurrency import NodeExecutionFailedError

from clogs.errors import ClogsError, DataError
from clogs.transform.audits import AuditFailedError
from clogs.warehouse import fault_of


def explain(context: Context, failure: NodeExecutionFailedError[Any], file: Path) -> ClogsError:
    """Say which model failed and why; for an audit also how many rows, and the keys of some of them.

    Args:
        context: What knows the models.
        failure: What SQLMesh reports.
        file: The warehouse, which may be what is at fault.
    """
    name = context.models[failure.node.snapshot_name].name
    cause = failure.__cause__
    if isinstance(cause, AuditFailedError):
        return _audit_failed(name, cause)
    if fault := fault_of(file, cause):
        return fault
    return ClogsError(
        f"The model {name} could not be built: {_first_line(cause or failure)}",
        hint="Correct the model; if it is as it came, rebuild with: clogs transform --full-refresh",
    )


def _audit_failed(name: str, error: AuditFailedError) -> DataError:
    rows = "1 row fails" if error.count == 1 else f"{error.count:,} rows fail"
    return DataError(
        f"{rows} the audit {error.audit} of {name}: {', '.join(error.examples)}.",
        hint=f"{name} and what is built from it were left as they were. Look for the cause with: clogs query",
    )


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
