"""The materialization ``by_change``: tables that follow the changes of the tables they are built from.

A model's SELECT says what the whole table is. ``key`` in the materialization's properties names the column
that its rows hang together by: the rows of one key are made of those rows of each parent that have the same
key, and of no others. (A parent that has no such column counts as a whole; ``parent = 'column'`` says that it
has another name there.) A run reads from the parents' logs which keys were touched, runs the SELECT on these
keys alone, and replaces the rows that came out otherwise. So a table always is what its SELECT makes of its
parents, and a run costs what has changed.

A table is built as a whole when it is new or its parents cannot tell what changed. All of it, the audits of
what changed and the log for the tables built from this one are one transaction: a row that fails an audit
never becomes visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlglot import exp
from sqlmesh.core.engine_adapter import EngineAdapter
from sqlmesh.core.model import Model
from sqlmesh.core.model.kind import CustomKind
from sqlmesh.core.snapshot import Snapshot
from sqlmesh.core.snapshot.evaluator import CustomMaterialization
from sqlmesh.utils.errors import SQLMeshError

from clogs.transform.audits import audit
from clogs.transform.logs import Logs

NAME = "by_change"

_SOURCE = "conversations"
"""The log of ``raw.conversations``, which `clogs.warehouse` keeps."""

_STALE = """
    CREATE OR REPLACE TEMP TABLE stale AS
    SELECT target.rowid AS place, target.* FROM {target} AS target
"""
_OF_TOUCHED = "SEMI JOIN touched ON touched.key = {table}.{key}"
_GONE = "CREATE OR REPLACE TEMP TABLE gone AS SELECT * FROM stale ANTI JOIN fresh ON {same}"
_COME = "CREATE OR REPLACE TEMP TABLE come AS SELECT * FROM fresh ANTI JOIN stale ON {same}"
_REPLACE = """
    DELETE FROM {target} WHERE rowid IN (SELECT place FROM gone);
    ALTER TABLE gone DROP COLUMN place;
    INSERT INTO {target} SELECT * FROM come
