"""Settings are found, read and checked, and shown without secrets."""

from __future__ import annotations

import os
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clogs.checks.overrides import CheckOverride
from clogs.errors import SettingsError
from clogs.files import bundled
from clogs.prices import BUNDLED
from clogs.settings import LoadedSettings, Settings, load_settings
from clogs.settings.model import available_cpus, known_keys
from clogs.settings.values import MAX_DURATION, duration, duration_text

pytestmark = pytest.mark.every_python

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


def load(cwd: Path, text: str = "", **environ: str) -> LoadedSettings:
    (cwd / "clogs.toml").write_text(text, encoding="utf-8")
    return load_settings(environ=environ, cwd=cwd)


def value(settings: Settings, key: str) -> object:
    section, name = key.split(".")
    return getattr(getattr(settings, section), name)


def test_defaults(tmp_path: Path, home: Path) -> None:
    loaded = load_settings(environ={}, cwd=tmp_path)
    folder = home / ".local/share/clogs"
    assert loaded.visible() == {
        "mongo.uri": "mongodb://localhost:27017",
        "mongo.db": "claude_logs",
        "mongo.collection": "conversations",
        "mongo.exclude": ANY,  # the template's test compares it
        "source.paths": [],
        "duckdb.path": f"{folder}/clogs.duckdb",
        "duckdb.threads": min(os.cpu_count() or 1, 32),
        "duckdb.memory_limit": None,
        "duckdb.lock_timeout": "1 min",
        "data.dir": str(folder),
        "data.raw_dir": f"{folder}/landing",
        "data.dead_letter_dir": f"{folder}/dead_letters",
        "data.state_dir": f"{folder}/state",
        "pipeline.batch_size": 10_000,
        "pipeline.workers": min(available_cpus(), 4),
        "pipeline.lookback": "15 min",
        "pipeline.watermark_field": "ingestedAt",
        "pipeline.source_mode": "auto",
        "pipeline.reconcile_days": 30,
        "pipeline.retries": 3,
        "pipeline.retry_delays": ["30 s", "1 min", "2 min"],
        "transform.timezone": "UTC",
        "transform.extra_models": None,
        "transform.prices": None,
        "engine.kind": "duckdb",
        "spark.master": "local[*]",
        "spark.catalog": "clogs",
        "spark.config": {},
        "quality.max_rejected": 0.01,
        "quality.max_age": "3 d",
        "quality.checks": {},
        "logging.level": "INFO",
        "logging.format": "text",
        "alerting.webhook_url": None,
    }
    assert set(loaded.origins.values()) == {"default"}


