"""Every figure of ``clogs report --json`` against SQL written apart from it, on real transcripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from built import warehouse_of
from conftest import TRANSCRIPTS, Workspace, new_workspace

from clogs.warehouse import Connection, connect

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TRANSCRIPTS.exists(), reason="needs the shared transcripts"),
]

PERIODS = [("2020-01-01", "2030-01-01"), ("2026-01-01", "2026-01-31"), ("2026-02-03", "2026-02-03")]

TOKENS = "input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens"
INPUT = "input_tokens + cache_creation_tokens + cache_read_tokens"
SAVED = """(
    SELECT (
        bought.cache_read_tokens * (input_price - cache_read_price)
        + bought.cache_creation_5m_tokens * (input_price - cache_write_5m_price)
        + bought.cache_creation_1h_tokens * (input_price - cache_write_1h_price)
    ) / 1000000 FROM gold.dim_models AS price WHERE price.model = bought.model
)"""
BOUGHT = f"""
    SELECT date, session_id, project_name, user_name, model, call_kind, cost_usd, {TOKENS} AS tokens,
        {INPUT} AS input, cache_read_tokens, cache_creation_tokens, {SAVED} AS saved
    FROM gold.fct_api_calls AS bought WHERE {{where}}
"""
CHANGED = """
    SELECT * FROM gold.fct_file_operations
    WHERE operation_type IN ('write', 'edit') AND NOT is_error AND file_path IS NOT NULL AND {where}
"""
ASKED = "SELECT * FROM gold.fct_messages WHERE message_kind = 'prompt' AND {where}"
CALLED = "SELECT * FROM gold.fct_tool_calls WHERE {where}"


def overall(key: str) -> str:
    """The measures of all facts by a key, each kind of fact counted by itself."""
    return f"""
        WITH b AS (SELECT *, {key} AS key FROM ({BOUGHT})), p AS (SELECT *, {key} AS key FROM ({ASKED})),
        t AS (SELECT *, {key} AS key FROM ({CALLED})), f AS (SELECT *, {key} AS key FROM ({CHANGED})),
        active AS (
            SELECT key, session_id FROM b UNION SELECT key, session_id FROM p
            UNION SELECT key, session_id FROM t UNION SELECT key, session_id FROM f
        )
        SELECT key,
            (SELECT sum(cost_usd) FROM b WHERE b.key = k.key) AS usd,
            (SELECT coalesce(sum(tokens), 0) FROM b WHERE b.key = k.key),
            (SELECT sum(saved) FROM b WHERE b.key = k.key),
            (SELECT count(*) FROM b WHERE call_kind = 'response' AND b.key = k.key),
            (SELECT count(DISTINCT session_id) FROM active WHERE active.key = k.key),
            (SELECT count(*) FROM p WHERE p.key = k.key),
            (SELECT count(*) FROM t WHERE t.key = k.key),
            (SELECT count(*) FROM t WHERE is_error AND t.key = k.key)
        FROM (SELECT DISTINCT key FROM active) AS k
    """


def costly(order: str) -> str:
    """The first sessions by an order, of those with an activity in the period."""
    return f"""
        WITH b AS ({BOUGHT}), p AS ({ASKED}), active AS (
            SELECT session_id FROM b UNION SELECT session_id FROM p
            UNION SELECT session_id FROM ({CALLED}) UNION SELECT session_id FROM ({CHANGED})
        )
        SELECT session_id, s.title, s.project_name, s.user_name, CAST(s.date AS VARCHAR),
            m.duration_seconds, m.active_seconds,
            (SELECT sum(cost_usd) FROM b WHERE b.session_id = s.session_id) AS usd,
            (SELECT count(*) FROM p WHERE p.session_id = s.session_id)
        FROM gold.dim_sessions AS s JOIN gold.agg_session_metrics AS m USING (session_id)
        WHERE session_id IN (FROM active) ORDER BY {order} DESC NULLS LAST, session_id LIMIT 5
    """


TOTAL, DAYS = overall("1"), overall("CAST(date AS VARCHAR)")
FIGURES = {
    "total": f"SELECT * EXCLUDE (key) FROM ({TOTAL})",
    "by_day": f"""
        WITH days AS ({DAYS})
        SELECT *, (
            SELECT sum(usd) FROM days AS week
            WHERE CAST(week.key AS DATE) BETWEEN CAST(days.key AS DATE) - 6 AND CAST(days.key AS DATE)
        ) FROM days
    """,
    "by_project": overall("project_name"),
    "by_user": overall("user_name"),
    "by_model": f"""
        SELECT model, sum(cost_usd), sum(tokens), sum(saved), count(*) FILTER (call_kind = 'response'),
            count(DISTINCT session_id), sum(cache_read_tokens) / nullif(sum(input), 0),
            sum(cache_creation_tokens) / nullif(sum(input), 0)
        FROM ({BOUGHT}) GROUP BY model
    """,
    "failing_tools": f"""
        SELECT tool_name, count(*), count(*) FILTER (is_error) AS failed
        FROM ({CALLED}) GROUP BY tool_name HAVING failed > 0 ORDER BY failed DESC, tool_name LIMIT 5
    """,
    "dearest_sessions": costly("usd"),
    "longest_sessions": costly("m.active_seconds"),
    "unpriced_models": f"""
        SELECT model, count(*) FILTER (call_kind = 'response'), sum(tokens)
        FROM ({BOUGHT}) SEMI JOIN (FROM gold.dim_models WHERE NOT is_priced) USING (model) GROUP BY model
    """,
    "by_tool": f"""
        SELECT tool_name, count(*), count(*) FILTER (is_error), count(DISTINCT session_id),
            median(duration_seconds), quantile_cont(duration_seconds, 0.95)
        FROM ({CALLED}) GROUP BY tool_name
    """,
    "by_hour": f"""
        SELECT day_of_week, hour_of_day, count(*), count(DISTINCT session_id) FROM ({ASKED}) GROUP BY ALL
    """,
    "by_category": f"SELECT task_category, count(*), count(DISTINCT session_id) FROM ({ASKED}) GROUP BY ALL",
    "by_language": f"""
        SELECT CAST(date - CAST(isodow(date) - 1 AS INTEGER) AS VARCHAR),
            coalesce(file_extension, file_type_category), count(*),
            sum(lines_added), coalesce(sum(lines_removed), 0), count(DISTINCT file_path),
            count(DISTINCT session_id)
        FROM ({CHANGED}) GROUP BY ALL
    """,
    "changed_files": f"""
        SELECT file_path, count(*) AS changes, sum(lines_added), coalesce(sum(lines_removed), 0), 1,
            count(DISTINCT session_id)
        FROM ({CHANGED}) GROUP BY file_path ORDER BY changes DESC, file_path LIMIT 10
    """,
    "tasks": """
        SELECT first.task_category, count(*), median(active_seconds), median(prompts), median(cost_usd)
        FROM (
            FROM gold.fct_messages WHERE turn_type = 'initial_prompt' AND NOT is_sidechain AND {where}
        ) AS first JOIN gold.agg_session_metrics AS m USING (session_id) GROUP BY ALL
    """,
    "first_answers": """
        WITH said AS (
            FROM gold.fct_messages
            WHERE session_id IS NOT NULL AND NOT is_sidechain AND model IS DISTINCT FROM '<synthetic>'
        ), asked AS (
            SELECT session_id, date, timestamp, message_sequence, lead(message_sequence, 1, 1000000000)
                OVER (PARTITION BY session_id ORDER BY message_sequence) AS next, message_kind
            FROM said WHERE message_kind IN ('prompt', 'command', 'interrupt')
        ), waits AS (
            SELECT arg_min(said.model, said.timestamp) AS model,
                date_diff('millisecond', any_value(asked.timestamp), min(said.timestamp)) / 1000 AS seconds
            FROM asked JOIN said ON said.session_id = asked.session_id AND said.role = 'assistant'
                AND said.message_sequence > asked.message_sequence AND said.message_sequence < asked.next
            WHERE asked.message_kind = 'prompt' AND asked.{where}
            GROUP BY asked.session_id, asked.message_sequence
        )
        SELECT model, count(seconds), median(seconds), quantile_cont(seconds, 0.9) FROM waits GROUP BY model
    """,
    "blocks": """
        SELECT strftime(timezone('UTC', block_start), '%Y-%m-%dT%H:%M:%SZ'), cost_usd, tokens, api_calls
        FROM gold.agg_usage_blocks
        WHERE CAST(timezone('{zone}', block_start) AS DATE) BETWEEN '{since}' AND '{until}'
    """,
}
"""By the name of the report's table: a query with its columns in its order."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    found = new_workspace(tmp_path_factory.mktemp("figures"), "mongodb://127.0.0.1:9", "none")
    found.run("pipeline", "--from", TRANSCRIPTS, "--skip-validate").check_returncode()
    return found


