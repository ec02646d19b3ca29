"""The materialization ``by_change``: tables that follow the changes of the tables they are built from.

A model's SELECT says what the whole table is. ``key`` in the materialization's properties names a column: the
rows of one key are made of those rows of each parent that have the same key, and of no others. (A parent
without that column counts as a whole; ``parent = 'column'`` says that it has another name there.) So a table
always is what its SELECT makes of its parents, and a run costs what has changed: `clogs.transform.follow`.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp
from sqlmesh.core.model import Model
from sqlmesh.core.model.kind import CustomKind
from sqlmesh.core.snapshot.evaluator import CustomMaterialization

from clogs.transform.compile import BY_CHANGE, compile_model
from clogs.transform.follow import update
from clogs.transform.logs import Logs


class ByChange(CustomMaterialization[CustomKind]):
    """The strategy that SQLMesh calls."""

    NAME = BY_CHANGE

    def create(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # SQLMesh's signature
        """Leave it to `insert`; SQLMesh would run the whole SELECT to try it."""

    def insert(
        self,
        table_name: str,
        query_or_df: Any,  # noqa: ANN401
        model: Model,
        is_first_insert: bool,  # noqa: FBT001
        render_kwargs: dict[str, Any],
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Bring the table up to date, in the transaction that `clogs.transform.context` has begun."""
        options = {**render_kwargs, **kwargs}
        compiled = compile_model(self.adapter, model, table_name, query_or_df, options=options)
        update(Logs(self.adapter.cursor), compiled, is_new=is_first_insert)

    def delete(self, name: str, **kwargs: Any) -> None:  # noqa: ANN401
        """Drop the table of an old version, and its log."""
        super().delete(name, **kwargs)
        log = Logs(self.adapter.cursor).of(exp.to_table(name, dialect="duckdb").name)
        self.adapter.cursor.execute(f"DROP TABLE IF EXISTS {log}")
