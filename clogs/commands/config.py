"""``clogs config``: the settings in force."""

from __future__ import annotations

import msgspec
from rich.table import Table
from rich.text import Text

from clogs.commands.session import Flag, Given
from clogs.settings import Loaded, VisibleSetting, visible_settings
from clogs.settings.load import DEFAULT


def config(
    *,
    json: Flag = False,
    session: Given,
) -> None:
    """Show the settings in force and where each is from, with secrets hidden.

    A flag beats the environment, which beats the settings file, which beats the default.

    Args:
        json: Print one JSON document.
    """
    loaded = session.loaded
    if json:
        session.terminal.write_json(_document(loaded))
        return
    session.terminal.write(f"Settings file: {loaded.file or 'none found, `clogs init` writes one'}\n")
    session.terminal.write(_table(visible_settings(loaded)))


def _document(loaded: Loaded) -> dict[str, object]:
    settings = {each.key: {"value": each.value, "origin": each.origin} for each in visible_settings(loaded)}
    return {"file": str(loaded.file) if loaded.file else None, "settings": settings}


def _table(settings: list[VisibleSetting]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("key", "value", "from"):
        table.add_column(heading, overflow="fold")
    for each in settings:
        style = "dim" if each.origin == DEFAULT else ""
        table.add_row(each.key, Text(_as_written(each.value)), Text(each.origin, style))
    return table


def _as_written(value: object) -> str:
    """Write a value as TOML would have it; "-" where there is none."""
    if isinstance(value, dict):
        inside = ", ".join(f'"{name}" = {_as_written(each)}' for name, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return "-" if value is None else msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
