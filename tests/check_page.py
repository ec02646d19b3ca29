"""The reference page of all checks: ``python tests/check_page.py`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator

from conftest import PROJECT

from clogs.checks.check import Suite
from clogs.checks.results import LAYERS
from clogs.checks.suites import CHECKS, SUITES
from clogs.warehouse import MOST_LISTED

PAGE = PROJECT / "docs" / "checks.md"
COMMAND = "python tests/check_page.py"

_INTRODUCTION = f"""\
<!-- Generated. Change clogs/checks, then run: {COMMAND} -->

# Checks

`clogs validate`, and the pipeline after each load, hold the warehouse to these {len(CHECKS)} checks. An error
ends with exit code 65, a warning does not. That can be changed for each check in `clogs.toml`, by its name,
and so can the share of rows that may fail:

```toml
[quality.checks]
conversations.role_is_known = {{ severity = "warning", tolerated = "1%" }}
```

Each condition is checked in one place. Keys of tables, and columns that must be present, are audited by
`clogs transform` in the transaction that builds a table: rows that fail never become visible, and
`clogs validate` does not ask again. It checks the keys that no audit covers: those of the documents, and of
gold's views.

Documents are also checked before they are landed: one that fails an error marked with ⇥ goes to the dead
letters, with the names of all checks that it fails (`clogs dead-letters list`). The tolerated share does not
matter there.

`clogs validate` and the daily run (`--full-refresh`, `--reconcile`) check all rows. Every other run of the
pipeline checks the rows that changed since the last validation, and what hangs on them: their keys, and the
keys they refer to, against the whole tables, and the sums of the days and sessions they touch. What only a
look at all rows can find, such as a row that was changed without clogs, the next daily run finds. The summary
says how many rows of how many were checked.

A check that fails on some rows, or has failed the last time, is repeated on all: its share is always that of
the table. So is every check of a table of which more than {MOST_LISTED:,} rows changed, and once all checks
if the definition of one has changed.

Each validation keeps its results in `quality.results`; `clogs validate --history NAME` shows how a check
ended before. Where rows fail, up to five of their keys are shown, and never their contents.
"""


def page() -> str:
    """The whole page, the same for the same checks."""
    return "\n".join([_INTRODUCTION, *(line for layer in LAYERS for line in _layer(layer))])


def _layer(layer: str) -> Iterator[str]:
    yield f"## {layer}\n"
    for suite in SUITES:
        if suite.layer == layer:
            yield from _suite(suite)


def _suite(suite: Suite) -> Iterator[str]:
    yield f"### {suite.name}\n"
    yield f"On `{suite.table}`. {suite.about}{_on_key(suite)}\n"
    yield "| check | what must hold | severity |"
    yield "|---|---|---|"
    for name, check in suite.checks.items():
        lands = " ⇥" if suite.name == "conversations" and not isinstance(check.holds, str) else ""
        yield f"| `{name}`{lands} | {check.description} | {check.severity} |"
    yield ""


def _on_key(suite: Suite) -> str:
    """Where a table's key is checked, if not here."""
    if suite.source != suite.table or f"{suite.name}.key_is_unique" in suite.checks:
        return ""
    return f" Its key, {', '.join(f'`{column}`' for column in suite.key)}, is audited when it is built."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
