"""What must hold of the tables that questions are asked of, but for their sums."""

from __future__ import annotations

import polars as pl

from clogs.checks.check import Check, Suite, among, between, not_negative, present, refers
from clogs.checks.silver import COUNTS, TOKENS

_DATE, _SESSION, _PROJECT = (f"gold.dim_{each}" for each in ("date", "sessions", "projects"))


class FactMessages(Suite, table="gold.fct_messages", key="entry_id"):
    """One row per message."""

    session_is_known = refers("session_id", to=_SESSION)
    project_is_known = refers("project_id", to=_PROJECT)
    day_is_known = refers("date_key", to=_DATE)
    hour_is_in_range = between("hour_of_day", 0, 23)


class FactToolCalls(Suite, table="gold.fct_tool_calls", key="tool_use_id"):
    """One row per tool call."""

    session_is_one = Check(
        "session_id IN (SELECT session_id FROM gold.dim_sessions GROUP BY ALL HAVING count(*) = 1)",
        "every tool call is in exactly one session",
    )
    project_is_known = refers("project_id", to=_PROJECT)
    tool_is_known = refers("tool_name", to="gold.dim_tools")
    day_is_known = refers("date_key", to=_DATE)
    duration_is_not_negative = not_negative("duration_seconds")


class FactFileOperations(Suite, table="gold.fct_file_operations", key="tool_use_id"):
    """One row per call that reads or changes a file."""

    call_is_known = refers("tool_use_id", to="gold.fct_tool_calls")
    session_is_known = refers("session_id", to=_SESSION)
    project_is_known = refers("project_id", to=_PROJECT)
    day_is_known = refers("date_key", to=_DATE)
    operation_is_known = among("operation_type", "read", "write", "edit")
    lines_are_not_negative = not_negative("lines_added", "lines_removed")


class FactAPICalls(Suite, table="gold.fct_api_calls", key="entry_id"):
    """One row per API response."""

    response_is_once = Check(
        """(message_id, coalesce(request_id, session_id)) NOT IN (
            SELECT (message_id, coalesce(request_id, session_id))
            FROM gold.fct_api_calls GROUP BY ALL HAVING count(*) > 1
        )""",
        "message_id tells responses apart with request_id, or with session_id where there is none",
    )
    session_is_known = refers("session_id", to=_SESSION)
    project_is_known = refers("project_id", to=_PROJECT)
    day_is_known = refers("date_key", to=_DATE)
    model_is_known = Check(
        "coalesce(model, 'unknown') IN (SELECT model FROM gold.dim_models)",
        "model is found in gold.dim_models",
    )
    tokens_are_not_negative = not_negative(*TOKENS)
    cost_is_not_negative = not_negative("cost_usd")
    cost_is_missing_without_a_price_only = Check(
        "(cost_usd IS NULL) ="
        " (coalesce(model, 'unknown') IN (SELECT model FROM gold.dim_models WHERE NOT is_priced))",
        "cost_usd is NULL for models without a price, and for no other",
    )


class DimDate(Suite, table="gold.dim_date", key="date_key"):
    """One row per day."""

    key_is_of_its_day = Check(
        "date_key = CAST(strftime(date, '%Y%m%d') AS INTEGER)", "date_key is that of date"
    )
    day_is_in_range = between("day_of_week", 0, 6)


class DimSessions(Suite, table="gold.dim_sessions", key="session_id"):
    """One row per session."""

    project_is_known = refers("project_id", to=_PROJECT)
    day_is_known = refers("date_key", to=_DATE)
    duration_is_not_negative = not_negative("duration_seconds")
    counts_are_not_negative = not_negative(*COUNTS)


class DimProjects(Suite, table="gold.dim_projects", key="project_id"):
    """One row per project."""

    name_is_present = present("project_name")
    counts_are_not_negative = not_negative("sessions", *COUNTS)


class DimTools(Suite, table="gold.dim_tools", key="tool_name"):
    """One row per tool."""

    category_is_present = present("tool_category")
    errors_are_calls = Check(pl.col("errors").is_between(0, pl.col("calls")), "errors are 0 to calls")


class DimModels(Suite, table="gold.dim_models", key="model"):
    """One row per model that answered."""

    prices_are_not_negative = not_negative(
        "input_price", "output_price", "cache_write_5m_price", "cache_write_1h_price", "cache_read_price"
    )


class DailySummary(Suite, table="gold.agg_daily_summary", key="date_key"):
    """One row per day with activity."""

    day_is_known = refers("date_key", to=_DATE)


class HourlyActivity(Suite, table="gold.agg_hourly_activity", key="date_key, hour_of_day"):
    """One row per hour with activity."""

    day_is_known = refers("date_key", to=_DATE)
    hour_is_in_range = between("hour_of_day", 0, 23)


class SessionMetrics(Suite, table="gold.agg_session_metrics", key="session_id"):
    """One row per session."""

    session_is_known = refers("session_id", to=_SESSION)
    day_is_known = refers("date_key", to=_DATE)
    rates_are_shares = Check(
        pl.all_horizontal(
            pl.col(rate).is_null() | pl.col(rate).is_between(0, 1)
            for rate in ("tool_error_rate", "cache_hit_rate")
        ),
        "tool_error_rate and cache_hit_rate are 0 to 1",
    )


class ToolEfficiency(Suite, table="gold.agg_tool_efficiency", key="date_key, tool_name"):
    """One row per tool and day."""

    day_is_known = refers("date_key", to=_DATE)
    tool_is_known = refers("tool_name", to="gold.dim_tools")
    error_rate_is_a_share = between("error_rate", 0, 1)


class CodeChanges(Suite, table="gold.agg_code_changes", key="date_key, project_id", optional=("project_id",)):
    """One row per project and day."""

    day_is_known = refers("date_key", to=_DATE)
    project_is_known = refers("project_id", to=_PROJECT)


class ModelUsage(Suite, table="gold.agg_model_usage", key="date_key, model"):
    """One row per model and day."""

    day_is_known = refers("date_key", to=_DATE)
    model_is_known = refers("model", to="gold.dim_models")


GOLD: tuple[type[Suite], ...] = (
    FactMessages,
    FactToolCalls,
    FactFileOperations,
    FactAPICalls,
    DimDate,
    DimSessions,
    DimProjects,
    DimTools,
    DimModels,
    DailySummary,
    HourlyActivity,
    SessionMetrics,
    ToolEfficiency,
    CodeChanges,
    ModelUsage,
)