@pytest.fixture(scope="module", params=["UTC", "America/New_York"])
def workspace(request: pytest.FixtureRequest, loaded: Workspace) -> Workspace:
    loaded.environment["TRANSFORM_TIMEZONE"] = request.param
    loaded.run("transform").check_returncode()
    return loaded


@pytest.fixture(scope="module")
def warehouse(workspace: Workspace) -> Iterator[Connection]:
    with connect(warehouse_of(workspace), read_only=True) as opened:
        yield opened


@pytest.mark.parametrize(("since", "until"), PERIODS)
def test_every_figure_is_that_of_sql(
    workspace: Workspace, warehouse: Connection, since: str, until: str
) -> None:
    found = json.loads(workspace.output("report", "--since", since, "--until", until, "--json"))
    found["total"] = [found["total"]]
    assert found.keys() - FIGURES.keys() == {"since", "until", "by", "before"}
    for name, query in FIGURES.items():
        shown = [[value for key, value in row.items() if key != "error"] for row in found[name]]
        expected = warehouse.execute(
            query.format(
                where=f"date BETWEEN '{since}' AND '{until}'",
                since=since,
                until=until,
                zone=workspace.environment["TRANSFORM_TIMEZONE"],
            )
        ).fetchall()
        assert flat(shown) == pytest.approx(flat(expected)), name


def flat(rows: Iterable[Iterable[Any]]) -> list[Any]:
    """The values of rows in the order of their keys, which come first."""
    return [
        float(value) if isinstance(value, Decimal) else value
        for row in sorted(rows, key=lambda row: [str(value) for value in row])
        for value in row
    ]


@pytest.mark.parametrize(("since", "until"), PERIODS)
def test_the_error_of_a_tool_is_a_most_frequent_one(
    workspace: Workspace, warehouse: Connection, since: str, until: str
) -> None:
    found = json.loads(workspace.output("report", "--since", since, "--until", until, "--json"))
    for row in found["failing_tools"]:
        counts = dict(
            warehouse.execute(
                "SELECT error_text, count(*) FROM gold.fct_tool_calls WHERE tool_name = ?"
                f" AND error_text IS NOT NULL AND date BETWEEN '{since}' AND '{until}' GROUP BY 1",
                [row["tool"]],
            ).fetchall()
        )
        assert counts[row["error"]] == max(counts.values())
