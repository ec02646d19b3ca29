"""Settings are found, read and checked, and everything wrong with them is told at once."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clogs.errors import SettingsError
from clogs.resources import bundled
from clogs.settings import Loaded, Settings, load_settings, visible_settings
from clogs.settings.model import known_keys
from clogs.settings.values import LONGEST, duration, duration_text

CANARY = "s3cret"
MINUTES = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, laid out as on Linux."""
    folder = tmp_path / "home"
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / ".config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / ".local/share"))
    return folder


def load(cwd: Path, text: str = "", **environ: str) -> Loaded:
    (cwd / "clogs.toml").write_text(text, encoding="utf-8")
    return load_settings(environ=environ, cwd=cwd)


def value(settings: Settings, key: str) -> object:
    section, name = key.split(".")
    return getattr(getattr(settings, section), name)


def faults(cwd: Path, text: str = "", **environ: str) -> str:
    """The message about settings that are wrong, with the folder's name out of it."""
    with pytest.raises(SettingsError) as caught:
        load(cwd, text, **environ)
    return caught.value.message.replace(f"{cwd}{os.sep}", "")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("mongo.uri", "mongodb://localhost:27017"),
        ("mongo.db", "claude_logs"),
        ("mongo.collection", "conversations"),
        ("duckdb.threads", min(os.cpu_count() or 1, 32)),
        ("duckdb.memory_limit", None),
        ("pipeline.batch_size", 10_000),
        ("pipeline.lookback", 15 * MINUTES),
        ("pipeline.watermark_field", "ingestedAt"),
        ("pipeline.retries", 3),
        ("pipeline.retry_delays", (0.5 * MINUTES, MINUTES, 2 * MINUTES)),
        ("transform.timezone", "UTC"),
        ("quality.max_rejected", 0.01),
        ("logging.level", "INFO"),
        ("logging.format", "text"),
        ("alerting.webhook_url", None),
    ],
)
def test_defaults(tmp_path: Path, key: str, expected: object) -> None:
    loaded = load_settings(environ={}, cwd=tmp_path)
    assert (value(loaded.settings, key), loaded.origins[key]) == (expected, "default")


def test_everything_is_kept_in_the_user_data_folder(tmp_path: Path, home: Path) -> None:
    settings = load_settings(environ={}, cwd=tmp_path).settings
    folder = home / ".local/share/clogs"
    assert settings.duckdb.path == folder / "clogs.duckdb"
    assert settings.data.dir == folder
    assert settings.data.raw_dir == folder / "landing"
    assert settings.data.dead_letter_dir == folder / "dead_letters"
    assert settings.data.state_dir == folder / "state"


def test_locations_follow_the_data_folder_unless_they_are_set(tmp_path: Path) -> None:
    settings = load(tmp_path, '[data]\ndir = "/srv/clogs"\nraw_dir = "/srv/landing"').settings
    assert settings.duckdb.path == Path("/srv/clogs/clogs.duckdb")
    assert settings.data.raw_dir == Path("/srv/landing")
    assert settings.data.state_dir == Path("/srv/clogs/state")


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("", {}, ("INFO", "default")),
        ('[logging]\nlevel = "ERROR"', {}, ("ERROR", "the file")),
        ('[logging]\nlevel = "ERROR"', {"environ": {"LOGGING_LEVEL": ""}}, ("ERROR", "the file")),
        (
            '[logging]\nlevel = "ERROR"',
            {"environ": {"LOGGING_LEVEL": "warning"}},
            ("WARNING", "environment variable LOGGING_LEVEL"),
        ),
        (
            "",
            {"environ": {"LOGGING_LEVEL": "ERROR"}, "flags": {"logging.level": ("--verbose", "DEBUG")}},
            ("DEBUG", "flag --verbose"),
        ),
    ],
)
def test_a_flag_beats_the_environment_that_the_file_that_the_default(
    tmp_path: Path, text: str, given: dict[str, Any], expected: tuple[str, str]
) -> None:
    file = tmp_path / "clogs.toml"
    file.write_text(text, encoding="utf-8")
    loaded = load_settings(**{"environ": {}} | given, cwd=tmp_path)
    origin = loaded.origins["logging.level"].replace(str(file), "the file")
    assert (loaded.settings.logging.level, origin) == expected