"""


class KeyError_(SQLMeshError):
    """A model's rows do not hang together by its key."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A table that a model reads.

    Attributes:
        table: Its name, without schema.
        log: The table whose log tells its changes.
        column: What its rows are told apart by; None if it counts as a whole.
    """

    table: str
    log: str
    column: str | None


class ByChange(CustomMaterialization[CustomKind]):
    """The strategy that SQLMesh calls."""

    NAME = NAME

    def create(self, *args: Any, **kwargs: Any) -> None:
        """Leave it to `insert`: an empty table would only be replaced, and SQLMesh runs the SELECT to try it."""

    def insert(
        self,
        table_name: str,
        query_or_df: Any,
        model: Model,
        is_first_insert: bool,  # noqa: FBT001  # SQLMesh's signature
        render_kwargs: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        """Bring the table up to date, in the transaction that SQLMesh has begun."""
        update = _Update(self.adapter, table_name, query_or_df, model, kwargs["snapshots"])
        scope = update.run(is_new=is_first_insert)
        if scope:
            audit(self.adapter, model, scope, {**render_kwargs, **kwargs})

    def delete(self, name: str, **kwargs: Any) -> None:
        """Drop the table of an old version, and its log."""
        super().delete(name, **kwargs)
        table = exp.to_table(name, dialect="duckdb")
        log = exp.table_(table.name, "changes", table.catalog, quoted=True)
        self.adapter.drop_table(log)


@dataclass
class _Update:
    """One table, brought up to date."""

    adapter: EngineAdapter
    name: str
    query: exp.Query
    model: Model
    snapshots: Mapping[str, Snapshot]

    @cached_property
    def table(self) -> exp.Table:
        return exp.to_table(self.name, dialect="duckdb")

    @cached_property
    def target(self) -> str:
        return _bare(self.table).sql("duckdb")

    @cached_property
    def logs(self) -> Logs:
        return Logs(self.adapter, self.table.catalog)

    @cached_property
    def properties(self) -> dict[str, str]:
        assert isinstance(self.model.kind, CustomKind)
        return {name: str(value) for name, value in self.model.kind.materialization_properties.items()}

    @property
    def key(self) -> str | None:
        return self.properties.get("key")

    def run(self, *, is_new: bool) -> exp.Table | None:
        """Build the table as a whole, or what is touched; tell what is to be audited, if anything is."""
        parents = self._parents()
        if parents is None:
            self._rebuild({})
            return self.table
        latest = {parent.log: self.logs.latest(parent.log) for parent in parents}
        seen = self.logs.seen(self.table.name)
        news = [parent for parent in parents if latest[parent.log] > seen.get(parent.log, -1)]
        if is_new or any(self._is_beyond(parent, seen) for parent in news):
            self._rebuild(latest)
            return self.table
        if not news:
            return None
        scope = self._touch(parents, news, seen)
        self.logs.mark_seen(self.table.name, latest)
        return scope

    def _is_beyond(self, parent: Parent, seen: Mapping[str, int]) -> bool:
        """Whether it cannot be told which keys a parent's changes touch."""
        if parent.log not in seen:
            return True
        if self.logs.everything_since(parent.log, seen[parent.log]):
            return True
        return self.key is not None and parent.column is None

    def _parents(self) -> list[Parent] | None:
        """The tables it reads, but for seeds, which never change; None if one of them keeps no log."""
        kinds = {
            exp.to_table(snapshot.table_name(), dialect="duckdb").name: snapshot.model
            for snapshot in self.snapshots.values()
            if snapshot.is_model and snapshot.version
        }
        parents = []
        for name, table in {table.name: table for table in self._read()}.items():
            model = kinds.get(name)
            if model and model.kind.is_seed:
                continue
            is_source = table.db == "raw" and name == _SOURCE
            if not is_source and not (model and is_by_change(model)):
                return None
            bare = _SOURCE if is_source else model.name.rpartition(".")[2]  # type: ignore[union-attr]
            column = self.properties.get(bare, self.key)
            has_column = column in self.adapter.columns(_bare(table))
            parents.append(Parent(name, name, column if has_column else None))
        return parents

    def _read(self) -> Iterator[exp.Table]:
        return (table for table in self.query.find_all(exp.Table) if table.db)

    def _rebuild(self, latest: Mapping[str, int]) -> None:
        self.adapter.execute(f"CREATE OR REPLACE TABLE {self.target} AS {self.query.sql('duckdb', comments=False)}")
        self.logs.reset(self.table.name, self.target)
        self.logs.mark_seen(self.table.name, latest)

    def _touch(self, parents: list[Parent], news: list[Parent], seen: Mapping[str, int]) -> exp.Table | None:
        """Replace the rows of the touched keys by those that the SELECT makes of them now."""
        if self.key and not self._find_touched(news, seen):
            return None
        fresh = self._restricted(parents) if self.key else self.query
        self._do(f"CREATE OR REPLACE TEMP TABLE fresh AS {fresh.sql('duckdb', comments=False)}")
        self._check_keys()
        stale = _STALE.format(target=self.target)
        self._do(stale + (_OF_TOUCHED.format(table="target", key=self._quoted(self.key)) if self.key else ""))
        columns = map(self._quoted, self.adapter.columns(self.table))
        same = " AND ".join(f"fresh.{column} IS NOT DISTINCT FROM stale.{column}" for column in columns)
        self._do(_GONE.format(same=same))
        self._do(_COME.format(same=same))
        ((gone, come),) = self.adapter.fetchall("SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM come)")
        if not gone + come:
            return None
        self._do(_REPLACE.format(target=self.target))
        self.logs.append(self.table.name, self.target, changed=("gone", "come"), rows=gone + come)
        return self._audited()

    def _find_touched(self, news: list[Parent], seen: Mapping[str, int]) -> int:
        """Which keys the parents' changes touch, into a temporary table ``touched``."""
        queries = (
            f"SELECT {self._quoted(parent.column)} AS key FROM {self.logs.of(parent.log)}"
            f" WHERE number > {seen[parent.log]} AND {self._quoted(parent.column)} IS NOT NULL"
            for parent in news
        )
        self._do(f"CREATE OR REPLACE TEMP TABLE touched AS {' UNION '.join(queries)}")
        return int(self.adapter.fetchall("SELECT count(*) FROM touched")[0][0])

    def _restricted(self, parents: list[Parent]) -> exp.Query:
        """The SELECT on the touched keys alone."""
        columns = {parent.table: parent.column for parent in parents if parent.column}

        def restrict(node: exp.Expression) -> exp.Expression:
            if not (isinstance(node, exp.Table) and node.db and node.name in columns):
                return node
            key = self._quoted(columns[node.name])
            rows = f"SELECT part.* FROM {_bare(node).sql('duckdb')} AS part {_OF_TOUCHED.format(table='part', key=key)}"
            return exp.maybe_parse(rows, dialect="duckdb").subquery(node.alias or node.name, copy=False)

        return self.query.transform(restrict)

    def _check_keys(self) -> None:
        if not self.key:
            return
        asked = f"SELECT count(*) FROM fresh ANTI JOIN touched ON touched.key = fresh.{self._quoted(self.key)}"
        if self.adapter.fetchall(asked)[0][0]:
            raise KeyError_(f"Rows of {self.model.name} do not hang together by its key, {self.key}.")

    def _audited(self) -> exp.Table:
        """The rows of the touched keys, and those that any new row shares its grain with."""
        grain = [self._quoted(column.name) for column in self.model.grains[0].find_all(exp.Column)]
        same = " AND ".join(f"come.{column} IS NOT DISTINCT FROM t.{column}" for column in grain)
        parts = [f"SELECT t.rowid FROM {self.target} AS t SEMI JOIN come ON {same}"]
        if self.key:
            touched = _OF_TOUCHED.format(table="t", key=self._quoted(self.key))
            parts.append(f"SELECT t.rowid FROM {self.target} AS t {touched}")
        self._do(f"""
            CREATE OR REPLACE TEMP TABLE audited AS
            SELECT * FROM {self.target} WHERE rowid IN ({' UNION '.join(parts)})
        """)
        return exp.to_table("temp.main.audited")

    def _do(self, statements: str) -> None:
        for statement in statements.split(";"):
            self.adapter.execute(statement)

    @staticmethod
    def _quoted(name: str | None) -> str:
        return exp.to_identifier(name, quoted=True).sql("duckdb")


def _bare(table: exp.Table) -> exp.Table:
    """A table without its alias."""
    return exp.table_(table.name, table.db, table.catalog, quoted=True)


def is_by_change(model: Model) -> bool:
    """Tell whether a model is kept up to date by this materialization."""
    return isinstance(model.kind, CustomKind) and model.kind.materialization == NAME
