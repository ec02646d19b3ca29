"""All faults of settings are reported at once, each with its place and without any secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clogs.errors import SettingsError
from clogs.settings import load_settings

OVERRIDE = 'expected severity = "error" or "warning", and tolerated from 0 to 1, or a percentage like "1%"'
SHARE = 'expected a number from 0 to 1, or a percentage like "1%"'
MEMORY = "expected a number and KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 4GB"
CANARY = "s3cret"


def faults(cwd: Path, text: str = "", **environ: str) -> str:
    """The message about settings that are wrong, with the folder's name out of it."""
    (cwd / "clogs.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(environ=environ, cwd=cwd)
    return caught.value.message.replace(f"{cwd}{os.sep}", "")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f"[mongo]\nuri = mongodb://ann:{CANARY}@db", " at line 2, column 7"),
        (f'[mongo]\nuri = "mongodb://ann:{CANARY}@db', " at end of document"),
        (f'[mongo]\nx = {{"{CANARY}" = 1, "{CANARY}" = 2}}', " at line 2, column 32"),
    ],
)
def test_a_file_that_is_not_toml_is_reported_by_its_place_alone(
    tmp_path: Path, text: str, where: str
) -> None:
    assert faults(tmp_path, text) == f"The settings file clogs.toml is not valid TOML{where}."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[mongo]\nurl = 1", "mongo.url (clogs.toml line 2): unknown key, the nearest is mongo.uri"),
        ("[mongo]\nlevel = 1", "mongo.level (clogs.toml line 2): unknown key, the nearest is logging.level"),
        (
            "[duckdb]\nx = 1",
            (
                "duckdb.x (clogs.toml line 2): unknown key,"
                " [duckdb] has path, threads, memory_limit, lock_timeout"
            ),
        ),
        ("[mongod]\nuri = 1", "[mongod] (clogs.toml line 1): unknown section, the nearest is mongo"),
        ("[xyzzy]", "[xyzzy] (clogs.toml line 1): unknown section"),
        (
            "level = 1",
            "level (clogs.toml line 1): unknown key outside sections, the nearest is logging.level",
        ),
        (
            "mongo = 1",
            "mongo (clogs.toml line 1): expected a section, which begins with [mongo] on its own line",
        ),
    ],
)
def test_an_unknown_name_is_reported_with_the_nearest_one(tmp_path: Path, text: str, expected: str) -> None:
    assert faults(tmp_path, text) == f"The settings have a fault:\n  {expected}"


@pytest.mark.parametrize(
    ("key", "toml", "problem"),
    [
        ("mongo.db", "1", "expected text, got a whole number"),
        ("mongo.db", "2020-01-01", "expected text, got a date"),
        ("mongo.db", '"a/b"', 'expected 1 to 63 bytes with no space and none of / \\ . " $'),
        (
            "mongo.collection",
            '"system.x"',
            "expected a name without $ and without empty parts that does not begin with system.",
        ),
        ("mongo.exclude", '"snapshot"', "expected a list, got text"),
        ("mongo.exclude", '["a..b"]', "expected field names with dots between them, such as data.output"),
        ("mongo.exclude", '["a.b", "a-b", "a"]', "a.b is left out with a already: name one of them, once"),
        ("mongo.exclude", '["data"]', "data cannot be left out, clogs needs data.agentId"),
        ("mongo.exclude", '["message.content"]', "message.content cannot be left out, clogs needs message"),
        ("duckdb.threads", "33", "expected a whole number <= 32"),
        ("duckdb.threads", '"8"', "expected a whole number, got text"),
        ("duckdb.threads", "true", "expected a whole number, got true or false"),
        ("duckdb.path", '""', "expected the path of a file or folder"),
        ("duckdb.path", '"~no-such-user/x"', "there is no home folder for this ~"),
        ("duckdb.memory_limit", '"99999999TB"', "expected at most 1000 TB"),
        ("duckdb.memory_limit", '""', MEMORY),
        ("duckdb.memory_limit", '"75%"', MEMORY),
        ("data.dir", "5", "expected the path of a file or folder"),
        ("pipeline.batch_size", "99", "expected a whole number >= 100"),
        ("pipeline.lookback", '"soon"', 'expected seconds or text like "30 s", "15 min", "2 h" or "1 d"'),
        ("pipeline.lookback", "-1", 'expected seconds or text like "30 s", "15 min", "2 h" or "1 d"'),
        ("pipeline.lookback", '"367 d"', "expected at most 366 d"),
        ("pipeline.retries", "-1", "expected a whole number >= 0"),
        ("pipeline.retry_delays", "[]", "expected a list of length >= 1"),
        ("pipeline.retry_delays", "30", "expected a list, got a whole number"),
        ("transform.timezone", '"Berlin/Europe"', "expected a time zone such as UTC or Europe/Berlin"),
        (
            "transform.timezone",
            '"asia/tokio"',
            "expected a time zone such as UTC or Europe/Berlin, the nearest is Asia/Tokyo",
        ),
        ("quality.max_rejected", '"101%"', "expected a number <= 1.0"),
        ("quality.max_rejected", "nan", "expected a number >= 0.0"),
        ("quality.max_rejected", '"x%"', SHARE),
        ("logging.level", '"loud"', "expected DEBUG, INFO, WARNING or ERROR"),
    ],
)
def test_a_value_out_of_its_limits_is_reported_with_its_place(
    tmp_path: Path, key: str, toml: str, problem: str
) -> None:
    message = faults(tmp_path, f"{key} = {toml}")
    assert message.startswith(f"The settings have a fault:\n  {key} ")
    assert message.endswith(f"(clogs.toml line 1): {problem}")


