"""``clogs config``: the settings in force."""

from __future__ import annotations

import msgspec

from clogs.commands.output import table_lines
from clogs.commands.session import Flag, Session


def config(*, json: Flag = False, session: Session) -> None:
    """Show the settings in force and where each comes from, with secrets hidden.

    A flag beats the environment, which beats the settings file, which beats the default.

    Args:
        json: Print one JSON document.
    """
    loaded = session.loaded
    if json:
        settings = {
            key: {"value": value, "origin": loaded.origins[key]} for key, value in loaded.visible().items()
        }
        session.terminal.write_json({"file": loaded.file, "settings": settings})
        return
    session.terminal.write(f"Settings file: {loaded.file or 'none; `clogs init` writes one'}\n")
    short = {str(loaded.file): "settings file"}
    origins = {key: short.get(origin, origin) for key, origin in loaded.origins.items()}
    rows = [(key, origins[key], _as_toml(value)) for key, value in loaded.visible().items()]
    # the value comes last, so that none is broken into lines: it can be copied
    for line in table_lines(("key", "from", "value"), rows):
        session.terminal.write(line)


def _as_toml(value: object) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f'"{name}" = {_as_toml(each)}' for name, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return "-" if value is None else msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
