"""Load the settings: what is set over the defaults, with all faults reported at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, asdict, fields

from clogs.errors import SettingsError
from clogs.landing.objects import ObjectPath
from clogs.settings.faults import (
    excluded_needs,
    faulty_prices,
    in_words,
    quoted,
    unknown_keys,
    unwritable_warehouse,
)
from clogs.settings.model import Settings, default_locations, key_of, known_keys
from clogs.settings.sources import RawValue, SettingsFile, find_file, raw_values
from clogs.settings.values import EntriesError, db_of_uri, duration_text, utf8

DEFAULT = "default"


@dataclass(frozen=True)
class LoadedSettings:
    """Valid settings, and where each comes from."""

    settings: Settings  # all paths are absolute
    origins: dict[str, str]  # by key: default, the file's path, environment variable X or flag --x
    file: Path | None

    def visible(self) -> dict[str, object]:
        """Each key's value as it could stand in the settings file, with secrets hidden; None where unset."""
        shown: dict[str, object] = {}
        for key, declared in known_keys().items():
            section, _, name = key.partition(".")
            value = getattr(getattr(self.settings, section), name)
            hide = key_of(declared).hide
            shown[key] = hide(value) if hide and value is not None else _plain(value)
        return shown


def load_settings(
    *,
    config: Path | None = None,
    flags: Mapping[str, tuple[str, object]] = {},
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> LoadedSettings:
    """Find, read and check the settings: a flag beats the environment, that the file, that the default.

    ``flags`` has, for each key that a flag sets, the flag as it is shown and its value. Relative paths in
    variables and flags start at ``cwd``.

    Raises:
        SettingsError: There are faults; each is a line of the message, with its origin.
    """
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd.absolute()
    file = find_file(config, environ, cwd)
    raw = raw_values(file, environ, flags, cwd)
    origins = {key: raw[key].origin if key in raw else DEFAULT for key in known_keys()}
    values, faults = _read_all(raw, file)
    if "mongo.db" not in raw and (db := db_of_uri(str(values.get("mongo.uri", "")))):
        values["mongo.db"], origins["mongo.db"] = db, origins["mongo.uri"]
    settings = _with_defaults(values)
    faults += excluded_needs(settings, _place("mongo.exclude", origins["mongo.exclude"], file))
    faults += unwritable_warehouse(settings)
    faults += faulty_prices(settings, _place("transform.prices", origins["transform.prices"], file))
    if file:
        faults += unknown_keys(file)
    if faults:
        title = "The settings have a fault" if len(faults) == 1 else f"The settings have {len(faults)} faults"
        raise SettingsError(
            "\n  ".join([f"{title}:", *faults]),
            hint="Every key and its limits are explained in the file that `clogs init` writes.",
        )
    return LoadedSettings(settings, origins, file.path if file else None)


def _read_all(raw: Mapping[str, RawValue], file: SettingsFile | None) -> tuple[dict[str, object], list[str]]:
    """Read each value on its own, so that one fault does not hide the next."""
    values: dict[str, object] = {}
    faults: list[str] = []
    for key, value in raw.items():
        declared = known_keys()[key]
        try:
            values[key] = _read(declared, value)
        except EntriesError as exc:
            for name, problem in exc.problems.items():
                faults.append(f"{key}.{name} ({_place(f'{key}.{name}', value.origin, file)}): {problem}")
        except ValueError as exc:
            shown = quoted(declared, value.written)
            faults.append(f"{key} = {shown} ({_place(key, value.origin, file)}): {exc}")
    return values, faults


def _read(declared: FieldInfo, raw: RawValue) -> object:
    key, value = key_of(declared), raw.written
    utf8(value)
    if raw.is_text and isinstance(value, str) and isinstance(declared.default, tuple):
        value = [item.strip() for item in value.split(",")]
    if key.parse:
        value = key.parse(value)
    if not isinstance(value, Path | ObjectPath):
        try:
            value = msgspec.convert(value, declared.type, strict=not raw.is_text)
        except msgspec.ValidationError as exc:
            raise ValueError(in_words(str(exc))) from None
    if key.validate:
        key.validate(value)
    if isinstance(value, tuple) and any(isinstance(each, Path) for each in value):
        value = tuple(raw.folder / each for each in value)
    if isinstance(value, Path):
        value = raw.folder / value
        utf8(str(value))  # again: the folder's name may be any bytes, too
    return value


def _place(key: str, origin: str, file: SettingsFile | None) -> str:
    return file.location(key) if file and origin == str(file.path) else origin


def _with_defaults(values: Mapping[str, object]) -> Settings:
    data_dir = values.get("data.dir")
    try:
        locations = default_locations(data_dir if isinstance(data_dir, Path) else None)
    except RuntimeError as exc:
        raise SettingsError(
            "This user has no home folder to keep the data in.", hint="Set data.dir (DATA_DIR), or HOME."
        ) from exc
    sections: dict[str, dict[str, object]] = {section.name: {} for section in fields(Settings)}
    for key, value in {**locations, **values}.items():
        section, _, name = key.partition(".")
        sections[section][name] = value
    return Settings(**{section.name: section.type(**sections[section.name]) for section in fields(Settings)})


def _plain(value: object) -> object:
    match value:
        case timedelta():
            return duration_text(value)
        case Path() | ObjectPath():
            return str(value)
        case tuple():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(each) for name, each in value.items() if each is not None}
        case Struct():
            return _plain(asdict(value))
        case _:
            return value
