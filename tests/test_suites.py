"""Each check of the data finds a planted fault of its own kind, and passes on data that is sound."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from built import fill, warehouse_of
from conftest import new_workspace
from empty import config_in, empty_warehouse
from sqlglot import exp

from clogs.checks.bronze import CONVERSATIONS
from clogs.checks.check import Suite
from clogs.checks.suites import CHECKS, SUITES
from clogs.checks.sums import SUMS
from clogs.transform.context import open_context
from clogs.validate.suite import examine
from clogs.warehouse import Connection, connect

MATERIALIZE = """
    CREATE TEMP TABLE copied AS FROM {0};
    DROP VIEW {0};
    CREATE TABLE {0} AS FROM copied;
    DROP TABLE copied;
"""
"""Puts a table in a view's place, for a test to plant faults in."""

TABLES = sorted({suite.table for suite in SUITES})
KEYED = [suite for suite in SUITES if f"{suite.name}.key_is_unique" in suite.checks]
AUDITED = [suite for suite in SUITES if suite.source == suite.table and suite not in KEYED]
OPTIONAL = {"gold.agg_code_changes": {"project_id"}}
"""Columns of keys that may be NULL."""

SUITE_OF = {name: suite for suite in SUITES for name in suite.checks}
ON_KEYS = ("key_is_present", "key_is_unique")