def test_the_file_is_the_one_named_then_the_one_here_then_the_users(tmp_path: Path, home: Path) -> None:
    flag, variable, here, users = (
        tmp_path / "flag.toml",
        tmp_path / "variable.toml",
        tmp_path / "clogs.toml",
        home / ".config/clogs/clogs.toml",
    )
    users.parent.mkdir(parents=True)
    for each in (flag, variable, here, users):
        each.touch()
    environ = {"CLOGS_CONFIG": "variable.toml"}
    assert load_settings(config=Path("flag.toml"), environ=environ, cwd=tmp_path).file == flag
    assert load_settings(environ=environ, cwd=tmp_path).file == variable
    assert load_settings(environ={}, cwd=tmp_path).file == here
    assert load_settings(environ={}, cwd=home).file == users
    users.unlink()
    assert load_settings(environ={}, cwd=home).file is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"config": Path("no.toml")}, "There is no settings file no.toml (--config)."),
        ({"config": Path("~no-such-user/x")}, "There is no settings file ~no-such-user/x (--config)."),
        (
            {"environ": {"CLOGS_CONFIG": "no.toml"}},
            "There is no settings file no.toml (environment variable CLOGS_CONFIG).",
        ),
        ({"config": Path("home")}, "Cannot read the settings file home: Is a directory."),
        ({"config": Path("latin.toml")}, "The settings file latin.toml is not UTF-8 text."),
    ],
)
def test_a_named_file_must_be_readable(
    tmp_path: Path, home: Path, given: dict[str, Any], expected: str
) -> None:
    home.mkdir()
    (tmp_path / "latin.toml").write_bytes("# café".encode("latin-1"))
    with pytest.raises(SettingsError) as caught:
        load_settings(**{"environ": {}} | given, cwd=tmp_path)
    assert caught.value.message.replace(f"{tmp_path}{os.sep}", "") == expected
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f"[mongo]\nuri = mongodb://ann:{CANARY}@db", " at line 2, column 7"),
        (f'[mongo]\nuri = "mongodb://ann:{CANARY}@db', " at end of document"),
        (f'[mongo]\nx = {{"{CANARY}" = 1, "{CANARY}" = 2}}', " at line 2, column 32"),
    ],
)
def test_a_file_that_is_not_toml_is_told_by_its_place_alone(tmp_path: Path, text: str, where: str) -> None:
    assert faults(tmp_path, text) == f"The settings file clogs.toml is not valid TOML{where}."


@pytest.mark.parametrize(
    ("variable", "text", "key", "expected"),
    [
        ("MONGO_DB", "123", "mongo.db", "123"),
        ("MONGO_EXCLUDE", "toolUseResult, data.output", "mongo.exclude", ("toolUseResult", "data.output")),
        ("DUCKDB_THREADS", "8", "duckdb.threads", 8),
        ("DUCKDB_MEMORY_LIMIT", "1.5 GiB", "duckdb.memory_limit", "1.5 GiB"),
        ("PIPELINE_LOOKBACK", "90", "pipeline.lookback", 1.5 * MINUTES),
        ("PIPELINE_RETRY_DELAYS", "30 s,1 min", "pipeline.retry_delays", (0.5 * MINUTES, MINUTES)),
        ("TRANSFORM_TIMEZONE", "Europe/Berlin", "transform.timezone", "Europe/Berlin"),
        ("QUALITY_MAX_REJECTED", "1%", "quality.max_rejected", 0.01),
        ("QUALITY_MAX_REJECTED", "0.25", "quality.max_rejected", 0.25),
        ("LOGGING_FORMAT", "JSON", "logging.format", "json"),
        ("ALERTING_WEBHOOK_URL", "https://example.com/x", "alerting.webhook_url", "https://example.com/x"),
    ],
)
def test_the_environments_text_is_read_as_the_keys_type(
    tmp_path: Path, variable: str, text: str, key: str, expected: object
) -> None:
    assert value(load(tmp_path, **{variable: text}).settings, key) == expected


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("[pipeline]\nlookback = 60", "pipeline.lookback", MINUTES),
        ("[pipeline]\nlookback = 0", "pipeline.lookback", 0 * MINUTES),
        ('[pipeline]\nretry_delays = [30, "1 min"]', "pipeline.retry_delays", (0.5 * MINUTES, MINUTES)),
        ('[quality]\nmax_rejected = "50%"', "quality.max_rejected", 0.5),
        ("[quality]\nmax_rejected = 1", "quality.max_rejected", 1.0),
        ("[mongo]\nexclude = []", "mongo.exclude", ()),
        ('mongo.db = "logs"', "mongo.db", "logs"),
    ],
)
def test_the_files_values_are_read(tmp_path: Path, text: str, key: str, expected: object) -> None:
    assert value(load(tmp_path, text).settings, key) == expected