def test_the_watermark_field_cannot_be_left_out(tmp_path: Path) -> None:
    message = faults(tmp_path, MONGO_EXCLUDE="at", PIPELINE_WATERMARK_FIELD="at")
    assert message.endswith("at cannot be left out, it is the watermark field")


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = "[duckdb]\nthreads = 0\n[pipeline]\nlookbak = 1\n"
    assert faults(tmp_path, text, LOGGING_FORMAT="xml", MONGO_EXCLUDE="uuid").splitlines() == [
        "The settings have 4 faults:",
        "  duckdb.threads = 0 (clogs.toml line 2): expected a whole number >= 1",
        "  logging.format = 'xml' (environment variable LOGGING_FORMAT): expected text or json",
        "  mongo.exclude (environment variable MONGO_EXCLUDE): uuid cannot be left out, clogs needs uuid",
        "  pipeline.lookbak (clogs.toml line 4): unknown key, the nearest is pipeline.lookback",
    ]


def test_a_flags_fault_names_the_flag(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"duckdb.threads = 0 \(flag --threads\): expected"):
        load_settings(flags={"duckdb.threads": ("--threads", 0)}, environ={}, cwd=tmp_path)


@pytest.mark.parametrize(
    ("variable", "text", "shown"),
    [
        ("MONGO_URI", f"postgres://ann:{CANARY}@db", "***"),
        ("MONGO_URI", f"mongodb://ann:{CANARY}@", "***"),
        ("MONGO_DB", f"mongodb://ann:{CANARY}@db", "'mongodb://***"),
        ("ALERTING_WEBHOOK_URL", f"hooks.example.com/{CANARY}", "***"),
        ("ALERTING_WEBHOOK_URL", f"ftp://example.com/{CANARY}", "***"),
    ],
)
def test_a_fault_shows_no_secret(tmp_path: Path, variable: str, text: str, shown: str) -> None:
    message = faults(tmp_path, **{variable: text})
    assert f"{shown} (environment variable {variable}): " in message
    assert CANARY not in message


def test_a_secret_of_the_wrong_type_is_not_shown(tmp_path: Path) -> None:
    assert CANARY not in faults(tmp_path, f'[mongo]\nuri = ["{CANARY}"]\npassword = "{CANARY}"')