FAULTS = {
    "int_tool_usage.lines_from_is_known": "lines_from = 'hearsay'",
    "int_api_calls.call_kind_is_known": "call_kind = 'gossip'",
    "dim_users.counts_are_not_negative": "prompts = -1",
    "agg_usage_blocks.activity_is_inside": "last_activity_at = block_end + INTERVAL 1 SECOND",
    "agg_usage_blocks.windows_do_not_overlap": "block_end = block_end + INTERVAL 1000 DAY",
    "conversations.date_is_present": "date = NULL",
    "conversations.date_follows_rule": "date = DATE '1999-01-01'",
    "conversations.message_is_json": "message_raw = '{broken'",
    "conversations.entry_is_json": "entry_raw = 'broken'",
    "conversations.type_is_known": "type = 'novelty'",
    "conversations.session_is_present": "type = 'user', session_id = NULL",
    "conversations.role_is_known": "message_role = 'robot'",
    "conversations.timestamp_is_believable": "timestamp = TIMESTAMPTZ '1999-01-01 00:00:00+00'",
    "conversations.ingestion_is_believable": "ingested_at = extracted_at + INTERVAL 2 DAY",
    "conversations.extraction_is_present": "extracted_at = NULL",
    "stg_conversations.document_is_loaded": "_id = 'unheard of'",
    "int_messages_enriched.role_is_known": "role = 'robot'",
    "int_messages_enriched.kind_is_known": "message_kind = 'gossip'",
    "int_messages_enriched.task_category_is_known": "task_category = 'gossip', message_kind = 'prompt'",
    "int_messages_enriched.task_category_is_of_a_prompt": "task_category = 'other', message_kind = 'text'",
    "int_messages_enriched.time_of_day_is_known": "time_of_day = 'teatime'",
    "int_messages_enriched.day_type_is_known": "day_type = 'holiday'",
    "int_messages_enriched.turn_type_is_known": "turn_type = 'u-turn'",
    "int_messages_enriched.hour_is_in_range": "hour_of_day = 24",
    "int_messages_enriched.day_is_in_range": "day_of_week = 7",
    "int_messages_enriched.content_length_is_not_negative": "content_length = -1",
    "int_messages_enriched.response_time_is_not_negative": "response_time_seconds = -0.5",
    "int_messages_enriched.sequence_has_no_gaps": "message_sequence = 1000000",
    "int_tool_usage.duration_is_not_negative": "duration_seconds = -1",
    "int_tool_usage.result_size_is_not_negative": "result_size = -1",
    "int_tool_usage.lines_are_not_negative": "lines_removed = -1",
    "int_tool_usage.hour_is_in_range": "hour_of_day = -1",
    "int_tool_usage.error_has_a_result": "is_error = true, has_result = false",
    "int_api_calls.tokens_are_not_negative": "cache_read_tokens = -1",
    "int_api_calls.cost_is_not_negative": "cost_usd = -1",
    "int_api_calls.hour_is_in_range": "hour_of_day = 24",
    "int_api_calls.model_answers_for_money": "model = '<synthetic>'",
    "int_session_titles.rank_is_in_range": "rank = 4",
    "int_sessions_computed.duration_is_not_negative": "duration_seconds = -1",
    "int_sessions_computed.counts_are_not_negative": "tool_errors = -1",
    "int_sessions_computed.end_follows_beginning": "last_activity_at = first_activity_at - INTERVAL 1 DAY",
    "fct_messages.session_is_known": "session_id = 'unheard of'",
    "fct_messages.project_is_known": "project_id = 'unheard of'",
    "fct_messages.day_is_known": "date_key = 19990101",
    "fct_tool_calls.session_is_one": "session_id = NULL",
    "fct_tool_calls.project_is_known": "project_id = 'unheard of'",
    "fct_tool_calls.tool_is_known": "tool_name = 'unheard of'",
    "fct_tool_calls.day_is_known": "date_key = 19990101",
    "fct_file_operations.call_is_known": "tool_use_id = 'unheard of'",
    "fct_file_operations.session_is_known": "session_id = 'unheard of'",
    "fct_file_operations.project_is_known": "project_id = 'unheard of'",
    "fct_file_operations.day_is_known": "date_key = 19990101",
    "fct_file_operations.operation_is_known": "operation_type = 'shred'",
    "fct_api_calls.session_is_known": "session_id = 'unheard of'",
    "fct_api_calls.project_is_known": "project_id = 'unheard of'",
    "fct_api_calls.day_is_known": "date_key = 19990101",
    "fct_api_calls.model_is_known": "model = 'unheard of'",
    "fct_api_calls.cost_is_missing_without_a_price_only": "cost_usd = NULL",
    "dim_date.key_is_of_its_day": "date = DATE '1999-01-01'",
    "dim_date.day_is_in_range": "day_of_week = 7",
    "dim_sessions.project_is_known": "project_id = 'unheard of'",
    "dim_sessions.day_is_known": "date_key = 19990101",
    "dim_projects.counts_are_not_negative": "sessions = -1",
    "dim_tools.errors_are_calls": "errors = calls + 1",
    "dim_models.prices_are_not_negative": "cache_read_price = -1",
    "agg_daily_summary.day_is_known": "date_key = 19990101",
    "daily_sums.messages_add_up": "messages = messages + 1",
    "daily_sums.tool_calls_add_up": "tool_errors = tool_errors + 1",
    "daily_sums.api_calls_add_up": "cost_usd = cost_usd * 1.001",
    "agg_hourly_activity.day_is_known": "date_key = 19990101",
    "agg_hourly_activity.hour_is_in_range": "hour_of_day = 24",
    "hourly_sums.hours_add_up": "prompts = prompts + 1",
    "agg_session_metrics.session_is_known": "session_id = 'unheard of'",
    "agg_session_metrics.day_is_known": "date_key = 19990101",
    "agg_session_metrics.rates_are_shares": "cache_hit_rate = 1.5",
    "session_sums.messages_add_up": "messages = messages + 1",
    "session_sums.tool_calls_add_up": "tool_calls = tool_calls + 1",
    "session_sums.api_calls_add_up": "tokens = tokens + 1",
    "agg_tool_efficiency.day_is_known": "date_key = 19990101",
    "agg_tool_efficiency.tool_is_known": "tool_name = 'unheard of'",
    "agg_tool_efficiency.error_rate_is_a_share": "error_rate = -0.5",
    "tool_sums.calls_add_up": "calls = calls + 1",
    "agg_code_changes.day_is_known": "date_key = 19990101",
    "agg_code_changes.project_is_known": "project_id = 'unheard of'",
    "code_sums.operations_add_up": "lines_added = lines_added + 1",
    "agg_model_usage.day_is_known": "date_key = 19990101",
    "agg_model_usage.model_is_known": "model = 'unheard of'",
    "model_sums.api_calls_add_up": "input_tokens = input_tokens + 1",
}
"""What to set in one row of a check's table, for that check to fail."""

