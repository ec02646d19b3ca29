"""A value fits its column's type, alone or among others, or is a misfit with its reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from bson import Code, DatetimeMS, Decimal128, Int64, ObjectId
from hypothesis import example, given
from hypothesis import strategies as st

from clogs.extract.columns import column_of
from clogs.schema import Column

TEXT = Column("type", "text", "type")
FLAG = Column("is_meta", "boolean", "isMeta")
TIMESTAMP = Column("timestamp", "instant", "timestamp")
INGESTED = Column("ingested_at", "instant", "ingestedAt")

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
DATE = DatetimeMS(NEW_YEAR)
NO_INSTANT = "which is no date and time of the years 1 to 9999"
MISFIT = "misfit"


def converted(column: Column, *values: object) -> tuple[list[Any], dict[int, list[str]]]:
    misfits: dict[int, list[str]] = {}
    series = column_of(values, column, misfits)
    return series.to_list(), misfits


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (TEXT, "é\0", "é\0"),
        (TEXT, "", ""),
        (TEXT, None, None),
        (TEXT, 7, "7"),
        (TEXT, Int64(2**62), str(2**62)),
        (TEXT, 1.5, "1.5"),
        (TEXT, True, "true"),
        (TEXT, DATE, "2026-01-01T00:00:00+00:00"),
        (TEXT, ObjectId(b"a" * 12), "61" * 12),
        (TEXT, UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (TEXT, Decimal128("1.50"), "1.50"),
        (TEXT, Code("x"), "x"),
        (FLAG, False, False),
        (FLAG, 1, True),
        (FLAG, 0.0, False),
        (FLAG, Int64(0), False),
        (FLAG, "TRUE", True),
        (FLAG, "false", False),
        (INGESTED, DATE, NEW_YEAR),
        (INGESTED, "2026-01-01T00:00:00.000Z", NEW_YEAR),
        (INGESTED, "2026-01-01T05:30:00+05:30", NEW_YEAR),
        (TIMESTAMP, DATE, NEW_YEAR),
        (TIMESTAMP, "2026-01-01T00:00:00Z", NEW_YEAR),
        (TIMESTAMP, "2026-01-01T00:00:00.123456789Z", NEW_YEAR.replace(microsecond=123456)),
        (TIMESTAMP, "2026-01-01 00:00", NEW_YEAR),
        (TIMESTAMP, "0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_value_of_a_near_type_is_converted(column: Column, value: object, expected: object) -> None:
    assert converted(column, value) == ([expected], {})


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (TEXT, {"a": 1}, "type is an object, which does not fit a text column"),
        (TEXT, [], "type is an array, which does not fit a text column"),
        (TEXT, b"x", "type is of BSON type bytes, which does not fit a text column"),
        (FLAG, 2, "isMeta is a number, which is neither true nor false"),
        (FLAG, float("nan"), "isMeta is a number, which is neither true nor false"),
        (FLAG, "yes", "isMeta is text, which is neither true nor false"),
        (FLAG, DATE, "isMeta is a date, which is neither true nor false"),
        (INGESTED, 1_767_225_600, f"ingestedAt is a number, {NO_INSTANT}"),
        (INGESTED, Int64(5), f"ingestedAt is a number, {NO_INSTANT}"),
        (INGESTED, True, f"ingestedAt is a truth value, {NO_INSTANT}"),
        (INGESTED, DatetimeMS(10**15), "ingestedAt is out of the years 1 to 9999"),
        (INGESTED, DatetimeMS(-(10**15)), "ingestedAt is out of the years 1 to 9999"),
        (TEXT, DatetimeMS(10**15), "type is a date, which does not fit a text column"),
        (INGESTED, "now", "ingestedAt is no ISO 8601 date and time"),
        (TIMESTAMP, "", "timestamp is no ISO 8601 date and time"),
        (TIMESTAMP, "2026-13-01T00:00:00Z", "timestamp is no ISO 8601 date and time"),
        (TIMESTAMP, "2026-01-01T00:00:60Z", "timestamp is no ISO 8601 date and time"),
        (TIMESTAMP, "0000-01-01T00:00:00Z", "timestamp is no ISO 8601 date and time"),
        (TIMESTAMP, "+12345-01-01T00:00:00Z", "timestamp is no ISO 8601 date and time"),
        (TIMESTAMP, "0001-01-01T00:00:00+05:00", "timestamp is out of the years 1 to 9999"),
        (TIMESTAMP, "9999-12-31T23:59:59-05:00", "timestamp is out of the years 1 to 9999"),
    ],
)
def test_a_value_of_another_type_is_a_misfit(column: Column, value: object, reason: str) -> None:
    assert converted(column, value) == ([None], {0: [reason]})


@pytest.mark.parametrize(
    ("column", "good", "expected"),
    [
        (TEXT, "x", "x"),
        (FLAG, True, True),
        (INGESTED, DATE, NEW_YEAR),
        (TIMESTAMP, "2026-01-01T00:00:00.000Z", NEW_YEAR),
    ],
)
def test_a_misfit_is_told_by_its_place_and_harms_no_other(
    column: Column, good: object, expected: object
) -> None:
    values, misfits = converted(column, good, {"odd": 1}, None, good)
    assert values == [expected, None, None, expected]
    assert list(misfits) == [1]


DIGITS = st.text("0123456789", min_size=1, max_size=3)
INSTANTS = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
NEARLY_INSTANTS = st.builds(
    "{}-{}-{}T{}:{}:{}Z".format, st.integers(-1, 12_345), DIGITS, DIGITS, DIGITS, DIGITS, DIGITS
)


@given(INSTANTS | NEARLY_INSTANTS | st.text("0123456789+-.:TZ "))
@example(" 2026-01-01T00:00:00Z")
@example("2026-1-1T0:0:0Z")
@example("2026-01-01T24:00:00Z")
def test_a_timestamp_means_the_same_whatever_stands_beside_it(text: str) -> None:
    alone, reasons = converted(TIMESTAMP, text)
    beside, misfits = converted(TIMESTAMP, text, MISFIT)
    assert beside == [*alone, None]
    assert misfits.get(0) == reasons.get(0)