def test_a_user_without_a_home_folder_names_a_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os.path, "expanduser", str)  # leaves the ~, as where nobody knows this user
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="no home folder to keep the data in"):
        load_settings(environ={}, cwd=tmp_path)
    loaded = load_settings(environ={"DATA_DIR": "/srv/clogs"}, cwd=tmp_path)
    assert loaded.settings.data.dir == Path("/srv/clogs")


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
    users = home / ".config/clogs/clogs.toml"
    users.parent.mkdir(parents=True)
    for each in (tmp_path / "flag.toml", tmp_path / "variable.toml", tmp_path / "clogs.toml", users):
        each.touch()
    environ = {"CLOGS_CONFIG": "variable.toml"}
    flag = load_settings(config=Path("flag.toml"), environ=environ, cwd=tmp_path)
    assert flag.file == tmp_path / "flag.toml"
    assert load_settings(environ=environ, cwd=tmp_path).file == tmp_path / "variable.toml"
    assert load_settings(environ={}, cwd=tmp_path).file == tmp_path / "clogs.toml"
    assert load_settings(environ={}, cwd=home).file == users
    users.unlink()
    assert load_settings(environ={}, cwd=home).file is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"config": Path("no.toml")}, "The settings file no.toml does not exist (--config)."),
        ({"config": Path("~no-such-user/x")}, "The settings file ~no-such-user/x does not exist (--config)."),
        (
            {"environ": {"CLOGS_CONFIG": "no.toml"}},
            "The settings file no.toml does not exist (environment variable CLOGS_CONFIG).",
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


def test_settings_are_shown_in_order_with_secrets_hidden(tmp_path: Path) -> None:
    environ = {
        "MONGO_URI": f"mongodb://ann:{CANARY}@db.example.com",
        "MONGO_EXCLUDE": "snapshot",
        "DATA_DIR": "/srv",
        "ALERTING_WEBHOOK_URL": f"https://hooks.example.com/{CANARY}",
    }
    shown = load(tmp_path, **environ).visible()
    assert list(shown) == list(known_keys())
    assert shown["mongo.uri"] == "mongodb://ann:***@db.example.com"
    assert shown["mongo.exclude"] == ["snapshot"]
    assert shown["data.raw_dir"] == "/srv/landing"
    assert shown["alerting.webhook_url"] == "https://hooks.example.com/***"


@given(st.integers(min_value=0, max_value=int(MAX_DURATION.total_seconds())))
def test_a_duration_reads_back_as_it_was_written(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert duration(duration_text(length)) == length


TEMPLATE = bundled("clogs.toml").read_text(encoding="utf-8")


def test_the_template_as_it_is_sets_nothing(tmp_path: Path) -> None:
    assert set(load(tmp_path, TEMPLATE).origins.values()) == {"default"}


def test_the_template_holds_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    shutil.copy(bundled("transforms") / BUNDLED, tmp_path / "home" / "prices.csv")
    everything_set = re.sub(r"^# (?=\w+ = )", "", TEMPLATE, flags=re.MULTILINE)
    of_machine = {"DUCKDB_THREADS": "2", "PIPELINE_WORKERS": "2"}
    assert load(tmp_path, everything_set, **of_machine).settings == load(tmp_path, **of_machine).settings
    assert load(tmp_path, everything_set).origins["mongo.exclude"] == str(tmp_path / "clogs.toml")


def test_the_template_explains_every_key(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    shutil.copy(bundled("transforms") / BUNDLED, tmp_path / "home" / "prices.csv")
    everything_set = re.sub(r"^# (?:For example: )?(?=\w+ = )", "", TEMPLATE, flags=re.MULTILINE)
    assert "default" not in load(tmp_path, everything_set).origins.values()


WARNING, HALF = CheckOverride(severity="warning"), CheckOverride(tolerated=0.5)


@pytest.mark.parametrize(
    "text",
    [
        """
        conversations.role_is_known = { severity = "warning" }
        fct_messages.key_is_unique.tolerated = "50%"
        """,
        """
        "conversations.role_is_known" = { severity = "warning" }
        "fct_messages.key_is_unique" = { tolerated = 0.5 }
        """,
        """
        conversations.role_is_known.severity = "warning"
        [quality.checks.fct_messages]
        key_is_unique = { tolerated = 0.5 }
        """,
    ],
)
def test_overrides_of_checks_however_toml_writes_their_names(tmp_path: Path, text: str) -> None:
    loaded = load(tmp_path, f"[quality.checks]\n{text}")
    assert loaded.settings.quality.checks == {
        "conversations.role_is_known": WARNING,
        "fct_messages.key_is_unique": HALF,
    }


@pytest.mark.parametrize(
    "text",
    [
        '[spark]\nconfig = { "spark.a" = "j://h?token=ab", "spark.x.password" = "s3cret", "spark.y" = true }',
        '[spark.config]\nspark.a = "j://h?token=ab"\nspark.x.password = "s3cret"\nspark.y = true',
    ],
)
def test_properties_of_spark(tmp_path: Path, text: str) -> None:
    written = {"spark.a": "j://h?token=ab", "spark.x.password": "s3cret", "spark.y": "true"}
    loaded = load(tmp_path, text)
    assert loaded.settings.spark.config == written
    assert loaded.visible()["spark.config"] == written | {
        "spark.a": "j://h?token=***",
        "spark.x.password": "***",
    }
    in_environment = load(tmp_path, SPARK_CONFIG='{ "spark.z" = 1 }').settings.spark.config
    assert in_environment == {"spark.z": "1"}


@pytest.mark.parametrize("name", ["fs.azure.sas.box.ann", "adls.connection-string.ann", "db.pwd", "a.key"])
def test_a_property_that_sounds_like_a_secret_is_hidden(tmp_path: Path, name: str) -> None:
    loaded = load(tmp_path, f'[spark.config]\n"{name}" = "s3cret"')
    assert loaded.visible()["spark.config"] == {name: "***"}


def test_overrides_of_checks_in_the_environment(tmp_path: Path) -> None:
    loaded = load(tmp_path, QUALITY_CHECKS='{ "conversations.role_is_known" = { severity = "warning" } }')
    assert loaded.settings.quality.checks == {"conversations.role_is_known": WARNING}
    assert loaded.visible()["quality.checks"] == {"conversations.role_is_known": {"severity": "warning"}}


@pytest.mark.parametrize(
    ("uri", "db"),
    [
        ("mongodb://localhost", "claude_logs"),
        ("mongodb://localhost/", "claude_logs"),
        ("mongodb://localhost/logs", "logs"),
        ("mongodb://ann:p%40w@localhost/logs?authSource=a@b/c", "logs"),
        ("mongodb://ann:pw@localhost/admin", "claude_logs"),
    ],
)
def test_the_database_of_the_connection_string_is_used(tmp_path: Path, uri: str, db: str) -> None:
    environ = {"MONGO_URI": uri, "DATA_DIR": str(tmp_path)}
    assert load_settings(environ=environ, cwd=tmp_path).settings.mongo.db == db
    assert load_settings(environ=environ | {"MONGO_DB": "x"}, cwd=tmp_path).settings.mongo.db == "x"
