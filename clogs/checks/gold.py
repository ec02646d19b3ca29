"""What must hold of the tables that questions are asked of, but for their sums.

What a view only passes on from silver is checked there.
"""

from __future__ import annotations

import polars as pl

from clogs.checks.check import Check, among, between, not_negative, on_key, refers, suite
from clogs.checks.silver import COUNTS

_REFERENCES = {
    "session_is_known": refers("session_id", to="gold.dim_sessions"),
    "project_is_known": refers("project_id", to="gold.dim_projects"),
    "day_is_known": refers("date_key", to="gold.dim_date"),
    "tool_is_known": refers("tool_name", to="gold.dim_tools"),
    "model_is_known": refers("model", to="gold.dim_models"),
    "call_is_known": refers("tool_use_id", to="gold.fct_tool_calls"),
}


def _known(*things: str) -> dict[str, Check]:
    """What a row refers to exists."""
    return {name: _REFERENCES[name] for name in (f"{thing}_is_known" for thing in things)}


GOLD = (
    suite(
        "gold.fct_messages",
        "One row per message.",
        key="entry_id",
        by="entry_id",
        checks=on_key("gold.fct_messages", "entry_id") | _known("session", "project", "day"),
    ),
    suite(
        "gold.fct_tool_calls",
        "One row per tool call.",
        key="tool_use_id",
        by="tool_use_id",
        checks=on_key("gold.fct_tool_calls", "tool_use_id")
        | {
            "session_is_one": Check(
                "session_id IN (SELECT session_id FROM gold.dim_sessions GROUP BY ALL HAVING count(*) = 1)",
                "every tool call is in exactly one session",
            )
        }
        | _known("project", "tool", "day"),
    ),
    suite(
        "gold.fct_file_operations",
        "One row per call that reads or changes a file.",
        key="tool_use_id",
        by="tool_use_id",
        checks=on_key("gold.fct_file_operations", "tool_use_id")
        | _known("call", "session", "project", "day")
        | {"operation_is_known": among("operation_type", "read", "write", "edit")},
    ),
    suite(
        "gold.fct_api_calls",
        "One row per API response, and per advisor and compaction.",
        key="entry_id, iteration",
        by="entry_id, message_id",
        checks=on_key("gold.fct_api_calls", "entry_id", "iteration")
        | {
            "response_is_once": Check(
                """(message_id, coalesce(request_id, session_id), iteration) NOT IN (
            SELECT (message_id, coalesce(request_id, session_id), iteration)
            FROM gold.fct_api_calls GROUP BY ALL HAVING count(*) > 1
        )""",
                "message_id tells responses apart with request_id, or with session_id where there is none",
            )
        }
        | _known("session", "project", "day")
        | {
            "model_is_known": Check(
                "coalesce(model, 'unknown') IN (SELECT model FROM gold.dim_models)",
                "model is found in gold.dim_models",
            ),
            "cost_is_missing_without_a_price_only": Check(
                "(cost_usd IS NULL) ="
                " (coalesce(model, 'unknown') IN (SELECT model FROM gold.dim_models WHERE NOT is_priced))",
                "cost_usd is NULL for models without a price, and for no other",
            ),
        },
    ),
    suite(
        "gold.dim_date",
        "One row per day.",
        key="date_key",
        checks={
            "key_is_of_its_day": Check(
                "date_key = CAST(strftime(date, '%Y%m%d') AS INTEGER)", "date_key is that of date"
            ),
            "day_is_in_range": between("day_of_week", 0, 6),
        },
    ),
    suite(
        "gold.dim_sessions",
        "One row per session.",
        key="session_id",
        by="session_id",
        checks=on_key("gold.dim_sessions", "session_id") | _known("project", "day"),
    ),
    suite(
        "gold.dim_projects",
        "One row per project.",
        key="project_id",
        checks={"counts_are_not_negative": not_negative("sessions", *COUNTS)},
    ),
    suite(
        "gold.dim_users",
        "One row per user.",
        key="user_name",
        checks={"counts_are_not_negative": not_negative("sessions", "prompts", "tool_calls", "tokens")},
    ),
    suite(
        "gold.dim_tools",
        "One row per tool.",
        key="tool_name",
        checks={
            "errors_are_calls": Check(
                pl.col("errors").is_between(0, pl.col("calls")), "errors are 0 to calls"
            )
        },
    ),
    suite(
        "gold.dim_models",
        "One row per model that answered.",
        key="model",
        checks={
            "prices_are_not_negative": not_negative(
                "input_price",
                "output_price",
                "cache_write_5m_price",
                "cache_write_1h_price",
                "cache_read_price",
            )
        },
    ),
    suite(
        "gold.agg_daily_summary",
        "One row per day with activity.",
        key="date_key",
        by="date",
        checks=_known("day"),
    ),
    suite(
        "gold.agg_hourly_activity",
        "One row per hour with activity.",
        key="date_key, hour_of_day",
        by="date",
        checks=_known("day") | {"hour_is_in_range": between("hour_of_day", 0, 23)},
    ),
    suite(
        "gold.agg_session_metrics",
        "One row per session.",
        key="session_id",
        by="session_id",
        checks=_known("session", "day")
        | {
            "rates_are_shares": Check(
                pl.all_horizontal(
                    pl.col(rate).is_null() | pl.col(rate).is_between(0, 1)
                    for rate in ("tool_error_rate", "cache_hit_rate")
                ),
                "tool_error_rate and cache_hit_rate are 0 to 1",
            )
        },
    ),
    suite(
        "gold.agg_tool_efficiency",
        "One row per tool and day.",
        key="date_key, tool_name",
        by="date",
        checks=_known("day", "tool") | {"error_rate_is_a_share": between("error_rate", 0, 1)},
    ),
    suite(
        "gold.agg_code_changes",
        "One row per project and day.",
        key="date_key, project_id",
        by="date",
        checks=_known("day", "project"),
    ),
    suite(
        "gold.agg_model_usage",
        "One row per model and day.",
        key="date_key, model",
        by="date",
        checks=_known("day", "model"),
    ),
    suite(
        "gold.agg_usage_blocks",
        "One row per window of five hours.",
        key="block_start",
        checks={
            "windows_do_not_overlap": Check(
                "block_start >= coalesce(lag(block_end) OVER (ORDER BY block_start), block_start)",
                "no window begins before the end of the one before it",
            ),
            "activity_is_inside": Check(
                "first_activity_at >= block_start AND last_activity_at <= block_end",
                "all responses of a window lie in it",
            ),
        },
    ),
)
