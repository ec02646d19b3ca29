"""Audits of what has just been built, before anybody can see it."""

from __future__ import annotations

from collections.abc import Iterable

from clogs.errors import DataError
from clogs.transform.compiled import CompiledAudit
from clogs.warehouse import Connection

_EXAMPLES = 5


def audit(connection: Connection, model: str, audits: Iterable[CompiledAudit], rows: str) -> None:
    """Run a model's audits on some rows.

    Raises:
        DataError: Some of them fail an audit: how many, of which, and the keys of some of them.
    """
    connection.execute(f"CREATE OR REPLACE TEMP VIEW this_model AS FROM {rows}")
    for each in audits:
        ((count,),) = connection.execute(f"SELECT count(*) FROM ({each.query})").fetchall()
        if not count:
            continue
        # the first column is the key, in our models and in audits of uniqueness
        some = connection.execute(f"FROM ({each.query}) LIMIT {_EXAMPLES}").fetchall()
        fail = "row fails" if count == 1 else "rows fail"
        keys = ", ".join(str(row[0]) for row in some)
        raise DataError(
            f"{count:,} {fail} the audit {each.name} of {model}: {keys}.",
            hint=f"{model} and what is built from it were left as they were."
            " Look for the cause with: clogs query",
        )
