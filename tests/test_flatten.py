"""Documents become rows exactly as the table of messages says, whatever is in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import bson
import msgspec
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
from hypothesis import given
from hypothesis import strategies as st

from clogs.extract.flatten import Flattened, batch_of, flatten
from clogs.mongo import CODEC, decode
from clogs.schema import COLUMNS

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


def flattened(*documents: Document, exclude: Sequence[str] = ()) -> Flattened:
    result = flatten(documents, exclude=exclude)
    return replace(result, frame=batch_of(result.frame, extracted_at=NOW))


def row(document: Document, exclude: Sequence[str] = ()) -> Document:
    return flattened({"_id": "x"} | document, exclude=exclude).frame.row(0, named=True)


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
    frame = flattened(*documents).frame
    messages = frame.select("message_role", "message_content", "message_raw").rows()
    assert messages == [expected_message(document.get("message")) for document in documents]
    others = [{key: value for key, value in each.items() if key not in FIELDS} for each in documents]
    assert [json.loads(entry) for entry in frame["entry_raw"]] == others


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
def test_any_bson_value_in_any_field_is_a_row_or_a_misfit_of_its_own(field: str, value: object) -> None:
    odd = stored({"_id": "odd", field: value})
    good = {"_id": "good", "timestamp": "2026-11-20T08:00:00.123Z", "message": {"content": ["hello"]}}
    both = flattened(odd, stored(good))
    assert both.frame.height + len(both.misfits) == 2
    assert both.frame.row(-1) == flattened(good).frame.row(0)


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


def test_a_misfit_is_told_with_every_reason_and_the_others_keep_their_order() -> None:
    documents: list[Document] = [
        {"_id": "a"},
        {"_id": "b", "type": ["x"], "timestamp": "yesterday", "isMeta": 2},
        {"_id": "c"},
        {"type": "user"},
    ]
    result = flattened(*documents)
    assert result.frame["_id"].to_list() == ["a", "c"]
    assert result.misfits == {
        1: [
            "type is an array, which does not fit a text column",
            "timestamp is no ISO 8601 date and time",
            "isMeta is a number, which is neither true nor false",
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
        (["toolUseResult"], {"data": {"a": 1, "b": {"c": 2, "d": 3}}, "list": [{"c": 1}]}),
        (["data.b.c", "data.a"], {"toolUseResult": 0, "data": {"b": {"d": 3}}, "list": [{"c": 1}]}),
        (["data.b", "data.b.c"], {"toolUseResult": 0, "data": {"a": 1}, "list": [{"c": 1}]}),
        (
            ["absent", "absent.too", "toolUseResult.x", "list.c"],
            {"toolUseResult": 0, "data": {"a": 1, "b": {"c": 2, "d": 3}}, "list": [{"c": 1}]},
        ),
    ],
)
def test_excluded_fields_are_dropped_on_arrival(exclude: Sequence[str], expected: object) -> None:
    entry = {"toolUseResult": 0, "data": {"a": 1, "b": {"c": 2, "d": 3}}, "list": [{"c": 1}]}
    assert json.loads(row(entry, exclude=exclude)["entry_raw"]) == expected


def test_no_documents_are_no_rows_of_the_same_columns() -> None:
    nothing = flattened()
    assert nothing.frame.schema == flattened({"_id": 1}).frame.schema
    assert nothing.frame.height == 0
