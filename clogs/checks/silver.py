"""What must hold of messages, tool calls, API responses, titles and sessions."""

from __future__ import annotations

import polars as pl

from clogs.checks.check import Check, among, between, not_negative, suite

TOKENS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
COUNTS = ("messages", "prompts", "tool_calls", "tool_errors", "api_calls", *TOKENS)

_USER_KINDS = (
    *("prompt", "agent_prompt", "sdk_prompt", "plan", "notification"),
    *("command", "tool_result", "interrupt", "compact_summary", "meta"),
)
_ASSISTANT_KINDS = ("text", "tool_use", "thinking", "mixed")
_TASKS = ("bug_fix", "feature", "refactor", "testing", "documentation", "review", "other")
_TURNS = ("initial_prompt", "follow_up", "tool_result", "response", "system")

SILVER = (
    suite(
        "silver.int_messages_enriched",
        "One row per message, in its place in the session.",
        key="entry_id",
        by="session_key",
        checks={
            "role_is_known": among("role", "user", "assistant"),
            "kind_is_known": among("message_kind", *_USER_KINDS, *_ASSISTANT_KINDS),
            "task_category_is_known": among("task_category", *_TASKS),
            "task_category_is_of_a_prompt": Check(
                (pl.col("message_kind") == "prompt") == pl.col("task_category").is_not_null(),
                "prompts have a task_category, and nothing else has",
            ),
            "time_of_day_is_known": among("time_of_day", "morning", "afternoon", "evening", "night"),
            "day_type_is_known": among("day_type", "weekday", "weekend"),
            "turn_type_is_known": among("turn_type", *_TURNS),
            "hour_is_in_range": between("hour_of_day", 0, 23),
            "day_is_in_range": between("day_of_week", 0, 6),
            "content_length_is_not_negative": not_negative("content_length"),
            "response_time_is_not_negative": not_negative("response_time_seconds"),
            "sequence_has_no_gaps": Check(
                "session_id IS NULL OR message_sequence IS NOT DISTINCT FROM"
                " row_number() OVER (PARTITION BY session_id ORDER BY message_sequence)",
                "message_sequence counts from 1 without gaps in each session",
            ),
        },
    ),
    suite(
        "silver.int_tool_usage",
        "One row per tool call, joined to its result.",
        key="tool_use_id",
        by="tool_use_id",
        checks={
            "duration_is_not_negative": not_negative("duration_seconds"),
            "result_size_is_not_negative": not_negative("result_size"),
            "lines_are_not_negative": not_negative("lines_added", "lines_removed"),
            "lines_from_is_known": among("lines_from", "patch", "call"),
            "hour_is_in_range": between("hour_of_day", 0, 23),
            "error_has_a_result": Check(
                ~pl.col("is_error") | pl.col("has_result"), "a call that reported an error has a result"
            ),
        },
    ),
    suite(
        "silver.int_api_calls",
        "One row per API response, and per advisor and compaction.",
        key="response_key, iteration",
        by="entry_id",
        checks={
            "tokens_are_not_negative": not_negative(*TOKENS),
            "cost_is_not_negative": not_negative("cost_usd"),
            "hour_is_in_range": between("hour_of_day", 0, 23),
            "call_kind_is_known": among("call_kind", "response", "advisor", "compaction"),
            "model_answers_for_money": Check(
                pl.col("model").ne_missing("<synthetic>"),
                "no response is <synthetic>, for which no tokens were bought",
            ),
        },
    ),
    suite(
        "silver.int_session_titles",
        "One row per title that was given.",
        key="_id",
        by="_id",
        checks={"rank_is_in_range": between("rank", 1, 3)},
    ),
    suite(
        "silver.int_sessions_computed",
        "One row per session.",
        key="session_id",
        by="session_id",
        checks={
            "duration_is_not_negative": not_negative("duration_seconds"),
            "counts_are_not_negative": not_negative(*COUNTS),
            "end_follows_beginning": Check(
                "first_activity_at IS NULL OR first_activity_at <= last_activity_at",
                "first_activity_at is not after last_activity_at",
            ),
        },
    ),
)
