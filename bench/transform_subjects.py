"""What is measured of transforming, each in a process of its own, which prints what it found."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.arrivals import hours
from clogs import warehouse
from clogs.cli import run as command_line
from clogs.files import bundled
from clogs.landing.files import land
from clogs.load import load
from clogs.settings.model import DuckDBSettings
from clogs.transform import TransformConfig, transform
from clogs.transform.compiled import Compiled, CompiledModel

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlmesh.core.context import Context
    from sqlmesh.core.model import Model

THREADS = DuckDBSettings(path=Path()).threads
HOURLY = 50
"""New documents of a small load."""
HELD = 100
"""Documents that a warehouse which grows holds at first, for each load that follows."""

_OWN = ("session_id", "source_file", "uuid", "parent_uuid")
_MARKS = ('"msg_01', '"toolu_01', '"req_01')
"""How ids begin that the JSON repeats; their last digits but one tell the copy."""
_COPIES = """
    INSERT INTO raw.conversations BY NAME
    SELECT * EXCLUDE (digit, other) REPLACE ({columns})
    FROM (FROM read_parquet(?, hive_partitioning = true) WHERE _id < ?),
        (SELECT digit, trim(digit, '0') AS other FROM (SELECT unnest(range(?::INTEGER))::VARCHAR AS digit))
"""


@dataclass(frozen=True, slots=True)
class Grown:
    """What became of a warehouse that took many small loads.

    Attributes:
        seconds: What these took, each with a transform after it.
        rows: How many it has.
        size: Bytes of its file.
        anew: Bytes of one that was filled with the same rows at once.
    """

    seconds: float
    rows: int
    size: int
    anew: int


def fill(path: str, landing: str, end: str, times: str) -> None:
    """Make a warehouse of all documents before one, and of copies of them: other entries of the same times.

    Ids of copies stand beside those of the originals, as ids do that are made at the same time.
    """
    files = str(Path(landing) / "date=*" / "*.parquet")
    columns = [f"other || {name} AS {name}" for name in _OWN] + ["_id || other AS _id"]
    columns.append("replace(request_id, 'req_01', 'req_' || digit || '1') AS request_id")
    columns += [f"{_other_ids(name)} AS {name}" for name in ("message_raw", "entry_raw")]
    with warehouse.connect(Path(path)) as connection:
        warehouse.create_tables(connection)
        with warehouse.bounded(connection), warehouse.transaction(connection):
            connection.execute(_COPIES.format(columns=", ".join(columns)), [files, end, times])
            warehouse.note_everything(connection)


def _other_ids(column: str) -> str:
    """JSON with ids of its own."""
    for mark in _MARKS:
        column = f"replace({column}, '{mark}', '{mark[:-2]}' || digit || '1')"
    for key in ("uuid", "leafUuid"):
        column = f"""replace({column}, '"{key}":"', '"{key}":"' || other)"""
    return column


def plain(path: str, cache: str) -> dict[str, float]:
    """The SELECTs of all models, one after the other, with the connection that SQLMesh would use.

    Returns:
        The seconds of each.
    """
    took = {}
    with _opened(path, cache) as context:
        execute = context.engine_adapter.execute
        execute("CREATE SCHEMA plain")
        for model, statement in _statements(context):
            started = time.perf_counter()
            execute(statement)
            took[model.name] = time.perf_counter() - started
    return took


def touched(path: str, done: str) -> float:
    """The SELECTs of all models on the keys that a transform has found touched, and nothing but these.

    Args:
        path: A warehouse to which something was loaded.
        done: The data folder of a copy of it, after a transform and before the next.

    Returns:
        The seconds of all, and of closing the file, which writes it anew from its log, as a transform ends.
    """
    content = (Path(done) / "state" / "sqlmesh" / "compiled").read_bytes()
    compiled = msgspec.json.decode(content[content.index(b"{") :], type=Compiled)
    with warehouse.connect(Path(path)) as connection:
        connection.execute(f"ATTACH '{Path(done) / 'clogs.duckdb'}' AS done (READ_ONLY)")
        seen = connection.execute("SELECT model, parent, number FROM changes.seen").fetchall()
        numbers = {(model, parent): number for model, parent, number in seen}
        started = time.perf_counter()
        for model in compiled.models:
            if model.kind == "by_change":
                _replace_touched(connection, model, numbers)
    return time.perf_counter() - started


def _replace_touched(
    connection: warehouse.Connection, model: CompiledModel, numbers: dict[tuple[str, str], int]
) -> None:
    query, keys = model.query, []
    for parent in model.parents or ():
        rows = parent.source
        if model.key and parent.column:
            changed = f'done.changes."{parent.table}" WHERE number > {numbers[model.table, parent.table]}'
            keys.append(f"SELECT {parent.column} AS key FROM {changed}")
            rows = f"(FROM {rows} WHERE {parent.column} IN (FROM touched))"
        query = query.replace(f'"{parent.name}"', rows)
    connection.execute("BEGIN")
    if keys:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {' UNION '.join(keys)}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE expected AS {query}")
    where = f"WHERE {model.key} IN (FROM touched)" if keys else ""
    connection.execute(f"DELETE FROM {model.identifier} {where}")
    connection.execute(f"INSERT INTO {model.identifier} FROM expected")
    connection.execute("COMMIT")


def _statements(context: Context) -> Iterator[tuple[Model, str]]:
    """What makes each model's table in schema ``plain``, in dependency order."""
    from sqlmesh.core.model import SeedModel

    for fqn in context.dag.sorted:
        model = context.models.get(fqn)
        if model is None or model.kind.is_symbolic:
            continue
        if isinstance(model, SeedModel):
            query = f"FROM read_csv('{model.seed_path}', columns = {_types(model)})"
        else:
            rendered = model.render_query_or_raise(snapshots=context.snapshots)
            query = rendered.transform(_in_plain).sql("duckdb", comments=False)
        kind = "VIEW" if model.kind.is_view else "TABLE"
        yield model, f"CREATE {kind} clogs.plain.{model.view_name} AS {query}"


