"""What must hold of the documents as they were landed, and of what was taken out of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from clogs.checks.check import Check, Suite, among, on_key, or_null, present, refers, suite

WITHOUT_SESSION = ("file-history-snapshot", "summary")
"""Types of entries that name no session."""

WITH_SESSION = (
    "ai-title",
    "assistant",
    "atis-latch",
    "attachment",
    "continued-in",
    "custom-title",
    "last-prompt",
    "mode",
    "permission-mode",
    "pr-link",
    "progress",
    "queue-operation",
    "system",
    "user",
    "worktree-state",
)
"""Types of entries that name one, as seen up to Claude Code 2.1.181."""

KNOWN_TYPES = (*WITH_SESSION, *WITHOUT_SESSION)

FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
"""No entry is older: Claude Code came out in February 2025."""

AHEAD = timedelta(days=1)
"""How much later than its extraction an entry may be dated: clocks of writers are wrong, but not by more."""


def _believable(column: str) -> pl.Expr:
    return or_null(column, pl.col(column).is_between(FIRST_DAY, pl.col("extracted_at") + AHEAD))


# Extraction tests documents by these expressions before it lands them, so they may read only what a document
# holds, and extracted_at.
CONVERSATIONS = suite(
    "raw.conversations",
    "One row per document of the collection, its newest version.",
    key="_id",
    by="_id",
    checks={
        **on_key("raw.conversations", "_id"),
        "date_is_present": present("date"),
        "date_follows_rule": Check(
            "date = CAST(coalesce(timestamp, ingested_at, extracted_at) AS DATE)",
            "date is that of timestamp, else of ingested_at, else of extracted_at",
        ),
        "message_is_json": Check("message_raw IS NULL OR json_valid(message_raw)", "message_raw is JSON"),
        "entry_is_json": Check("json_valid(entry_raw)", "entry_raw is JSON"),
        "type_is_known": Check(
            pl.col("type").is_in(KNOWN_TYPES),
            "type is one that clogs has met",
            severity="warning",  # Claude Code keeps adding some
        ),
        "session_is_present": Check(
            pl.col("session_id").is_not_null() | ~pl.col("type").is_in(WITH_SESSION).fill_null(value=False),
            "session_id is present where the type has one",
        ),
        "role_is_known": among("message_role", "user", "assistant", "system"),
        "timestamp_is_believable": Check(
            _believable("timestamp"),
            f"timestamp is from {FIRST_DAY:%Y} on, and a day after its extraction at most",
        ),
        "ingestion_is_believable": Check(
            _believable("ingested_at"),
            f"ingested_at is from {FIRST_DAY:%Y} on, and a day after its extraction at most",
            severity="warning",  # nothing but the watermark depends on it, and that has a guard of its own
        ),
        "extraction_is_present": present("extracted_at"),
    },
)

# One row: what had come by the time of day of the last extraction, on that day and weekly for 8 weeks before.
_ARRIVALS = """(
    WITH last AS (
        SELECT
            max(extracted_at) AT TIME ZONE 'UTC' AS until,
            max(ingested_at) FILTER (ingested_at <= getvariable('now')) AS newest,
            min(date) AS first_day
        FROM raw.conversations
    ), days AS (
        SELECT
            weeks,
            CAST(until AS DATE) - CAST(7 * weeks AS INTEGER) AS day,
            CAST(until AS TIME) AS until
        FROM (SELECT *, unnest(range(9)) AS weeks FROM last)
        WHERE day >= first_day
    ), arrived AS (
        SELECT
            date,
            CAST(coalesce(timestamp, ingested_at, extracted_at) AT TIME ZONE 'UTC' AS TIME) AS time
        FROM raw.conversations WHERE date IN (SELECT day FROM days)
    ), counted AS (
        SELECT weeks, count(time) AS documents
        FROM days LEFT JOIN arrived ON arrived.date = days.day AND arrived.time <= days.until
        GROUP BY weeks
    )
    SELECT *, concat(
        'newest ' || strftime(newest AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M UTC, '),
        today || ' on ' || day,
        ', ' || least || ' to ' || most || ' in the weeks before'
    ) AS found
    FROM (
        SELECT
            CAST(until AS DATE) AS day,
            newest,
            (SELECT any_value(documents) FROM counted WHERE weeks = 0) AS today,
            (SELECT min(documents) FROM counted WHERE weeks > 0) AS least,
            (SELECT max(documents) FROM counted WHERE weeks > 0) AS most,
            (SELECT count(*) FROM counted WHERE weeks > 0 AND documents > 0) AS busy_weeks
        FROM last WHERE until IS NOT NULL
    )
)"""

ARRIVALS = suite(
    "raw.conversations",
    "What came in: one row, about the day of the last extraction.",
    name="arrivals",
    key="found",
    source=_ARRIVALS,
    checks={
        "newest_is_recent": Check(
            "newest IS NULL OR newest >= getvariable('now') - getvariable('max_age')",
            "the newest document is not older than quality.max_age",
            severity="warning",
        ),
        "volume_is_usual": Check(
            "busy_weeks < 4 OR today BETWEEN least / 2 - 100 AND 2 * most + 100",
            "the last day has about as many documents as the same weekday of 8 weeks had by that time",
            severity="warning",
        ),
    },
)

PARTITIONS = suite(
    "raw.conversations",
    "The days of the last validation; those that were pruned since are not among them.",
    name="partitions",
    key="found",
    source="""(
    SELECT
        before.rows AS rows_before,
        coalesce(now.rows, 0) AS rows_now,
        concat(before.date, ': ', rows_before, ' rows → ', rows_now) AS found
    FROM quality.partitions AS before LEFT JOIN (
        SELECT date, count(*) AS rows FROM raw.conversations GROUP BY date
    ) AS now ON now.date = before.date
)""",
    checks={
        "none_shrank": Check(
            pl.col("rows_now") >= pl.col("rows_before"),
            "a day has no fewer rows than at the last validation",
            severity="warning",
        )
    },
)

STAGED_CONVERSATIONS = suite(
    "bronze.stg_conversations",
    "One row per document, as the entry it is or wraps.",
    key="_id",
    by="_id",
    checks={"document_is_loaded": refers("_id", to="raw.conversations")},
)

BRONZE: tuple[Suite, ...] = (CONVERSATIONS, ARRIVALS, PARTITIONS, STAGED_CONVERSATIONS)
