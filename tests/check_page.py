"""The reference page of all checks: ``python tests/check_page.py`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator

from conftest import PROJECT

from clogs.checks.check import Suite
from clogs.checks.results import LAYERS
from clogs.checks.suites import CHECKS, SUITES

PAGE = PROJECT / "docs" / "checks.md"
COMMAND = "python tests/check_page.py"

_INTRODUCTION = f"""\
<!-- Generated. Change clogs/quality, then run: {COMMAND} -->

# Checks

`clogs validate`, and the pipeline after each load, hold the warehouse to these {len(CHECKS)} checks. An error
ends with exit code 65; a warning is only told. That can be changed for each check in `clogs.toml`, by its
name, and so can the share of rows that may fail:

```toml
[quality.checks]
conversations.role_is_known = {{ severity = "warning", tolerated = "1%" }}
```

What a document holds itself is also checked before it is landed: one that fails an error marked with ⇥ goes
to the dead letters, with the names of all that it fails (`clogs dead-letters list`). The tolerated share does
not matter there.

Each validation keeps its results in `quality.results`; `clogs validate --history NAME` shows the course of a
check. Where rows fail, up to five of their keys are told, and never what they hold.
"""


def page() -> str:
    """The whole page, the same for the same checks."""
    return "\n".join([_INTRODUCTION, *(line for layer in LAYERS for line in _layer(layer))])


def _layer(layer: str) -> Iterator[str]:
    yield f"## {layer}\n"
    for suite in SUITES:
        if suite.layer == layer:
            yield from _suite(suite)


def _suite(suite: type[Suite]) -> Iterator[str]:
    first_line = (suite.__doc__ or "").partition("\n")[0]
    yield f"### {suite.name}\n"
    yield f"On `{suite.table}`. {first_line}\n"
    yield "| check | what must hold | severity |"
    yield "|---|---|---|"
    for name, check in suite.checks.items():
        lands = " ⇥" if suite.name == "conversations" and not isinstance(check.holds, str) else ""
        yield f"| `{name}`{lands} | {check.description} | {check.severity} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
