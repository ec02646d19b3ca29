"""Data quality: Pandera suites on the warehouse's tables, one class per table.

Every attribute of a suite is one check. What SQL does best, uniqueness over a whole table or the parsing of
JSON, arrives as a column that must be true or 1; what the values must be, Pandera says.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

from clogs.errors import DataError, UsageError, WarehouseError
from clogs.warehouse import Connection, has_tables
from clogs.wording import count

BATCH_ROWS = 250_000
EXAMPLES = 5

Layer = Literal["bronze", "silver", "gold"]


class Suite(pa.DataFrameModel):
    """Checks on one table: ``key`` names the row in examples."""

    key: str = pa.Field(description="the key is present")
    key_count: int = pa.Field(eq=1, description="the key is unique")


class Conversations(Suite):
    """raw.conversations: the documents as they were loaded."""

    date_follows_rule: bool = pa.Field(
        eq=True, description="date is that of timestamp, ingested_at or extracted_at"
    )
    message_is_json: bool = pa.Field(eq=True, description="message_raw is JSON")
    entry_is_json: bool = pa.Field(eq=True, description="entry_raw is JSON")
    has_extracted_at: bool = pa.Field(eq=True, description="extracted_at is present")
    message_role: str = pa.Field(
        nullable=True,
        isin=("user", "assistant", "system"),
        description="the role of a user or assistant is known",
    )


class Messages(Suite):
    """silver.int_messages_enriched: one row per message."""

    role: str = pa.Field(isin=("user", "assistant"), description="role is user or assistant")
    hour_of_day: int = pa.Field(
        nullable=True, in_range={"min_value": 0, "max_value": 23}, description="hour is 0 to 23"
    )
    day_of_week: int = pa.Field(
        nullable=True, in_range={"min_value": 0, "max_value": 6}, description="day is 0 to 6"
    )
    content_length: int = pa.Field(ge=0, description="content_length is not negative")
    response_time_seconds: float = pa.Field(
        nullable=True, ge=0, description="no answer precedes its question"
    )


class ToolCalls(Suite):
    """gold.fct_tool_calls: one row per tool call."""

    tool_name: str = pa.Field(description="tool_name is present")
    duration_seconds: float = pa.Field(nullable=True, ge=0, description="duration_seconds is not negative")
    session_is_known: bool = pa.Field(eq=True, description="the session is in dim_sessions")
    tool_is_known: bool = pa.Field(eq=True, description="the tool is in dim_tools")


class APICalls(Suite):
    """gold.fct_api_calls: one row per API response."""

    least_tokens: int = pa.Field(ge=0, description="no token count is negative")
    cost_usd: float = pa.Field(nullable=True, ge=0, description="cost_usd is not negative")
    session_is_known: bool = pa.Field(eq=True, description="the session is in dim_sessions")


@dataclass(frozen=True, slots=True)
class _Table:
    """A suite, and the query whose columns are its attributes."""

    layer: Layer
    name: str
    suite: type[Suite]
    query: str


_TABLES = (
    _Table(
        "bronze",
        "raw.conversations",
        Conversations,
        """
        SELECT
            _id AS key,
            count(*) OVER (PARTITION BY _id) AS key_count,
            date = CAST(coalesce(timestamp, ingested_at, extracted_at) AS DATE) AS date_follows_rule,
            message_raw IS NULL OR json_valid(message_raw) AS message_is_json,
            json_valid(entry_raw) AS entry_is_json,
            extracted_at IS NOT NULL AS has_extracted_at,
            CASE WHEN type IN ('user', 'assistant') THEN message_role END AS message_role
        FROM raw.conversations
        """,
    ),
    _Table(
        "silver",
        "silver.int_messages_enriched",
        Messages,
        """
        SELECT
            entry_id AS key,
            count(*) OVER (PARTITION BY entry_id) AS key_count,
            role,
            CAST(hour_of_day AS BIGINT) AS hour_of_day,
            CAST(day_of_week AS BIGINT) AS day_of_week,
            content_length,
            CAST(response_time_seconds AS DOUBLE) AS response_time_seconds
        FROM silver.int_messages_enriched
        """,
    ),
    _Table(
        "gold",
        "gold.fct_tool_calls",
        ToolCalls,
        """
        SELECT
            tool_use_id AS key,
            count(*) OVER (PARTITION BY tool_use_id) AS key_count,
            tool_name,
            CAST(duration_seconds AS DOUBLE) AS duration_seconds,
            session_id IS NULL OR session_id IN (SELECT session_id FROM gold.dim_sessions)
                AS session_is_known,
            tool_name IN (SELECT tool_name FROM gold.dim_tools) AS tool_is_known
        FROM gold.fct_tool_calls
        """,
    ),
    _Table(
        "gold",
        "gold.fct_api_calls",
        APICalls,
        """
        SELECT
            concat_ws(' ', message_id, coalesce(request_id, session_id)) AS key,
            count(*) OVER (PARTITION BY message_id, request_id, ifnull(request_id, session_id)) AS key_count,
            least(input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens) AS least_tokens,
            CAST(cost_usd AS DOUBLE) AS cost_usd,
            session_id IS NULL OR session_id IN (SELECT session_id FROM gold.dim_sessions)
                AS session_is_known
        FROM gold.fct_api_calls
        """,
    ),
)

LAYERS: tuple[Layer, ...] = ("bronze", "silver", "gold")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """How one check ended.

    Attributes:
        layer: Its layer.
        table: The table it looks at.
        name: What must hold.
        rows: Rows looked at.
        failing: Rows that fail.
        examples: Keys of some of them, never their contents.
    """

    layer: Layer
    table: str
    name: str
    rows: int
    failing: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateResult:
    """How a validation ended.

    Attributes:
        checks: By layer and table.
        rows: Rows looked at, of all tables.
        seconds: Wall time.
    """

    checks: tuple[CheckResult, ...]
    rows: int
    seconds: float

    def raise_for_failures(self) -> None:
        """Raise if a check failed.

        Raises:
            DataError: Names the failing checks with counts and keys.
        """
        failed = [check for check in self.checks if check.failing]
        if failed:
            faults = "; ".join(
                f"{check.table}: {count(check.failing, 'row')} where not {check.name}" for check in failed
            )
            raise DataError(f"The data failed its checks: {faults}.", hint="See which rows: clogs validate")


def validate(connection: Connection, *, layers: Sequence[str] = ()) -> ValidateResult:
    """Run the suites.

    Args:
        connection: The warehouse; it is only read.
        layers: Only these of `LAYERS`; none for all.

    Raises:
        UsageError: There is no such layer.
        WarehouseError: Its tables have not been built.
    """
    started = time.perf_counter()
    if unknown := set(layers) - set(LAYERS):
        raise UsageError(
            f"There is no layer {', '.join(sorted(unknown))}.", hint=f"Layers: {', '.join(LAYERS)}."
        )
    tables = [table for table in _TABLES if not layers or table.layer in layers]
    _require_built(connection, tables)
    results = [_checked(connection, table) for table in tables]
    return ValidateResult(
        checks=tuple(check for _, checks in results for check in checks),
        rows=sum(rows for rows, _ in results),
        seconds=time.perf_counter() - started,
    )


def _require_built(connection: Connection, tables: Sequence[_Table]) -> None:
    if not has_tables(connection):
        raise WarehouseError("Nothing has been loaded yet.", hint="Fill the warehouse with: clogs pipeline")
    known = connection.execute("SELECT table_schema || '.' || table_name FROM information_schema.tables")
    missing = {table.name for table in tables} - {name for (name,) in known.fetchall()}
    if missing:
        raise WarehouseError(
            f"{', '.join(sorted(missing))} have not been built yet.", hint="Build them with: clogs transform"
        )


def _checked(connection: Connection, table: _Table) -> tuple[int, list[CheckResult]]:
    rows = 0
    failing: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for batch in _batches(connection, table.query):
        rows += batch.height
        for column, keys in _failures(table.suite, batch).items():
            counts[column] = counts.get(column, 0) + len(keys)
            failing[column] = (failing.get(column, []) + keys)[:EXAMPLES]
    return rows, [
        CheckResult(
            layer=table.layer,
            table=table.name,
            name=str(column.description),
            rows=rows,
            failing=counts.get(name, 0),
            examples=tuple(failing.get(name, ())),
        )
        for name, column in table.suite.to_schema().columns.items()
    ]


def _batches(connection: Connection, query: str) -> Iterator[pl.DataFrame]:
    reader = connection.execute(query).to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        frame = pl.from_arrow(batch)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101  # a record batch is never a single column
        yield frame


def _failures(suite: type[Suite], batch: pl.DataFrame) -> dict[str, list[str]]:
    """The keys of the failing rows, by check."""
    try:
        suite.validate(batch, lazy=True)
    except SchemaErrors as exc:
        cases = exc.failure_cases
    else:
        return {}
    unplaced = cases.filter(pl.col("index").is_null())
    if unplaced.height:
        raise TypeError(f"{suite.__name__} does not fit its query: {unplaced['check'].to_list()}")
    found: dict[str, list[str]] = {}
    for column, index in cases.select("column", "index").unique().sort("index").iter_rows():
        found.setdefault(column, []).append(str(batch["key"][index]))
    return found