def test_a_relative_path_starts_at_the_files_folder_or_at_the_current_one(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "etc/clogs.toml"
    file.parent.mkdir()
    file.write_text('[data]\ndir = "here"\nraw_dir = "~/landing"', encoding="utf-8")
    flags = {"data.dead_letter_dir": ("--rejected", Path("flag"))}
    settings = load_settings(
        config=file, flags=flags, environ={"DATA_STATE_DIR": "there"}, cwd=tmp_path
    ).settings
    assert settings.data.dir == tmp_path / "etc/here"
    assert settings.data.raw_dir == home / "landing"
    assert settings.data.state_dir == tmp_path / "there"
    assert settings.data.dead_letter_dir == tmp_path / "flag"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[mongo]\nurl = 1", "mongo.url (clogs.toml line 2): unknown key, the nearest is mongo.uri"),
        ("[mongo]\nlevel = 1", "mongo.level (clogs.toml line 2): unknown key, the nearest is logging.level"),
        (
            "[duckdb]\nx = 1",
            "duckdb.x (clogs.toml line 2): unknown key, [duckdb] has path, threads, memory_limit",
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
def test_an_unknown_name_is_told_with_the_nearest_one(tmp_path: Path, text: str, expected: str) -> None:
    assert faults(tmp_path, text) == f"The settings have a fault:\n  {expected}"


@pytest.mark.parametrize(
    ("key", "toml", "problem"),
    [
        ("mongo.db", "1", "expected text, got a whole number"),
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
        (
            "duckdb.memory_limit",
            '"75%"',
            "expected a number and KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 4GB",
        ),
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
        ("quality.max_rejected", '"x%"', 'expected a number from 0 to 1, or a percentage like "1%"'),
        ("logging.level", '"loud"', "expected DEBUG, INFO, WARNING or ERROR"),
    ],
)
def test_a_value_out_of_its_limits_is_told_with_its_place(
    tmp_path: Path, key: str, toml: str, problem: str
) -> None:
    message = faults(tmp_path, f"{key} = {toml}")
    assert message.startswith(f"The settings have a fault:\n  {key} ")
    assert message.endswith(f"(clogs.toml line 1): {problem}")


def test_the_watermark_field_cannot_be_left_out(tmp_path: Path) -> None:
    message = faults(tmp_path, MONGO_EXCLUDE="at", PIPELINE_WATERMARK_FIELD="at")
    assert message.endswith("at cannot be left out, it is the watermark field")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
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


def test_settings_are_shown_as_they_could_be_written_with_secrets_hidden(tmp_path: Path) -> None:
    environ = {
        "MONGO_URI": f"mongodb://ann:{CANARY}@db.example.com",
        "MONGO_EXCLUDE": "snapshot",
        "DATA_DIR": "/srv",
        "ALERTING_WEBHOOK_URL": f"https://hooks.example.com/{CANARY}",
    }
    shown = {each.key: each.value for each in visible_settings(load(tmp_path, **environ))}
    assert list(shown) == list(known_keys())
    assert shown["mongo.uri"] == "mongodb://ann:***@db.example.com"
    assert shown["mongo.exclude"] == ["snapshot"]
    assert shown["duckdb.memory_limit"] is None
    assert shown["data.raw_dir"] == "/srv/landing"
    assert shown["pipeline.retry_delays"] == ["30 s", "1 min", "2 min"]
    assert shown["alerting.webhook_url"] == "https://hooks.example.com/***"


@given(st.integers(min_value=0, max_value=int(LONGEST.total_seconds())))
def test_a_duration_reads_back_as_it_was_written(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert duration(duration_text(length)) == length


def test_the_template_holds_the_defaults(tmp_path: Path) -> None:
    template = bundled("clogs.toml").read_text(encoding="utf-8")
    everything_set = re.sub(r"^# (?=\w+ = )", "", template, flags=re.MULTILINE)
    threads = {"DUCKDB_THREADS": "2"}  # the default is the machine's
    assert load(tmp_path, everything_set, **threads).settings == load(tmp_path, template, **threads).settings
    assert load(tmp_path, everything_set).origins["mongo.exclude"] == str(tmp_path / "clogs.toml")


def test_the_template_explains_every_key(tmp_path: Path) -> None:
    template = bundled("clogs.toml").read_text(encoding="utf-8")
    everything_set = re.sub(r"^# (?:For example: )?(?=\w+ = )", "", template, flags=re.MULTILINE)
    assert "default" not in load(tmp_path, everything_set).origins.values()


def test_the_template_as_it_is_sets_nothing(tmp_path: Path) -> None:
    template = bundled("clogs.toml").read_text(encoding="utf-8")
    assert set(load(tmp_path, template).origins.values()) == {"default"}
