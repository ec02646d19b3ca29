"""The settings as people may see them: where each is from, and secrets hidden."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from clogs.settings.load import Loaded
from clogs.settings.model import known_keys, marks
from clogs.settings.values import Secret, duration_text


class VisibleSetting(Struct, frozen=True):
    """A setting as people may see it.

    Attributes:
        key: Its section and name, such as ``mongo.uri``.
        value: Its value as it could stand in the settings file, with secrets hidden; None if there is none.
        origin: Where it is from: ``default``, a file's path, ``environment variable X`` or ``flag --x``.
    """

    key: str
    value: object
    origin: str


def visible_settings(loaded: Loaded) -> list[VisibleSetting]:
    """List all settings in force, in the order of their sections."""
    return [
        VisibleSetting(key, _visible(declared, _value(loaded, key)), loaded.origins[key])
        for key, declared in known_keys().items()
    ]


def _value(loaded: Loaded, key: str) -> object:
    section, _, name = key.partition(".")
    return getattr(getattr(loaded.settings, section), name)


def _visible(declared: FieldInfo, value: object) -> object:
    if isinstance(value, str):
        for secret in marks(declared, Secret):
            value = secret.hide(value)
    return _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, Struct):
        return {name: each for name, each in msgspec.structs.asdict(value).items() if each is not None}
    return str(value) if isinstance(value, Path) else value