@pytest.mark.parametrize(
    ("name", "override", "problem"),
    [
        ("fct_messages.key_is_uniqe", "{}", "unknown check, the nearest is fct_messages.key_is_unique"),
        ("xyzzy.x", '{ severity = "error" }', "unknown check"),
        ("fct_messages.key_is_unique", "1", OVERRIDE),
        ("fct_messages.key_is_unique", "{ tolerated = 2 }", OVERRIDE),
        ("fct_messages.key_is_unique", '{ level = "error" }', OVERRIDE),
        ("fct_messages.key_is_unique", '{ tolerated = "x%" }', SHARE),
    ],
)
def test_a_faulty_override_of_a_check(tmp_path: Path, name: str, override: str, problem: str) -> None:
    message = faults(tmp_path, QUALITY_CHECKS=f'{{ "{name}" = {override}, {name}s = {override} }}')
    assert message.splitlines()[1].startswith(
        f"  quality.checks.{name} (environment variable QUALITY_CHECKS): {problem}"
    )
    assert f"  quality.checks.{name}s (environment variable QUALITY_CHECKS): " in message


@pytest.mark.parametrize("text", ["fct_messages.key_is_unique", "1"])
def test_overrides_that_are_no_table(tmp_path: Path, text: str) -> None:
    begin = f"  quality.checks = '{text}' (environment variable QUALITY_CHECKS): expected a table such as {{"
    assert faults(tmp_path, QUALITY_CHECKS=text).splitlines()[1].startswith(begin)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("[quality]\nchecks = { messages.x = {} }", ["messages.x (clogs.toml line 2)"]),
        (
            """[duckdb]
            [quality.checks]
            messages.x = {}
            "messages.y" = {}
            fct_messages.key_is_unique = { severity = "fatal" }
            [quality.checks."sessions"]
            z = {}""",
            [
                "messages.x (clogs.toml line 3)",
                "messages.y (clogs.toml line 4)",
                "fct_messages.key_is_unique (clogs.toml line 5)",
                "sessions.z (clogs.toml line 7)",
            ],
        ),
    ],
)
def test_each_faulty_override_has_its_line(tmp_path: Path, text: str, places: list[str]) -> None:
    _, *lines = faults(tmp_path, text).splitlines()
    assert [line.partition(": ")[0] for line in lines] == [f"  quality.checks.{place}" for place in places]


@pytest.mark.parametrize("variable", ["DATA_DIR", "DUCKDB_PATH"])
def test_a_warehouse_that_duckdb_cannot_write_to(tmp_path: Path, variable: str) -> None:
    message = faults(tmp_path, **{variable: str(tmp_path / "why?" / "w")})
    assert "no folder or file of it may have a ? in its name" in message


def test_text_that_is_no_utf8(tmp_path: Path) -> None:
    message = faults(tmp_path, MONGO_DB="\udcff", DATA_DIR="a\udcff", MONGO_URI="mongodb://ann:\udcff@db")
    assert message.splitlines()[1:] == [
        "  mongo.uri = mongodb://ann:***@db (environment variable MONGO_URI): expected UTF-8 text",
        "  mongo.db = '\\udcff' (environment variable MONGO_DB): expected UTF-8 text",
        "  data.dir = 'a\\udcff' (environment variable DATA_DIR): expected UTF-8 text",
    ]


def test_a_folder_whose_name_is_no_utf8(tmp_path: Path) -> None:
    for name in ("DATA_DIR", "DUCKDB_PATH"):
        with pytest.raises(SettingsError, match=rf"variable {name}\): expected UTF-8 text"):
            load_settings(environ={name: "data"}, cwd=tmp_path / "\udcff")


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("ENGINE_KIND", "flink", "expected duckdb or spark"),
        ("SPARK_MASTER", "there:7077", "expected local[*], local[4], spark://host:7077"),
        ("SPARK_CATALOG", "a-b", "expected a name of letters, digits and _"),
        ("SPARK_CONFIG", CANARY, 'expected a table such as { "spark.executor.memory" = "4g" }'),
        ("SPARK_CONFIG", f'{{ "{CANARY}" = [1] }}', "expected a table such as"),
    ],
)
def test_faults_of_the_engine(tmp_path: Path, variable: str, value: str, problem: str) -> None:
    message = faults(tmp_path, **{variable: value})
    assert problem in message
    assert CANARY not in message
