"""Documents become rows exactly as the table of messages says, whatever is in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import bson
import msgspec
import polars as pl
import pytest
from bson import (
    Binary,
    Code,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)
from hypothesis import example, given
from hypothesis import strategies as st
from rows import screened

from clogs.mongo import decode
from clogs.mongo.documents import CODEC
from clogs.schema import COLUMNS, Column

pytestmark = pytest.mark.every_python

Document = dict[str, Any]

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
FIELDS = {column.field for column in COLUMNS if column.field} | {"_id", "message"}
EVERY_BSON_VALUE = {
    "string": "x",
    "integer": 7,
    "long": Int64(2**40),
    "double": 1.5,
    "infinity": float("inf"),
    "not a number": float("nan"),
    "true": True,
    "null": None,
    "date": datetime(2026, 11, 21, 23, 59, tzinfo=UTC),
    "date after year 9999": DatetimeMS(10**15),
    "date before year 1": DatetimeMS(-(10**15)),
    "ObjectId": ObjectId(b"a" * 12),
    "UUID": UUID(int=5),
    "binary": b"\x00\xff",
    "binary of subtype 5": Binary(b"ab", 5),
    "Decimal128": Decimal128("1.50"),
    "Regex": Regex("a", "i"),
    "Timestamp": Timestamp(5, 1),
    "MinKey": MinKey(),
    "MaxKey": MaxKey(),
    "code": Code("x"),
    "code with scope": Code("x", {"a": 1}),
    "DBRef": DBRef("c", 1),
    "object": {"a": {"b.c": [1]}},
    "array": [1, "a", None],
}


def flattened(*documents: Document, exclude: Sequence[str] = ()) -> pl.DataFrame:
    rows, rejected = screened(documents, exclude=exclude, at=NOW)
    assert rejected == {}
    return rows


def row(document: Document, exclude: Sequence[str] = ()) -> Document:
    return flattened({"_id": "x"} | document, exclude=exclude).row(0, named=True)


def stored(document: Document) -> Document:
    """The document as it comes back from MongoDB."""
    decoded = decode(bson.encode(document, codec_options=CODEC))
    assert isinstance(decoded, dict)
    return decoded


# What the contract says, one document at a time.


def expected_message(message: object) -> tuple[str | None, str | None, str | None]:
    """Role, content and raw of one ``message``."""
    if message is None:
        return None, None, None
    if isinstance(message, str):
        return None, message, None
    if not isinstance(message, dict):
        return None, None, as_json(message)
    return as_text(message.get("role")), expected_content(message.get("content")), as_json(message)


def expected_content(content: object) -> str | None:
    if not isinstance(content, list):
        return as_text(content)
    lines = [line for block in content if (line := expected_line(block)) is not None]
    return "\n".join(lines) if lines else None


def expected_line(block: object) -> str | None:
    if isinstance(block, str):
        return block
    if not isinstance(block, dict):
        return None
    lines = {
        "text": as_text(block.get("text")),
        "tool_use": f"[tool_use: {as_text(block.get('name')) or ''}]",
        "tool_result": "[tool_result]",
    }
    kind = block.get("type")
    return lines.get(kind) if isinstance(kind, str) else None


def as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else as_json(value)


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def assert_as_expected(documents: Sequence[Document]) -> None:
    frame = flattened(*documents)
    messages = frame.select("message_role", "message_content", "message_raw").rows()
    assert messages == [expected_message(document.get("message")) for document in documents]
    others = [
        {key: value for key, value in each.items() if key not in {*FIELDS, "toolUseResult"}}
        | expected_result(each.get("toolUseResult"))
        for each in documents
    ]
    assert [json.loads(entry) for entry in frame["entry_raw"]] == others


def expected_result(result: object) -> Document:
    """Of a result that is an object, all but the lines of a patch."""
    if not isinstance(result, dict):
        return {}
    if "structuredPatch" in result:
        hunks = result["structuredPatch"]
        marks = [line[0] for hunk in hunks for line in hunk.get("lines", ())]
        counts = {"added": marks.count("+"), "removed": marks.count("-")}
        is_whole = all("lines" in hunk for hunk in hunks)
        result = result | {"structuredPatch": counts if is_whole else None}
    return {"toolUseResult": result}


TEXTS = st.text() | st.sampled_from(
    ["", "\0", '"', "\n", "\\", "👩\u200d🚀", '{"type":"text"}', "[tool_result]", "null"]
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=5)
KINDS = st.sampled_from(["text", "tool_use", "tool_result", "thinking", "image", "Text"])
BLOCKS = st.fixed_dictionaries(
    {"type": KINDS | VALUES},
    optional={"text": TEXTS | VALUES, "name": TEXTS | VALUES, "input": VALUES, "content": VALUES},
)
CONTENTS = TEXTS | VALUES | st.lists(BLOCKS) | st.lists(BLOCKS | VALUES)
MESSAGES = st.fixed_dictionaries({}, optional={"role": TEXTS | VALUES, "content": CONTENTS, "usage": VALUES})
DOCUMENTS = st.fixed_dictionaries(
    {"_id": st.integers()}, optional={"message": MESSAGES | VALUES, "data": VALUES}
)


@given(st.lists(DOCUMENTS, max_size=8))
def test_generated_messages_are_flattened_as_the_contract_says(documents: list[Document]) -> None:
    assert_as_expected(documents)


def test_real_messages_are_flattened_as_the_contract_says(transcripts: Path) -> None:
    for path in transcripts.rglob("*.jsonl"):
        assert_as_expected(list(entries(path)))


def test_the_samples_messages_are_flattened_as_the_contract_says(project: Path) -> None:
    for path in (project / "clogs" / "samples").rglob("*.jsonl"):
        assert_as_expected(list(entries(path)))


def entries(path: Path) -> Iterator[Document]:
    """The whole lines of a transcript."""
    for line in path.read_bytes().splitlines():
        with suppress(ValueError):
            yield {"_id": 1, **json.loads(line)}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], None),
        (["bare", {"type": "text", "text": "block"}], "bare\nblock"),
        ([{"type": "tool_use", "name": "Bash"}, {"type": "tool_result"}], "[tool_use: Bash]\n[tool_result]"),
        ([{"type": "tool_use"}], "[tool_use: ]"),
        ([{"type": "thinking", "thinking": "…"}, None, 5], None),
        ([{"type": "text", "text": ""}], ""),
        ([{"type": "text"}, {"type": "text", "text": "two\nlines"}], "two\nlines"),
        ([{"type": "text", "text": "a\0b"}], "a\0b"),
        ([{"type": "text", "text": {"odd": 1}}], '{"odd":1}'),
        ([{"type": "text", "text": Code("x")}, Code("y")], "x\ny"),
        ({"odd": [1]}, '{"odd":[1]}'),
        (5, "5"),
        (None, None),
    ],
)
def test_content_becomes_text(content: object, expected: str | None) -> None:
    assert row({"message": {"role": "user", "content": content}})["message_content"] == expected


@pytest.mark.parametrize("value", EVERY_BSON_VALUE.values(), ids=EVERY_BSON_VALUE)
@pytest.mark.parametrize("field", ["_id", "message", "other", *sorted(FIELDS - {"_id", "message"})])
def test_any_bson_value_in_any_field_is_a_row_or_rejected_alone(field: str, value: object) -> None:
    odd = stored({"_id": "odd", field: value})
    good = {"_id": "good", "timestamp": "2026-11-20T08:00:00.123Z", "message": {"content": ["hello"]}}
    rows, rejected = screened([odd, stored(good)], at=NOW)
    assert rows.height + len(rejected) == 2
    assert rows.row(-1) == flattened(good).row(0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {"field": None}),
        (datetime(2026, 1, 1, 0, 0, 0, 5000, UTC), {"field": "2026-01-01T00:00:00.005000Z"}),
        (DatetimeMS(10**15), {"field": {"$date": {"$numberLong": "1000000000000000"}}}),
        (Decimal128("1.50"), {"field": {"$numberDecimal": "1.50"}}),
        (ObjectId(b"a" * 12), {"field": {"$oid": "61" * 12}}),
        (MinKey(), {"field": {"$minKey": 1}}),
        ({"a.b": {"question?": [1]}}, {"field": {"a.b": {"question?": [1]}}}),
    ],
)
def test_fields_without_a_column_are_kept_as_json(value: object, expected: object) -> None:
    assert json.loads(row(stored({"_id": 1, "field": value}))["entry_raw"]) == expected


def test_a_document_is_rejected_with_every_reason_and_the_others_keep_their_order() -> None:
    documents: list[Document] = [
        {"_id": "a"},
        {"_id": "b", "type": ["x"], "timestamp": "yesterday", "isMeta": 2},
        {"_id": "c"},
        {"type": "user"},
    ]
    rows, rejected = screened(documents)
    assert rows["_id"].to_list() == ["a", "c"]
    assert rejected == {
        1: [
            "type is an array, which does not fit a text column",
            "isMeta is a number, which is neither true nor false",
            "timestamp is not an ISO 8601 date and time",
        ],
        3: ["_id is absent"],
    }


def test_an_entry_fills_every_column() -> None:
    entry = {
        "_id": ObjectId(b"a" * 12),
        "type": "user",
        "sessionId": "s",
        "projectId": "p",
        "timestamp": "2026-11-20T08:00:00.123Z",
        "ingestedAt": DatetimeMS(datetime(2026, 11, 20, 9, tzinfo=UTC)),
        "message": {"role": "user", "content": "Hello"},
        "sourceFile": "s.jsonl",
        "uuid": "u",
        "parentUuid": "v",
        "requestId": "r",
        "agentId": "a",
        "isSidechain": False,
        "isMeta": True,
        "cwd": "/src",
        "gitBranch": "main",
        "version": "2.1.0",
        "slug": "rest",
    }
    assert row(entry) == {
        "_id": "61" * 12,
        "type": "user",
        "session_id": "s",
        "project_id": "p",
        "timestamp": datetime(2026, 11, 20, 8, 0, 0, 123_000, UTC),
        "ingested_at": datetime(2026, 11, 20, 9, tzinfo=UTC),
        "extracted_at": NOW,
        "message_role": "user",
        "message_content": "Hello",
        "message_raw": '{"role":"user","content":"Hello"}',
        "source_file": "s.jsonl",
        "date": date(2026, 11, 20),
        "uuid": "u",
        "parent_uuid": "v",
        "request_id": "r",
        "agent_id": "a",
        "is_sidechain": False,
        "is_meta": True,
        "cwd": "/src",
        "git_branch": "main",
        "claude_version": "2.1.0",
        "entry_raw": '{"slug":"rest"}',
    }


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"timestamp": "2026-11-20T23:59:59.999Z", "ingestedAt": DatetimeMS(NOW)}, date(2026, 11, 20)),
        ({"timestamp": "2026-11-20T23:30:00-02:00"}, date(2026, 11, 21)),
        ({"timestamp": "2026-11-20T00:30:00+02:00"}, date(2026, 11, 19)),
        ({"timestamp": "2026-11-20"}, date(2026, 11, 20)),
        (
            {"timestamp": None, "ingestedAt": DatetimeMS(datetime(2026, 11, 19, tzinfo=UTC))},
            date(2026, 11, 19),
        ),
        (
            {"ingestedAt": DatetimeMS(datetime(2026, 11, 19, 1, tzinfo=timezone(timedelta(hours=2))))},
            date(2026, 11, 18),
        ),
        ({}, NOW.date()),
    ],
)
def test_the_date_is_that_of_the_timestamp_else_the_arrival_else_the_extraction(
    document: Document, expected: date
) -> None:
    assert row(document)["date"] == expected


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        (["other"], {"data": {"a": 1, "b": {"c": 2, "d": 3}}, "list": [{"c": 1}]}),
        (["data.b.c", "data.a"], {"other": 0, "data": {"b": {"d": 3}}, "list": [{"c": 1}]}),
        (["data.b", "data.b.c"], {"other": 0, "data": {"a": 1}, "list": [{"c": 1}]}),
        (
            ["absent", "absent.too", "other.x", "list.c"],
            {"other": 0, "data": {"a": 1, "b": {"c": 2, "d": 3}}, "list": [{"c": 1}]},
        ),
    ],
)
def test_excluded_fields_are_dropped_on_arrival(exclude: Sequence[str], expected: object) -> None:
    entry = {"other": 0, "data": {"a": 1, "b": {"c": 2, "d": 3}}, "list": [{"c": 1}]}
    assert json.loads(row(entry, exclude=exclude)["entry_raw"]) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"structuredPatch": [{"lines": [" a", "-b", "+c", "+d"]}, {"lines": ["-e"]}]}, (2, 2)),
        ({"structuredPatch": []}, (0, 0)),
        ({"structuredPatch": [{"lines": ["\\ No newline at end of file", 5, ""]}]}, (0, 0)),
        ({"structuredPatch": [{"oldStart": 1}]}, None),
        ({"structuredPatch": [{"lines": ["+a"]}, None]}, None),
        ({"structuredPatch": "patch"}, None),
        ({"structuredPatch": None}, None),
    ],
)
def test_of_a_patch_only_the_numbers_of_its_lines_are_kept(
    result: Document, expected: tuple[int, int] | None
) -> None:
    found = json.loads(row({"toolUseResult": result | {"type": "update"}})["entry_raw"])
    counts = dict(zip(("added", "removed"), expected, strict=True)) if expected else None
    assert found == {"toolUseResult": {"type": "update", "structuredPatch": counts}}


@pytest.mark.parametrize("result", ["Error: it is gone", [{"type": "text"}], 5])
def test_a_result_that_is_no_object_is_dropped(result: object) -> None:
    assert json.loads(row({"toolUseResult": result, "kept": 1})["entry_raw"]) == {"kept": 1}


def test_no_documents_are_no_rows_of_the_same_columns() -> None:
    nothing = flattened()
    assert nothing.schema == flattened({"_id": 1}).schema
    assert nothing.height == 0


# Single columns

TEXT = Column("type", "text", "type")
FLAG = Column("is_meta", "boolean", "isMeta")
TIMESTAMP = Column("timestamp", "instant", "timestamp")
INGESTED = Column("ingested_at", "instant", "ingestedAt")

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
DATE = DatetimeMS(NEW_YEAR)
NO_INSTANT = "which is not a date and time of the years 1 to 9999"
ODD = "odd"


def converted(column: Column, *values: object) -> tuple[list[Any], dict[int, list[str]]]:
    rows, rejected = screened(
        [{"_id": place, column.field or "": value} for place, value in enumerate(values)]
    )
    found = dict(rows.select("_id", column.name).iter_rows())
    return [found.get(str(place)) for place in range(len(values))], rejected


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
        (INGESTED, "now", "ingestedAt is not an ISO 8601 date and time"),
        (TIMESTAMP, "", "timestamp is not an ISO 8601 date and time"),
        (TIMESTAMP, "2026-13-01T00:00:00Z", "timestamp is not an ISO 8601 date and time"),
        (TIMESTAMP, "2026-01-01T00:00:60Z", "timestamp is not an ISO 8601 date and time"),
        (TIMESTAMP, "0000-01-01T00:00:00Z", "timestamp is not an ISO 8601 date and time"),
        (TIMESTAMP, "+12345-01-01T00:00:00Z", "timestamp is not an ISO 8601 date and time"),
        (TIMESTAMP, "0001-01-01T00:00:00+05:00", "timestamp is out of the years 1 to 9999"),
        (TIMESTAMP, "9999-12-31T23:59:59-05:00", "timestamp is out of the years 1 to 9999"),
    ],
)
def test_a_value_of_another_type_is_rejected(column: Column, value: object, reason: str) -> None:
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
def test_a_rejected_value_harms_no_other(column: Column, good: object, expected: object) -> None:
    values, rejected = converted(column, good, {"odd": 1}, None, good)
    assert values == [expected, None, None, expected]
    assert list(rejected) == [1]


DIGITS = st.text("0123456789", min_size=1, max_size=3)
INSTANTS = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
NEARLY_INSTANTS = st.builds(
    "{}-{}-{}T{}:{}:{}Z".format, st.integers(-1, 12_345), DIGITS, DIGITS, DIGITS, DIGITS, DIGITS
)


USUAL = st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z")
NEARLY_USUAL = st.from_regex(r"\A[0-2]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d\.\d{3}Z\Z")


@given(USUAL | NEARLY_USUAL | INSTANTS | NEARLY_INSTANTS)
@example("2026-01-01T00:00:60.000Z")
@example("0000-01-01T00:00:00.000Z")
@example("2026-02-29T00:00:00.000Z")
def test_a_timestamp_is_what_python_makes_of_it(text: str) -> None:
    try:
        expected = datetime.fromisoformat(text)
    except ValueError:
        assert list(converted(TIMESTAMP, text)[1]) == [0]
    else:
        assert converted(TIMESTAMP, text) == ([expected], {})


@given(INSTANTS | NEARLY_INSTANTS | st.text("0123456789+-.:TZ "))
@example(" 2026-01-01T00:00:00Z")
@example("2026-1-1T0:0:0Z")
@example("2026-01-01T24:00:00Z")
def test_a_timestamp_means_the_same_whatever_stands_beside_it(text: str) -> None:
    alone, reasons = converted(TIMESTAMP, text)
    beside, rejected = converted(TIMESTAMP, text, ODD)
    assert beside == [*alone, None]
    assert rejected.get(0) == reasons.get(0)
