"""What must hold of entries, messages, tool calls, API responses and sessions."""

from __future__ import annotations

import polars as pl

from clogs.checks.check import Check, Suite, among, between, not_negative, present

TIMES_OF_DAY = ("morning", "afternoon", "evening", "night")
DAY_TYPES = ("weekday", "weekend")
USER_KINDS = ("prompt", "command", "tool_result", "interrupt", "compact_summary", "meta")
ASSISTANT_KINDS = ("text", "tool_use", "thinking", "mixed")
TASK_CATEGORIES = ("bug_fix", "feature", "refactor", "testing", "documentation", "review", "other")
TURN_TYPES = ("initial_prompt", "follow_up", "tool_result", "response", "system")
TOKENS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
COUNTS = ("messages", "prompts", "tool_calls", "tool_errors", "api_calls", *TOKENS)


class Entries(Suite, table="silver.int_entries", key="entry_id"):
    """One row per entry, however many files repeat it."""

    entry_is_once = Check(
        """entry_key IS NOT NULL AND entry_key NOT IN (
            SELECT entry_key FROM silver.int_entries
            WHERE entry_key IS NOT NULL GROUP BY ALL HAVING count(*) > 1
        )""",
        "entry_key is present and tells entries apart",
    )


class Messages(Suite, table="silver.int_messages_enriched", key="entry_id"):
    """One row per message, in its place in the session."""

    role_is_known = among("role", "user", "assistant")
    kind_is_known = among("message_kind", *USER_KINDS, *ASSISTANT_KINDS)
    task_category_is_known = among("task_category", *TASK_CATEGORIES)
    task_category_is_of_a_prompt = Check(
        (pl.col("message_kind") == "prompt") == pl.col("task_category").is_not_null(),
        "prompts have a task_category, and nothing else has",
    )
    time_of_day_is_known = among("time_of_day", *TIMES_OF_DAY)
    day_type_is_known = among("day_type", *DAY_TYPES)
    turn_type_is_known = among("turn_type", *TURN_TYPES)
    hour_is_in_range = between("hour_of_day", 0, 23)
    day_is_in_range = between("day_of_week", 0, 6)
    content_length_is_not_negative = not_negative("content_length")
    response_time_is_not_negative = not_negative("response_time_seconds")
    sequence_has_no_gaps = Check(
        "session_id IS NULL OR message_sequence IS NOT DISTINCT FROM"
        " row_number() OVER (PARTITION BY session_id ORDER BY message_sequence)",
        "message_sequence counts from 1 without gaps in each session",
    )


class ToolUsage(Suite, table="silver.int_tool_usage", key="tool_use_id"):
    """One row per tool call, joined to its result."""

    tool_name_is_present = present("tool_name")
    category_is_present = present("tool_category")
    duration_is_not_negative = not_negative("duration_seconds")
    result_size_is_not_negative = not_negative("result_size")
    lines_are_not_negative = not_negative("lines_added", "lines_removed")
    hour_is_in_range = between("hour_of_day", 0, 23)
    error_has_a_result = Check(
        ~pl.col("is_error") | pl.col("has_result"), "a call that reported an error has a result"
    )


class APICalls(Suite, table="silver.int_api_calls", key="response_key"):
    """One row per API response."""

    message_is_present = present("message_id")
    tokens_are_not_negative = not_negative(*TOKENS)
    cost_is_not_negative = not_negative("cost_usd")
    hour_is_in_range = between("hour_of_day", 0, 23)
    model_answers_for_money = Check(
        pl.col("model").ne_missing("<synthetic>"),
        "no response is <synthetic>, for which no tokens were bought",
    )


class SessionTitles(Suite, table="silver.int_session_titles", key="_id"):
    """One row per title that was given."""

    rank_is_in_range = between("rank", 1, 3)
    title_is_present = present("title")


class Sessions(Suite, table="silver.int_sessions_computed", key="session_id"):
    """One row per session."""

    duration_is_not_negative = not_negative("duration_seconds")
    counts_are_not_negative = not_negative(*COUNTS)
    end_follows_beginning = Check(
        "first_activity_at IS NULL OR first_activity_at <= last_activity_at",
        "first_activity_at is not after last_activity_at",
    )


SILVER: tuple[type[Suite], ...] = (Entries, Messages, ToolUsage, APICalls, SessionTitles, Sessions)
