"""Models that follow changes, driven without SQLMesh's plans: hundreds of loads in the time of a few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from empty import config_in, empty_warehouse
from rows import screened
from sqlglot import exp
from sqlmesh.core.context import Context

from clogs import warehouse
from clogs.settings.model import MongoSettings
from clogs.transcripts.find import find
from clogs.transcripts.read import FilePosition, read_batches
from clogs.transform.compile import compile_all
from clogs.transform.compiled import CompiledModel
from clogs.transform.context import open_context
from clogs.transform.engine import clean, current, views
from clogs.transform.follow import update
from clogs.transform.logs import Logs
from clogs.transform.publish import publish

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def rows_of(transcripts: Path, place: Path) -> Path:
    """What the lines of transcripts would be in ``raw.conversations``, as a Parquet file."""
    documents = [
        {**(line.entry or {}), "_id": f"{number:03}-{line.number:06}", "ingestedAt": NOW.isoformat()}
        | {"projectId": transcript.project_id, "sourceFile": transcript.source_file}
        for number, transcript in enumerate(find([transcripts]))
        for batch, _ in read_batches(transcript.path, FilePosition())
        for line in batch
    ]
    frame, _ = screened(documents, exclude=MongoSettings().exclude, at=NOW)
    frame.write_parquet(place / "rows.parquet")
    return place / "rows.parquet"


@dataclass(frozen=True)
class Following:
    """A warehouse whose models can be brought up to date, or built as plain SQL beside it."""

    context: Context
    models: Sequence[CompiledModel]

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements, and read the rows of the last one."""
        *before, last = statements
        for statement in before:
            self.context.engine_adapter.execute(statement)
        return list(self.context.engine_adapter.fetchall(last))

    def change(self, *statements: str, ids: str) -> None:
        """Change documents, and note which: those of a query before and after the statements."""
        adapter = self.context.engine_adapter
        with warehouse.transaction(adapter.cursor):
            ((count,),) = self.run(
                f"CREATE OR REPLACE TEMP TABLE ids AS {ids}", *statements, f"INSERT INTO ids {ids}",
                "SELECT count(*) FROM ids",
            )  # fmt: skip
            warehouse.note_changed(adapter.cursor, "SELECT DISTINCT _id FROM ids", count=count)

    def follow(self, *, compiled: bool = True) -> None:
        """Bring the models up to date, with their compiled SQL or through SQLMesh."""
        adapter = self.context.engine_adapter
        if not compiled:
            self.context.run("prod", ignore_cron=True)
        for model in self.models if compiled else ():
            with warehouse.transaction(adapter.cursor):
                update(Logs(adapter.cursor), model)
        clean(self.context, current(self.context))

    def differences(self) -> dict[str, list[tuple[Any, ...]]]:
        """Build all models anew, as plain SQL, and return the rows that the two do not have in common."""
        found = {}
        for place, (model, plain) in enumerate(zip(self.models, self._anew, strict=True)):
            table, anew = model.identifier, f"anew_{place}"
            both = f"(FROM {table} EXCEPT ALL FROM {anew}) UNION ALL (FROM {anew} EXCEPT ALL FROM {table})"
            rows = self.run(f"CREATE OR REPLACE TEMP TABLE {anew} AS {plain}", f"FROM ({both}) LIMIT 3")
            if rows:
                found[model.name] = rows
        return found

    @cached_property
    def _anew(self) -> list[str]:
        """Each model's SELECT, from the tables ``anew_0``, ``anew_1`` and so on."""
        snapshots = self.context.snapshots
        queries = {
            snapshot.model.name: snapshot.model.render_query_or_raise(snapshots=snapshots)
            for snapshot in snapshots.values()
            if snapshot.is_model
        }
        names = {model.table: f"anew_{place}" for place, model in enumerate(self.models)}
        return [
            queries[model.name].transform(_renamed, names).sql("duckdb", comments=False)
            for model in self.models
        ]


def _renamed(node: exp.Expr, names: dict[str, str]) -> exp.Expr:
    if isinstance(node, exp.Table) and node.name in names:
        return exp.to_table(names[node.name]).as_(node.alias or node.name)
    return node


@contextmanager
def following(folder: Path, *, timezone: str = "Europe/Berlin") -> Iterator[Following]:
    """The models on an empty warehouse."""
    empty_warehouse(folder)
    with open_context(config_in(folder, timezone=timezone)) as context:
        context.plan("prod", skip_tests=True)
        publish(context.engine_adapter.cursor, views(context, current(context)))
        models = [model for model in compile_all(context, {}) or () if model.kind == "by_change"]
        yield Following(context, models)
