"""The setting ``quality.checks``: a table of checks, each with its severity and its tolerated share."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping

import msgspec

from clogs.checks.overrides import CheckOverride
from clogs.settings.values import EntriesError, share
from clogs.terminal.text import did_you_mean

_EXPECTED = 'expected a table such as { "conversations.role_is_known" = { severity = "warning" } }'


def check_overrides(value: object) -> dict[str, CheckOverride]:
    """Read the table; text is read as TOML writes it, for the environment.

    A name with its dot may be quoted, or not: TOML then makes two tables of it.

    Raises:
        ValueError: It is no table.
        EntriesError: Checks, or what is said of them, are not known.
    """
    table = _parsed(value) if isinstance(value, str) else value
    if not isinstance(table, dict):
        raise ValueError(_EXPECTED)  # noqa: TRY004  # what the settings take for a fault of theirs
    rules: dict[str, CheckOverride] = {}
    faults: dict[str, str] = {}
    for name, said in _by_name(table):
        try:
            _require_known(name)
            rules[name] = _rule(said)
        except ValueError as exc:
            faults[name] = str(exc)
    if faults:
        raise EntriesError(faults)
    return rules


def _parsed(text: str) -> object:
    try:
        return tomllib.loads(f"checks = {text}")["checks"]
    except tomllib.TOMLDecodeError:
        raise ValueError(_EXPECTED) from None


def _by_name(table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, said in table.items():
        if "." not in name and isinstance(said, dict):
            yield from ((f"{name}.{check}", each) for check, each in said.items())
        else:
            yield name, said


def _require_known(name: str) -> None:
    from clogs.checks.suites import CHECKS  # with Polars, which other settings can do without

    if name not in CHECKS:
        raise ValueError(f"there is no such check{did_you_mean(name, CHECKS)}")


def _rule(said: object) -> CheckOverride:
    if isinstance(said, dict) and "tolerated" in said:
        said = said | {"tolerated": share(said["tolerated"])}
    try:
        return msgspec.convert(said, CheckOverride)
    except msgspec.ValidationError:
        raise ValueError(
            'expected severity = "error" or "warning", and tolerated from 0 to 1, or a percentage like "1%"'
        ) from None
