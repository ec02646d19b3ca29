"""One line on what each stage did."""

from __future__ import annotations

from functools import singledispatch

from clogs.extract import ExtractResult
from clogs.importer import ImportResult
from clogs.load import LoadResult
from clogs.transform import TransformResult
from clogs.validate import ValidateResult
from clogs.wording import count, size


@singledispatch
def summary(result: object) -> str:
    """Say in a line what a stage did."""
    raise NotImplementedError(type(result).__name__)


@summary.register
def _(result: ExtractResult) -> str:
    documents = count(result.documents, "document")
    if result.dry_run:
        return f"{documents} would be read"
    if not result.documents:
        return "nothing new"
    parts = [f"{documents} read"]
    if result.landed:
        parts.append(f"{result.landed:,} landed in {count(result.files, 'file')} ({size(result.bytes)})")
    if result.unchanged:
        parts.append(f"{result.unchanged:,} landed before")
    if result.rejected:
        parts.append(f"{result.rejected:,} rejected")
    return " · ".join(parts)


@summary.register
def _(result: LoadResult) -> str:
    rows = f"{count(result.total, 'row')} in raw.conversations"
    if not result.files:
        return f"nothing new · {rows}"
    return f"{count(result.files, 'file')} · {result.inserted:,} new · {result.updated:,} updated · {rows}"


@summary.register
def _(result: TransformResult) -> str:
    return f"{count(len(result.models), 'model')} built"


@summary.register
def _(result: ValidateResult) -> str:
    failed = sum(check.failing > 0 for check in result.checks)
    checks = count(len(result.checks), "check")
    outcome = f"{failed} of {checks} failed" if failed else f"{checks} passed"
    return f"{outcome} on {count(result.rows, 'row')}"


@summary.register
def _(result: ImportResult) -> str:
    parts = [f"{count(result.files, 'file')}", f"{count(result.imported, 'document')} imported"]
    if result.known:
        parts.append(f"{result.known:,} there already")
    if result.rejected:
        parts.append(f"{count(result.rejected, 'line')} rejected")
    return " · ".join(parts)
