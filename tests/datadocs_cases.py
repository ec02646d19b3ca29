"""Pages of small warehouses and of the samples, for tests to look at."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from built import fill, warehouse_of
from conftest import new_workspace

from clogs import warehouse
from clogs.checks.results import CheckResult, Outcome, PastResult
from clogs.datadocs.page import build
from clogs.datadocs.profile import ColumnProfile, measure, tables
from clogs.files import bundled
from clogs.schema import Model
from clogs.transform import TransformConfig, lineage

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = """</script><script>alert("1")</script>' onload=x\n\x1b[31m\u202e&amp;"""


def check(table: str, **changes: object) -> CheckResult:
    """A check, passed unless it is changed."""
    fields: dict[str, object] = {
        "check": f"{table}.key",
        "layer": "gold",
        "table": table,
        "description": "the key is unique",
        "severity": "error",
        "tolerated": 0.0,
        "rows": 1000,
        "failing": 0,
        "examples": (),
    }
    return CheckResult(**fields | changes)  # type: ignore[arg-type]


def model(name: str, *parents: str, is_table: bool = True) -> Model:
    """A model that reads others."""
    return Model(name=name, description="A row.", key=(), parents=parents, is_table=is_table)


def settings(file: Path, cache: Path, ours: Path | None = None, extra: Path | None = None) -> TransformConfig:
    """Settings of models on a warehouse."""
    return TransformConfig(
        warehouse=file,
        models_dir=ours or bundled("transforms"),
        extra_models=extra,
        cache_dir=cache,
        timezone="UTC",
        threads=2,
    )


def documented(root: Path) -> Path:
    """The page of the samples' warehouse, with checks of every outcome and texts that mean harm."""
    root.mkdir(exist_ok=True)
    file = warehouse_of(fill(new_workspace(root, "mongodb://127.0.0.1:1", "none")))
    models = lineage(settings(file, root / "cache"))
    checks = (
        check("gold.fct_messages"),
        check("gold.fct_tool_calls", failing=12, examples=(HOSTILE, "b" * 1000)),
        check("raw.conversations", severity="warning", tolerated=0.01, failing=20, description=HOSTILE),
        check("raw.conversations", check="quiet", severity="warning", tolerated=0.01, failing=9),
    )
    check_history = {"raw.conversations.key": [past(day, day) for day in range(30)]}
    with warehouse.connect(file, read_only=True) as connection:
        return build(
            connection,
            models=models,
            checks=checks,
            check_history=check_history,
            folder=root / "site" / "docs",
            at=AT,
        )


def past(day: int, failing: int, outcome: Outcome = "passed") -> PastResult:
    """A validation some days after the beginning of the year."""
    return PastResult(
        at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day), rows=1000, failing=failing, outcome=outcome
    )


def measured_column(
    connection: warehouse.Connection, query: str, values: Sequence[object] = ()
) -> ColumnProfile:
    """The only column of a query, as ``gold.measured``."""
    connection.execute(f"CREATE OR REPLACE TABLE gold.measured AS {query}", values)
    (table,) = [table for table in tables(connection) if table.name == "gold.measured"]
    measured = measure(connection, table)
    assert not measured.fault
    (column,) = measured.columns
    return column


def written(connection: warehouse.Connection, folder: Path, *models: Model) -> str:
    path = build(connection, models=models, checks=(), check_history={}, folder=folder, at=AT)
    return path.read_text(encoding="utf-8")