SOME = {
    "int_messages_enriched.sequence_has_no_gaps": """
        message_sequence = (SELECT max(message_sequence) FROM silver.int_messages_enriched)""",
    "fct_api_calls.cost_is_missing_without_a_price_only": "cost_usd IS NOT NULL",
    "daily_sums.api_calls_add_up": "cost_usd IS NOT NULL",
    "int_sessions_computed.end_follows_beginning": "first_activity_at IS NOT NULL",
}
"""Which row that may be, where not any."""

ELSEWHERE = {
    "arrivals.newest_is_recent": "UPDATE raw.conversations SET ingested_at = '2024-01-01 00:00:00+00'",
    "arrivals.volume_is_usual": """
        INSERT INTO raw.conversations BY NAME
        SELECT 'made' AS _id, timestamp, CAST(timestamp AS DATE) AS date
        FROM (
            SELECT (SELECT max(extracted_at) FROM raw.conversations) - INTERVAL 7 DAY * weeks AS timestamp
            FROM range(1, 9) AS back(weeks), range(1000)
        )""",
    "partitions.none_shrank": """
        INSERT INTO quality.partitions
        SELECT date, count(*) + 1 FROM raw.conversations GROUP BY date LIMIT 1""",
    "fct_api_calls.response_is_once": """
        INSERT INTO gold.fct_api_calls
        SELECT * REPLACE ('another' AS entry_id) FROM gold.fct_api_calls LIMIT 1""",
}
"""Statements for checks whose fault is not in one row."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """The samples' warehouse, with tables for views."""
    workspace = fill(new_workspace(tmp_path_factory.mktemp("suites"), "mongodb://127.0.0.1:9", "none"))
    with connect(warehouse_of(workspace)) as connection:
        for table in TABLES:
            if not table.startswith("raw."):
                connection.execute(MATERIALIZE.format(table))
        connection.execute("SET VARIABLE now = now(); SET VARIABLE max_age = INTERVAL 3 DAY")
        yield connection


@pytest.fixture
def connection(sound: Connection) -> Iterator[Connection]:
    """The same, back as it was after each test."""
    sound.execute("BEGIN")
    yield sound
    sound.execute("ROLLBACK")


def failing(connection: Connection, suite: Suite) -> dict[str, int]:
    results = examine(connection, suite, suite.checks)
    if not any(each.failing for each in results if each.check.endswith(".key_is_unique")):
        assert all(len(each.examples) == min(each.failing, 5) for each in results)
    return {each.check: each.failing for each in results if each.failing}


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_sound_data_passes(connection: Connection, suite: Suite) -> None:
    novel = {"conversations.type_is_known": 1}  # the samples have one entry of a type to come
    assert failing(connection, suite) == (novel if suite.name == "conversations" else {})


def test_there_is_a_fault_for_every_check() -> None:
    on_keys = {f"{suite.name}.{check}" for suite in KEYED for check in ON_KEYS}
    assert FAULTS.keys() | ELSEWHERE.keys() | on_keys == CHECKS.keys()


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(connection: Connection, name: str) -> None:
    suite = SUITE_OF[name]
    before = failing(connection, suite).get(name, 0)
    rows = f"SELECT min(rowid) FROM {suite.table} WHERE {SOME.get(name, 'true')}"
    connection.execute(f"UPDATE {suite.table} SET {FAULTS[name]} WHERE rowid = ({rows})")
    assert failing(connection, suite)[name] == before + 1


ODD = {
    "conversations.timestamp_is_believable": "timestamp = 'infinity'",
    "conversations.ingestion_is_believable": "ingested_at = '200000-01-01'",
    "conversations.date_follows_rule": "date = '-infinity'",
    "int_messages_enriched.response_time_is_not_negative": "response_time_seconds = 'NaN'",
    "int_tool_usage.duration_is_not_negative": "duration_seconds = 'Infinity'",
    "code_sums.operations_add_up": "edits = writes, writes = edits + 1",
}
"""What to set in one row, of values that Python, SQL and sums treat in ways of their own."""


@pytest.mark.parametrize("name", ODD)
def test_an_odd_value_is_found(connection: Connection, name: str) -> None:
    suite = SUITE_OF[name]
    connection.execute(f"UPDATE {suite.table} SET {ODD[name]} WHERE rowid = 0")
    assert failing(connection, suite)[name] == 1


