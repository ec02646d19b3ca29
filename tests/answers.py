"""Pipelines from the samples on either engine, and what they answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from built import SAMPLES
from conftest import Workspace, new_workspace

QUESTIONS = {
    "report": ["report", "--last", "all", "--json"],
    "days": ["query", "-f", "json", "SELECT * FROM agg_daily_summary ORDER BY date"],
    "messages": ["query", "-f", "json", "SELECT * FROM fct_messages ORDER BY entry_id"],
    "documents": ["query", "-f", "json", "SELECT _id, message_raw FROM raw.conversations ORDER BY _id"],
    "loads": ["query", "-f", "json", "SELECT sum(rows), sum(inserted), sum(updated) FROM raw.ledger"],
}


def workspace_in(folder: Path, **settings: str) -> Workspace:
    made = new_workspace(folder, "mongodb://127.0.0.1:9", "none")
    made.environment.update(settings, SOURCE_PATHS=str(SAMPLES))
    return made


def answer(workspace: Workspace, command: list[str]) -> Any:  # noqa: ANN401  # as JSON has it
    return json.loads(workspace.output(*command))


def assert_same(ours: Any, theirs: Any) -> None:  # noqa: ANN401  # likewise
    """Compare JSON; the last digits of floating-point sums depend on the order of rows."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        ours, theirs = list(ours.values()), [theirs[key] for key in ours]
    if isinstance(ours, list):
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    else:
        assert ours == (pytest.approx(theirs) if isinstance(ours, float) else theirs)


def assert_same_answers(one: Workspace, other: Workspace) -> None:
    for command in QUESTIONS.values():
        assert_same(answer(one, command), answer(other, command))
