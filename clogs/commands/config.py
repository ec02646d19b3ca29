"""``clogs config``: the settings in force."""

from __future__ import annotations

import msgspec
from rich.table import Table
from rich.text import Text

from clogs.commands.session import Flag, Session
from clogs.settings.load import DEFAULT


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
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("key", "value", "from"):
        table.add_column(heading, overflow="fold")
    for key, value in loaded.visible().items():
        origin = loaded.origins[key]
        table.add_row(key, Text(_as_toml(value)), Text(origin, "dim" if origin == DEFAULT else ""))
    session.terminal.write(f"Settings file: {loaded.file or 'none; `clogs init` writes one'}\n")
    session.terminal.write(table)


def _as_toml(value: object) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f'"{name}" = {_as_toml(each)}' for name, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return "-" if value is None else msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
