"""Load the settings: what is given over the defaults, with all faults reported at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import FieldInfo, fields

from clogs.errors import SettingsError
from clogs.settings.faults import excluded_needs, in_words, quoted, unknown_keys, unwritable_warehouse
from clogs.settings.model import Settings, default_locations, known_keys, marks
from clogs.settings.sources import Given, SettingsFile, find_file, from_environment, from_file, from_flags
from clogs.settings.values import Check, EntriesError, Parse, utf8

DEFAULT = "default"


@dataclass(frozen=True)
class Loaded:
    """Settings that are valid, and where each is from.

    Attributes:
        settings: The settings in force; all paths are absolute.
        origins: For each key ``default``, the file's path, ``environment variable X`` or ``flag --x``.
        file: The settings file that was read, if there was one.
    """

    settings: Settings
    origins: dict[str, str]
    file: Path | None


def load_settings(
    *,
    config: Path | None = None,
    flags: Mapping[str, tuple[str, object]] = {},
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Loaded:
    """Find, read and check the settings: a flag beats the environment, that the file, that the default.

    Args:
        config: The file that ``--config`` names.
        flags: For each key that a flag sets, the flag as it is shown and its value.
        environ: The environment; the one of this program if not given.
        cwd: Where to look for a file, and what relative paths of the environment and of flags start at; the
            current folder if not given.

    Raises:
        SettingsError: There are faults; each is a line of the message, with its origin.
    """
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd.absolute()
    file = find_file(config, environ, cwd)
    given = (
        dict(from_file(known_keys(), file))
        | dict(from_environment(known_keys(), environ, cwd))
        | dict(from_flags(flags, cwd))
    )
    origins = {key: given[key].origin if key in given else DEFAULT for key in known_keys()}
    values, faults = _read_all(given, file)
    settings = _with_defaults(values)
    faults += excluded_needs(settings, _place("mongo.exclude", origins["mongo.exclude"], file))
    faults += unwritable_warehouse(settings)
    if file:
        faults += unknown_keys(file)
    if faults:
        raise _all_of(faults)
    return Loaded(settings, origins, file.path if file else None)


def _read_all(given: Mapping[str, Given], file: SettingsFile | None) -> tuple[dict[str, object], list[str]]:
    """Read each value by itself, so that one fault does not hide the next."""
    values: dict[str, object] = {}
    faults: list[str] = []
    for key, each in given.items():
        declared = known_keys()[key]
        try:
            values[key] = _read(declared, each)
        except EntriesError as exc:
            for name, text in exc.by_key.items():
                place = _place(f"{key}.{name}", each.origin, file)
                faults.append(f"{key}.{name} ({place}): {text}")
        except ValueError as exc:
            place = _place(key, each.origin, file)
            faults.append(f"{key} = {quoted(declared, each.value)} ({place}): {exc}")
    return values, faults


def _read(declared: FieldInfo, given: Given) -> object:
    value = given.value
    utf8(value)
    if given.is_text and isinstance(value, str) and isinstance(declared.default, tuple):
        value = [item.strip() for item in value.split(",")]
    for parse in marks(declared, Parse):
        value = parse.read(value)
    try:
        value = msgspec.convert(value, declared.type, strict=not given.is_text)
    except msgspec.ValidationError as exc:
        raise ValueError(in_words(str(exc))) from None
    for meaning in marks(declared, Check):
        meaning.check(value)
    if isinstance(value, Path):
        value = given.folder / value
        utf8(str(value))
    return value


def _place(key: str, origin: str, file: SettingsFile | None) -> str:
    return file.place(key) if file and origin == str(file.path) else origin


def _with_defaults(values: Mapping[str, object]) -> Settings:
    data_dir = values.get("data.dir")
    try:
        locations = default_locations(data_dir if isinstance(data_dir, Path) else None)
    except RuntimeError as exc:
        raise SettingsError(
            "There is no home folder to put a data folder in.",
            hint="Set data.dir (DATA_DIR), or HOME.",
        ) from exc
    sections: dict[str, dict[str, object]] = {section.name: {} for section in fields(Settings)}
    for key, value in {**locations, **values}.items():
        section, _, name = key.partition(".")
        sections[section][name] = value
    return Settings(**{section.name: section.type(**sections[section.name]) for section in fields(Settings)})


def _all_of(faults: list[str]) -> SettingsError:
    title = "The settings have a fault" if len(faults) == 1 else f"The settings have {len(faults)} faults"
    return SettingsError(
        "\n  ".join([f"{title}:", *faults]),
        hint="Every key and its limits are explained in the file that `clogs init` writes.",
    )
