"""A model's table of Iceberg, and how it is brought up to date with its parents.

Its properties name the model's definition, and the snapshot of each parent that it has followed. Both are
written after the rows, or with them: killed in between, the same changes are followed again, to no effect.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from clogs.errors import ClogsError
from clogs.spark.catalog import (
    DEFINITION,
    as_sql,
    is_table,
    is_view,
    make_room,
    properties_of,
    write_table,
)
from clogs.spark.merge import GONE, Range, kept, merge, ranges, same, time_of
from clogs.transform.audits import EXAMPLES, failure
from clogs.transform.portable import PortableModel, duckdb_type, portable_type, source, spark_type
from clogs.warehouse import identifier
from clogs.warehouse.batches import selected, types_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructField


_MOVED = ("raw.conversations", "extracted_at")
"""The table and column that change where a document is read again and says the same: nothing follows that."""


@dataclass(slots=True)
class ModelTable:
    """A model's table, or its view; a catalog that has no views lacks the latter."""

    spark: SparkSession
    model: PortableModel

    def exists(self) -> bool:
        """Whether it is there."""
        return (is_view if self.model.kind == "view" else is_table)(self.spark, self.model.name)

    def is_of_definition(self) -> bool:
        """Whether it is there, and was built by the model as it is."""
        return self._own_properties().get(DEFINITION) == self.model.definition

    def update(self, *, full_refresh: bool) -> bool:
        """Build it as a whole, or what was touched; return whether there was anything to do.

        Raises:
            DataError: Rows fail an audit.
            ClogsError: Rows depend on rows outside their key.
        """
        if self.model.kind == "view":
            return self._create_view()
        if self.model.kind == "full" or not all(is_table(self.spark, each) for each in self.model.parents):
            self._build({})  # a view of somebody's has no changes to follow
            return True
        snapshots = self._snapshots()
        if full_refresh or not self.is_of_definition():
            self._build(snapshots)
            return True
        changed = self._changed(snapshots)
        if not changed:
            return False
        if self._can_follow(changed):
            self._follow(changed)
            self._set(snapshots)
        else:
            self._build(snapshots)
        return True

    def touched_keys(self) -> int | None:
        """How many keys are touched by what it has not followed; None where all may be."""
        if not self.is_of_definition():
            return None
        changed = self._changed(self._snapshots())
        if not self._can_follow(changed):
            return None
        return int(self._touched(changed).count()) if changed else 0

    def _snapshots(self) -> dict[str, str]:
        """The current snapshot of each parent, by the property that names it."""
        return {_seen(parent): self._snapshot(parent) for parent in self.model.parents}

    def _changed(self, snapshots: Mapping[str, str]) -> dict[str, str]:
        """The parents that have changed, with the snapshots that were followed."""
        properties = self._own_properties()
        seen = {parent: properties.get(_seen(parent), "") for parent in self.model.parents}
        return {parent: old for parent, old in seen.items() if old != snapshots[_seen(parent)]}

    def _can_follow(self, changed: Mapping[str, str]) -> bool:
        """Whether the changes of parents since some snapshots say which keys they touch."""
        if self.model.key and not all(map(self._column, changed)):
            return False
        return all(self._is_ancestor(parent, snapshot) for parent, snapshot in changed.items())

    def _build(self, snapshots: Mapping[str, str]) -> None:
        """Replace the table by what the SELECT gives.

        Raises:
            DataError: Rows fail an audit.
            ClogsError: The catalog has such a table of somebody else's.
        """
        for parent in self.model.parents:
            self.spark.table(parent).createOrReplaceTempView(source(parent))
        rows = kept(self._selected(), "this_model")
        self._audit()
        if order := time_of(rows.schema):
            rows = rows.orderBy(order)
        write_table(rows, self.model.name, {DEFINITION: self.model.definition, **snapshots})

    def _follow(self, changed: Mapping[str, str]) -> None:
        """Replace the rows of the touched keys by those that the SELECT makes of them now."""
        touched = kept(self._touched(changed), "touched")
        if touched.isEmpty():
            return
        keys = ranges(touched, ["key"]).get("key")
        for parent in self.model.parents:
            column = self._column(parent) if self.model.key else None
            rows = self._of_touched(parent, column, keys) if column else f"SELECT * FROM {parent}"
            self.spark.sql(rows).createOrReplaceTempView(source(parent))
        kept(self._selected(), "expected")
        self._replace(keys)

    def _replace(self, keys: Range | None) -> None:
        """Write the rows that differ from what they ought to be."""
        name, key = self.model.name, self.model.key
        columns = self.spark.table(name).columns
        grain = self.model.grain or columns
        agreeing = "SELECT * FROM expected"
        if key:
            foreign = f"SELECT * FROM expected LEFT ANTI JOIN touched ON touched.key = expected.`{key}`"
            if not self.spark.sql(foreign).isEmpty():
                raise ClogsError(f"The rows of {name} depend on rows outside their key, {key}.")
        current = self._of_touched(name, key, keys) if key else f"SELECT * FROM {name}"
        if key and key not in grain:  # rows of other keys may have the same grain
            alike = f"SELECT * FROM {name} LEFT SEMI JOIN expected ON {same(name, 'expected', grain)}"
            others = f"LEFT ANTI JOIN touched ON touched.key = alike.`{key}`"
            agreeing += f" UNION ALL SELECT * FROM ({alike}) AS alike {others}"
        kept(self.spark.sql(current), "current")
        self.spark.sql(agreeing).createOrReplaceTempView("this_model")
        self._audit()
        changes = f"""
            SELECT *, false AS {GONE} FROM expected
            LEFT ANTI JOIN current ON {same("expected", "current", columns)}
            UNION ALL
            SELECT *, true FROM current LEFT ANTI JOIN expected ON {same("expected", "current", grain)}
        """
        rows = kept(self.spark.sql(changes), "changes")
        if not rows.isEmpty():
            merge(rows, name, columns, on=grain, order=time_of(rows.schema))

    def _selected(self) -> DataFrame:
        """What the SELECT gives, from the sources as they are."""
        query = self.model.query
        if not self.model.is_by_row:
            return self.spark.sql(query)
        (parent,) = self.model.parents
        given = self.spark.table(source(parent))
        columns = {field.name: duckdb_type(field.dataType.simpleString()) for field in given.schema}
        types = types_of(query, columns)
        casts = (
            f"CAST({identifier(name)} AS {portable_type(kind)}) AS {identifier(name)}"
            for name, kind in types.items()
        )
        written = ", ".join(f"`{name}` {spark_type(kind)}" for name, kind in types.items())
        return given.mapInArrow(selected(f"SELECT {', '.join(casts)} FROM ({query})"), written)

    def _audit(self) -> None:
        """Require that no row of ``this_model`` fails an audit."""
        counts = [
            f"SELECT {index} AS audit, count(*) AS number FROM ({query})"
            for index, (_, query) in enumerate(self.model.audits)
        ]
        for failing in self.spark.sql(" UNION ALL ".join(counts)).collect() if counts else ():
            if failing.number:
                name, query = self.model.audits[failing.audit]
                some = self.spark.sql(query).limit(EXAMPLES).collect()
                raise failure(self.model.name, name, failing.number, some)

    def _touched(self, changed: Mapping[str, str]) -> DataFrame:
        """The keys that the changes of parents touch; some key where all rows are compared."""
        first, *others = (self._touched_in(parent, seen) for parent, seen in changed.items())
        return reduce(lambda keys, more: keys.union(more), others, first).distinct()

    def _touched_in(self, parent: str, seen: str) -> DataFrame:
        """The keys of a parent's rows that came or went since a snapshot.

        Most rows of a file that was replaced are in the new one, too. Iceberg's own views of changes tell
        them apart by sorting whole rows, which takes most of a run; here digests of them are counted.
        """
        key = f"`{self._column(parent)}`" if self.model.key else "1"
        fields = self.spark.table(parent).schema
        digested = ", ".join(_digested(field) for field in fields if (parent, field.name) != _MOVED)
        changes = self.spark.read.option("start-snapshot-id", seen).table(f"{parent}.changes")
        counted = changes.selectExpr(
            f"{key} AS key",
            f"xxhash64({digested}) AS digest",
            "IF(_change_type = 'INSERT', 1, -1) AS number",
        )
        counted = counted.where("key IS NOT NULL").groupBy("key", "digest").sum("number")
        return counted.where("`sum(number)` <> 0").select("key")

    def _of_touched(self, table: str, column: str, keys: Range | None) -> str:
        """A SELECT of the rows that have a touched key, by the range of these, and by that of the times.

        The times are looked for first: they and the keys are few bytes of a row, and all else of it is read
        only from the files that have such times.
        """
        rows = f"SELECT * FROM {table} LEFT SEMI JOIN touched ON touched.key = {table}.`{column}`"
        if keys:
            rows += f" AND {keys.holds(f'{table}.`{column}`')}"
        time = time_of(self.spark.table(table).schema)
        if time and time != column:
            times = ranges(self.spark.sql(rows), [time]).get(time)
            rows += f" WHERE {times.holds(f'{table}.`{time}`')}" if times else ""
        return rows

    def _is_ancestor(self, parent: str, snapshot: str) -> bool:
        """Whether a parent as it is now has grown from a snapshot."""
        asked = f"SELECT is_current_ancestor FROM {parent}.history WHERE snapshot_id = {snapshot or 0}"
        return any(row.is_current_ancestor for row in self.spark.sql(asked).collect())

    def _column(self, parent: str) -> str | None:
        """The column of a parent whose values are followed."""
        column = self.model.parents[parent]
        return column if column in self.spark.table(parent).columns else None

    def _snapshot(self, parent: str) -> str:
        """The current snapshot of a parent; nothing if it has never been written."""
        return properties_of(self.spark, parent)["current-snapshot-id"].removeprefix("none")

    def _own_properties(self) -> dict[str, str]:
        return properties_of(self.spark, self.model.name) if self.exists() else {}

    def _set(self, properties: Mapping[str, str]) -> None:
        self.spark.sql(f"ALTER TABLE {self.model.name} SET TBLPROPERTIES ({as_sql(properties)})")

    def _create_view(self) -> bool:
        from pyspark.errors import UnsupportedOperationException

        name, query = self.model.name, self.model.query
        rows = self.spark.sql(query)  # which fails, if it does, before anything is dropped
        if self.model.audits:
            rows.createOrReplaceTempView("this_model")
            self._audit()
        if self.is_of_definition():
            return False
        make_room(self.spark, name, kind="VIEW")
        properties = f"TBLPROPERTIES ({as_sql({DEFINITION: self.model.definition})})"
        try:
            self.spark.sql(f"CREATE OR REPLACE VIEW {name} {properties} AS {query}")
        except UnsupportedOperationException:  # by a catalog that has none
            return False
        return True


def _digested(field: StructField) -> str:
    """What a digest takes of a column: without more, NULLs in other places would make no difference."""
    column = f"`{field.name}`"
    is_nested = field.dataType.typeName() in {"array", "struct", "map"}
    return f"{column} IS NULL, {f'to_json({column})' if is_nested else column}"


def _seen(parent: str) -> str:
    """The property that names the snapshot of a parent; Spark hides those whose names sound like secrets."""
    return f"clogs.seen.{hashlib.sha256(parent.encode()).hexdigest()[:16]}"
