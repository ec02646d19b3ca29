"""Documents are held against the checks of bronze before they are landed; what fails is a dead letter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Document, Workspace, landed_in
from pymongo.collection import Collection
from rows import screened

from clogs import dead_letters
from clogs.checks.bronze import CONVERSATIONS
from clogs.checks.suites import blocking_checks
from clogs.mongo import utc

pytestmark = pytest.mark.every_python

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
GOOD: Document = {
    "_id": "good",
    "type": "user",
    "sessionId": "s",
    "timestamp": "2026-03-04T12:00:00.000Z",
    "message": {"role": "user", "content": "hello"},
}


def names(found: list[str]) -> list[str]:
    """The checks that reasons name, and the reasons that name none."""
    return [reason.partition(" does not hold: ")[0] for reason in found]


def reasons(document: Document) -> list[str]:
    """Why a document is rejected, which harms no other."""
    rows, rejected = screened([GOOD.copy(), document], blocking_checks=blocking_checks({}))
    assert rows["_id"].to_list()[0] == "good"
    assert set(rejected) <= {1}
    return rejected.get(1, [])


@pytest.mark.parametrize(
    ("fields", "failed"),
    [
        ({}, []),
        ({"type": "novelty"}, []),  # a warning
        ({"type": "summary", "sessionId": None}, []),
        ({"timestamp": None}, []),
        ({"message": None}, []),
        ({"sessionId": None}, ["session_is_present"]),
        ({"message": {"role": "robot", "content": "beep"}}, ["role_is_known"]),
        ({"timestamp": "1999-01-01T00:00:00.000Z"}, ["timestamp_is_believable"]),
        (
            {"sessionId": None, "message": {"role": "robot"}, "timestamp": "2999-01-01T00:00:00.000Z"},
            ["session_is_present", "role_is_known", "timestamp_is_believable"],
        ),
    ],
    ids=str,
)
def test_each_check_is_named(fields: dict[str, Any], failed: list[str]) -> None:
    assert names(reasons(GOOD | {"_id": "other"} | fields)) == [f"conversations.{check}" for check in failed]


@pytest.mark.parametrize(("hours", "failed"), [(23, []), (25, ["conversations.timestamp_is_believable"])])
def test_a_clock_may_be_ahead_by_a_day(hours: int, failed: list[str]) -> None:
    timestamp = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    assert names(reasons(GOOD | {"_id": "other", "timestamp": timestamp})) == failed


def test_what_does_not_fit_is_named_beside_the_checks_that_fail() -> None:
    found = reasons(GOOD | {"_id": "other", "timestamp": "teatime", "message": {"role": "robot"}})
    assert found[0] == "timestamp is not an ISO 8601 date and time"
    assert names(found[1:]) == ["conversations.role_is_known"]


def test_a_check_that_is_no_error_keeps_nothing_out() -> None:
    robot = GOOD | {"message": {"role": "robot"}}
    assert screened([robot])[1] == {}


def test_reasons_quote_no_content() -> None:
    assert "robot" not in str(reasons(GOOD | {"message": {"role": "robot", "content": "robot"}}))


def test_all_expressions_hold_for_a_good_document() -> None:
    assert screened([GOOD.copy()], blocking_checks=tuple(CONVERSATIONS.checks))[1] == {}


def test_the_rest_goes_on_and_what_failed_is_a_dead_letter(
    mongo_workspace: Workspace, collection: Collection[Document]
) -> None:
    robot = {"_id": "robot", "message": {"role": "robot"}, "sessionId": None}
    collection.insert_many(
        [GOOD | {"ingestedAt": utc(NOON), "_id": f"{number}"} for number in range(299)]
        + [GOOD | {"ingestedAt": utc(NOON)} | robot]
    )
    finished = mongo_workspace.run("extract")
    assert (finished.returncode, "299 landed" in finished.stdout, "1 rejected" in finished.stdout) == (
        0,
        True,
        True,
    )
    assert "WARNING 1 document rejected; the reasons: clogs dead-letters list" in finished.stderr
    folder = mongo_workspace.folder.parent / "data"
    assert len(list(landed_in(folder / "landing"))) == 1
    (letter,) = dead_letters.read(folder / "dead_letters")
    assert names(list(letter.reasons)) == ["conversations.session_is_present", "conversations.role_is_known"]
    assert '"robot"' in letter.document
    again = mongo_workspace.run("extract")
    assert "rejected" not in again.stderr  # it is told once
    assert again.stdout.startswith("300 documents read · 300 unchanged")


def test_a_severity_of_warning_lands_it(mongo_workspace: Workspace, collection: Collection[Document]) -> None:
    collection.insert_one(GOOD | {"ingestedAt": utc(NOON), "message": {"role": "robot"}})
    assert mongo_workspace.run("extract").returncode == 65
    rule = '{ conversations.role_is_known = { severity = "warning" } }'
    finished = mongo_workspace.run("extract", "--full-backfill", QUALITY_CHECKS=rule)
    assert (finished.returncode, "1 landed" in finished.stdout) == (0, True)