def _types(model: Model) -> dict[str, str]:
    return {name: kind.sql("duckdb") for name, kind in model.columns_to_types_or_raise.items()}


def _in_plain(node: exp.Expr) -> exp.Expr:
    """Read the tables of schema ``plain``, but for ``raw``."""
    from sqlglot import exp

    if isinstance(node, exp.Table) and node.db not in {"", "raw"}:
        return exp.table_(node.name, "plain", node.catalog).as_(node.alias or node.name)
    return node


def parts(path: str, cache: str) -> dict[str, float]:
    """What SQLMesh takes before it looks for anything to do.

    Returns:
        The seconds of each part.
    """
    took = {}
    started = time.perf_counter()
    import clogs.transform.context  # noqa: F401

    took["import"] = time.perf_counter() - started
    started = time.perf_counter()
    with _opened(path, cache) as context:
        took["context"] = time.perf_counter() - started
        started = time.perf_counter()
        context.plan("prod", skip_tests=True)
        took["plan"] = time.perf_counter() - started
    return took


def _opened(path: str, cache: str) -> AbstractContextManager[Context]:
    from clogs.transform.context import open_context

    return open_context(_settings(Path(path), Path(cache)))


def _settings(path: Path, cache: Path) -> TransformConfig:
    """What the command line takes where nothing is set."""
    return TransformConfig(
        warehouse=path, models_dir=bundled("transforms"), cache_dir=cache, timezone="UTC", threads=THREADS
    )


def sqlmesh(*arguments: str) -> int:
    """How many modules of SQLMesh a run of ``clogs`` imports.

    Raises:
        SystemExit: It failed.
    """
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        code = command_line([*arguments])
    if code:
        raise SystemExit(code)
    return sum(name.partition(".")[0] == "sqlmesh" for name in sys.modules)


def grow(landing: str, folder: str, times: str) -> Grown:
    """Load documents hour by hour, each time with a transform; then all of them into another warehouse."""
    place = Path(folder)
    first, *following = hours(Path(landing), HELD * int(times), HOURLY, int(times))
    land(first, place / "landing", name="first")
    _follow(place, "grown")
    started = time.perf_counter()
    for number, rows in enumerate(following):
        land(rows, place / "landing", name=f"hour_{number}")
        _follow(place, "grown")
    seconds = time.perf_counter() - started
    _follow(place, "anew")
    grown, anew = (place.joinpath(f"{name}.duckdb").stat().st_size for name in ("grown", "anew"))
    return Grown(seconds, len(first) + sum(map(len, following)), grown, anew)


def _follow(place: Path, name: str) -> None:
    """Load what is new, and transform."""
    path = place / f"{name}.duckdb"
    with warehouse.connect(path) as connection:
        load(connection, raw_dir=place / "landing", dead_letter_dir=place / "dead_letters", run="bench")
    transform(_settings(path, place / "cache"))


SUBJECTS: dict[str, Callable[..., object]] = {
    "fill": fill,
    "plain": plain,
    "touched": touched,
    "parts": parts,
    "sqlmesh": sqlmesh,
    "grow": grow,
}

if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(SUBJECTS[sys.argv[1]](*sys.argv[2:])))