def test_lines_under_another_project_do_not_add_up(connection: Connection) -> None:
    connection.execute("""
        UPDATE gold.agg_code_changes SET project_id = 'another' WHERE lines_added > 0 AND rowid = (
            SELECT min(rowid) FROM gold.agg_code_changes WHERE lines_added > 0
        )""")
    assert failing(connection, SUITE_OF["code_sums.operations_add_up"])["code_sums.operations_add_up"] == 2


def test_examples_are_short_on_one_line_and_differ(connection: Connection) -> None:
    connection.execute("""
        UPDATE raw.conversations SET message_role = 'robot', _id = CASE rowid
            WHEN 0 THEN repeat('x', 200000) WHEN 1 THEN 'a' || chr(10) || chr(27) || '[2J' ELSE 'twice' END
        WHERE rowid < 4""")
    found = {each.check: each for each in examine(connection, CONVERSATIONS, CONVERSATIONS.checks)}
    examples = set(found["conversations.role_is_known"].examples)
    assert examples == {"x" * 100 + "…", "a �[2J", "twice"}
    assert found["conversations.key_is_unique"].examples == ("twice",)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_fault_of_many_rows_is_found(connection: Connection, name: str) -> None:
    connection.execute(ELSEWHERE[name])
    assert failing(connection, SUITE_OF[name])[name] >= 1


@pytest.mark.parametrize("suite", KEYED, ids=lambda suite: suite.name)
def test_a_missing_key_is_found(connection: Connection, suite: Suite) -> None:
    connection.execute(f"UPDATE {suite.table} SET {suite.key[0]} = NULL WHERE rowid = 0")
    assert failing(connection, suite)[f"{suite.name}.key_is_present"] == 1


@pytest.mark.parametrize("suite", KEYED, ids=lambda suite: suite.name)
def test_a_key_that_stands_twice_is_found(connection: Connection, suite: Suite) -> None:
    connection.execute(f"INSERT INTO {suite.table} FROM {suite.table} LIMIT 1")
    assert failing(connection, suite)[f"{suite.name}.key_is_unique"] == 2


SUMMED = [
    (name, column.strip())
    for suite in SUMS
    for name, check in suite.checks.items()
    for column in check.description.partition(" are those of ")[0].split(",")
    if column.strip() != "operations"
]


@pytest.mark.parametrize(("name", "column"), SUMMED)
def test_each_sum_is_compared(connection: Connection, name: str, column: str) -> None:
    suite = SUITE_OF[name]
    connection.execute(f"UPDATE {suite.table} SET {column} = {column} + 1")
    assert failing(connection, suite).keys() == {name}


@pytest.mark.parametrize("suite", SUMS, ids=lambda suite: suite.name)
def test_an_aggregate_that_lost_a_row_is_found(connection: Connection, suite: Suite) -> None:
    connection.execute(f"DELETE FROM {suite.table} WHERE rowid = 0")
    assert failing(connection, suite)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, list[str]]]]:
    """The audits of each model that readers see: their names and columns."""
    folder = tmp_path_factory.mktemp("audited")
    empty_warehouse(folder)
    with open_context(config_in(folder)) as context:
        return {
            model.name: [
                (audit.name, [column.name for column in given["columns"].find_all(exp.Column)])
                for audit, given in model.audits_with_args
            ]
            for model in context.models.values()
            if not model.kind.is_embedded
        }


def test_a_key_is_audited_or_checked(audited: dict[str, list[tuple[str, list[str]]]]) -> None:
    unaudited = {table for table, audits in audited.items() if not audits}
    assert {suite.table for suite in KEYED} == unaudited | {"raw.conversations"}


@pytest.mark.parametrize("suite", AUDITED, ids=lambda suite: suite.name)
def test_an_audit_covers_the_key_of_a_suite(
    suite: Suite, audited: dict[str, list[tuple[str, list[str]]]]
) -> None:
    audits = audited[suite.table]
    assert ("unique_combination_of_columns", list(suite.key)) in audits
    assert {*suite.key} - OPTIONAL.get(suite.table, set()) <= {*dict(audits)["not_null"]}
