"""BSON becomes documents, errors of the driver become ours, and no password gets out."""

from __future__ import annotations

import json
import socket
import ssl
import traceback
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote
from uuid import UUID, uuid4

import bson
import pytest
import trustme
from bson import Code, DatetimeMS, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import example, given
from hypothesis import strategies as st
from pymongo import errors
from pymongo.collection import Collection
from relay import relay
from replay import Server, replay

from clogs.commands.demo_server import free_port
from clogs.errors import ClogsError, SettingsError, SourceError, TransientSourceError
from clogs.mongo import (
    Address,
    Source,
    connect,
    decode,
    extended_json,
    from_extended_json,
    id_text,
    utc,
)
from clogs.mongo.documents import CODEC, LARGEST_DOCUMENT, split
from clogs.mongo.errors import mapped_errors

Document = dict[str, Any]

CANARY = "s3cret"


@pytest.fixture(scope="module")
def free_address() -> str:
    return f"127.0.0.1:{free_port()}"


def encoded(document: Document) -> bytes:
    return bson.encode(document, codec_options=CODEC)


# Bytes


BSON_VALUES = [
    "é\0👩‍🚀",
    Int64(2**40),
    DatetimeMS(datetime(2026, 1, 1, tzinfo=UTC)),
    DatetimeMS(10**15),
    DatetimeMS(-(10**15)),
    Decimal128("1.50"),
    UUID(int=5),
    Regex("a", "i"),
    Timestamp(5, 1),
    MinKey(),
    MaxKey(),
    Code("x", {"a": 1}),
    b"\x00\xff",
    {"a.b": [{"": None}]},
]


@pytest.mark.parametrize("value", BSON_VALUES)
def test_any_bson_value_is_decoded(value: object) -> None:
    assert decode(encoded({"_id": 1, "value": value})) == {"_id": 1, "value": value}


def test_invalid_utf8_is_replaced() -> None:
    assert decode(encoded({"text": "ab"}).replace(b"ab", b"a\xff")) == {"text": "a\ufffd"}


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x05\0\0\0", encoded({"a": 1})[:-1], encoded({"a": 1}).replace(b"\x10", b"\x7e")],
    ids=["empty", "cut short", "without its end", "unknown type"],
)
def test_what_is_no_bson_is_told_as_such(raw: bytes) -> None:
    reason = decode(raw)
    assert isinstance(reason, str)
    assert reason.startswith("invalid BSON: ")


# Extended JSON


@pytest.mark.parametrize("value", BSON_VALUES)
def test_extended_json_is_read_back_as_bson_is_decoded(value: object) -> None:
    document = {"_id": 1, "value": value, "text": 'é\0👩‍🚀"'}
    assert from_extended_json(extended_json(document)) == document


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        '{"a": {"$binary": {}}}',
        '{"a": {"$date": "never"}}',
        '{"a": {"$numberDecimal": "x"}}',
        '{"a": {"$oid": "short"}}',
        '{"a": {"$date": {"$numberLong": 1e999}}}',
        '{"a": {"$symbol": {"$undefined": []}}}{',
    ],
    ids=lambda text: text[:30],
)
def test_what_is_no_extended_json_is_told_as_such(text: str) -> None:
    assert str(from_extended_json(text)).startswith("invalid Extended JSON: ")


@pytest.mark.parametrize("text", ["[]", "5", '{"$oid": "0123456789abcdef01234567"}'])
def test_extended_json_of_something_else_is_no_document(text: str) -> None:
    assert from_extended_json(text) == "invalid Extended JSON: no object"


@given(st.lists(st.dictionaries(st.text("abc"), st.integers(0, 9) | st.text())))
def test_a_batch_is_split_into_its_documents(documents: list[Document]) -> None:
    batch = b"".join(map(encoded, documents))
    assert [decode(raw) for raw in split(batch)] == documents


# Ids

OTHER_IDS = st.one_of(
    st.binary(max_size=12),
    st.booleans(),
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.uuids(),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.datetimes(timezones=st.just(UTC)).map(utc),
    st.integers(-(2**62), 2**62).map(DatetimeMS),
    st.dictionaries(st.text(), st.integers() | st.text()),
    st.text().map(Code),
    st.text("ab").map(Regex),
)


@given(OTHER_IDS)
def test_no_string_is_taken_for_an_id_of_another_type(identity: object) -> None:
    text = id_text(identity)
    assert id_text(text) != text


@given(st.text())
@example("61" * 12)
@example("true")
@example('"true"')
@example("-1.5e+300")
@example("{}")
def test_a_string_is_itself_or_quoted_so_that_no_two_are_the_same(identity: str) -> None:
    assert id_text(identity) in (identity, json.dumps(identity, ensure_ascii=False))
    assert id_text(id_text(identity)) in (identity, json.dumps(id_text(identity), ensure_ascii=False))


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        (ObjectId(b"a" * 12), "61" * 12),
        ("61" * 12, f'"{"61" * 12}"'),
        ("session-1", "session-1"),
        ("", ""),
        ("5", '"5"'),
        (5, "5"),
        ("null", '"null"'),
        (None, "null"),
        ({"file": "é", "line": 3}, '{"file": "é", "line": 3}'),
        (UUID(int=5), '{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAABQ==", "subType": "04"}}'),
        (Code("x"), '{"$code": "x"}'),
    ],
)
def test_an_id_is_written_as(identity: object, text: str) -> None:
    assert id_text(identity) == text


def test_moments_are_cut_to_what_a_bson_date_holds() -> None:
    moment = utc(datetime(2026, 1, 1, 12, 0, 0, 123_999, tzinfo=UTC))
    assert decode(encoded({"at": moment})) == {"at": DatetimeMS(moment)}


# Connections and errors


@pytest.mark.parametrize(
    ("uri", "hosts"),
    [
        ("mongodb://localhost:27017", "localhost:27017"),
        ("mongodb://ann:s3cret@a:1,b:2/?replicaSet=r", "a:1,b:2"),
        ("mongodb+srv://ann:s3%40cret@db.example.com/logs", "db.example.com"),
        ("mongodb://ann:s3@cret@[::1]:27017", "[::1]:27017"),
        ("mongodb://ann:1#s3cret@db", "db"),
        ("mongodb://[::1", "[::1"),
        ("", ""),
    ],
)
def test_the_hosts_are_told_without_the_secrets(uri: str, hosts: str) -> None:
    assert Address(uri, "logs", "x").hosts == hosts


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "localhost:27017",
        "http://localhost",
        "mongodb://",
        "mongodb://[::1",
        "mongodb://localhost:99999",
        f"mongodb://ann:{CANARY}%zz@localhost",
        f"mongodb://ann:12/{CANARY}@localhost",
        f"mongodb://ann:12?{CANARY}=1@localhost",
    ],
)
def test_a_malformed_uri_is_a_fault_of_the_settings(uri: str) -> None:
    error = error_of(uri)
    assert isinstance(error, SettingsError)
    assert CANARY not in told(error)


@pytest.mark.parametrize(
    ("options", "ignored"),
    [
        ("retryWritess=true", "retryWritess"),
        ("compressors=snappy&appName=x", "compressors"),
        (
            f"zlibCompressionLevel=77&authMechanismProperties={CANARY}:1",
            "zlibCompressionLevel, authMechanismProp",
        ),
    ],
)
def test_options_that_the_driver_ignores_are_named(
    free_address: str, options: str, ignored: str, caplog: pytest.LogCaptureFixture
) -> None:
    error_of(f"mongodb://{free_address}/?serverSelectionTimeoutMS=1&{options}")
    assert ignored in caplog.text
    assert "appName" not in caplog.text
    assert CANARY not in caplog.text


def test_a_certificate_that_is_not_there_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    error = error_of(f"mongodb://localhost/?tls=true&tlsCAFile={tmp_path}/ca.pem")
    assert isinstance(error, SettingsError)
    told = error.message.removeprefix("mongo.uri names a file that cannot be used: ").strip()
    # pymongo 4.20.0 tells the file, 4.20.1 and later the option.
    assert told in {f"{tmp_path}/ca.pem No such file or directory.", "The tlscafile file is not readable."}


def test_a_server_that_is_not_there_is_worth_a_retry(free_address: str) -> None:
    error = error_of(f"mongodb://ann:{CANARY}@{free_address}/?serverSelectionTimeoutMS=1")
    assert isinstance(error, TransientSourceError)
    assert CANARY not in told(error)
    assert error.message == (f"MongoDB at {free_address} does not answer: [Errno 111] Connection refused.")


@pytest.mark.parametrize("password", ["1/{}", "1?{}=1", "1#{}", "%{}", "@:/{}@", "{}:{}", "{}@{}", "\0{}\n"])
def test_no_password_is_told_though_it_is_not_encoded(password: str, free_address: str) -> None:
    login = f"ann:{password.replace('{}', CANARY)}"
    error = error_of(f"mongodb://{login}@{free_address}/?serverSelectionTimeoutMS=1")
    assert CANARY not in told(error)


@given(before=st.text(), after=st.text())
def test_the_hosts_hold_no_part_of_a_password(before: str, after: str) -> None:
    password = quote(before, safe="") + CANARY + quote(after, safe="")
    address = Address(f"mongodb+srv://ann:{password}@db.example.com/?w=1", "logs", "x")
    assert address.hosts == "db.example.com"


@pytest.mark.parametrize(
    ("raised", "expected", "message"),
    [
        (errors.AutoReconnect("gone"), TransientSourceError, "does not answer: gone."),
        (errors.NetworkTimeout("slow"), TransientSourceError, "does not answer: slow."),
        (errors.NotPrimaryError("election"), TransientSourceError, "has no primary just now."),
        (errors.ServerSelectionTimeoutError("a, Timeout: 5s"), TransientSourceError, "does not answer: a."),
        (errors.WaitQueueTimeoutError("full"), TransientSourceError, "does not answer: full."),
        (errors.CursorNotFound("lost", 43), TransientSourceError, "lost the cursor of a read."),
        (errors.OperationFailure("no", 18), SourceError, "refuses the user or the password."),
        (errors.OperationFailure("no", 13), SourceError, "does not allow this user: no"),
        (errors.OperationFailure("bad query", 2), SourceError, "failed: bad query"),
        (errors.ExecutionTimeout("too long", 50), SourceError, "failed: too long"),
        (errors.WriteError("full", 1), SourceError, "failed: full"),
        (errors.WTimeoutError("slow", 64), SourceError, "failed: slow"),
        (errors.ConfigurationError("odd\nmore"), SourceError, "cannot be used: odd."),
        (errors.InvalidOperation("closed"), SourceError, "cannot be used: closed."),
        (errors.InvalidName("a..b"), SourceError, "cannot be used: a..b."),
        (errors.EncryptionError(ValueError("key")), SourceError, "cannot be used: key."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_of_the_driver_becomes_ours(
    raised: errors.PyMongoError, expected: type[ClogsError], message: str
) -> None:
    with pytest.raises(ClogsError) as caught, mapped_errors("logs at db"):
        raise raised
    assert type(caught.value) is expected
    assert caught.value.message.startswith(f"MongoDB at logs at db {message}")
    assert caught.value.hint
    assert caught.value.__cause__ is raised


def test_a_write_that_may_be_repeated_is_worth_a_retry() -> None:
    election = errors.OperationFailure("election", 1, {"errorLabels": ["RetryableWriteError"]})
    with pytest.raises(TransientSourceError), mapped_errors("db"):
        raise election


def error_of(uri: str) -> ClogsError:
    """The error of connecting to a URI that cannot work."""
    with pytest.raises(ClogsError) as caught, connect(Address(uri, "logs", "conversations")):
        pass
    return caught.value


def told(error: ClogsError) -> str:
    """All that anyone may see of an error: its texts, and the traceback with those of its causes."""
    return f"{error.hint} {''.join(traceback.format_exception(error))}"


# A real server


@pytest.fixture
def source(mongo_uri: str, collection: Collection[Document]) -> Iterator[Source]:
    with connect(Address(mongo_uri, collection.database.name, collection.name)) as connected:
        yield connected


def replies(source: Source, *, limit: int = 0, exclude: Sequence[str] = ()) -> list[list[Document]]:
    reading = source.read(source.whole(), exclude=exclude, batch_size=2, limit=limit)
    found = iter(reading.next_reply, None)
    return [[each for each in reply.documents if isinstance(each, dict)] for reply in found]


def read(source: Source, *, limit: int = 0, exclude: Sequence[str] = ()) -> list[Document]:
    return [each for documents in replies(source, limit=limit, exclude=exclude) for each in documents]


def test_a_source_is_named_without_its_credentials(mongo_uri: str, source: Source) -> None:
    assert source.name.endswith(f" at {mongo_uri.removeprefix('mongodb://')}")


def test_documents_come_in_batches(collection: Collection[Document], source: Source) -> None:
    documents = [{"_id": number, "text": "x", "heavy": "y"} for number in range(5)]
    collection.insert_many(documents)
    assert read(source) == documents
    assert read(source, limit=3) == documents[:3]
    assert read(source, exclude=["heavy"]) == [{"_id": number, "text": "x"} for number in range(5)]
    assert [len(documents) for documents in replies(source)] == [2, 2, 1]


def test_documents_are_counted(collection: Collection[Document], source: Source) -> None:
    collection.insert_many([{"n": 1}, {"n": 1}, {"n": 2}])
    assert source.count({}) == 3
    assert source.count({"n": 1}) == 2
    assert source.count({"n": 1}, limit=1) == 1


@pytest.mark.parametrize(
    "id_of",
    [str, int, lambda number: UUID(int=number), lambda number: ObjectId(number.to_bytes(12))],
    ids=["texts", "numbers", "UUIDs", "ObjectIds"],
)
def test_ids_of_any_type_are_cut_into_ranges_that_hold_each_document_once(
    collection: Collection[Document], source: Source, id_of: Callable[[int], object]
) -> None:
    ids = [id_of(number) for number in range(1, 401)]
    collection.with_options(CODEC).insert_many({"_id": each} for each in ids)
    ranges = source.split(4)
    found = [list(chain.from_iterable(source.ids(each))) for each in ranges]
    assert len(ranges) == 4
    assert min(map(len, found)) > 20
    assert sorted(chain.from_iterable(found), key=str) == sorted(ids, key=str)


def test_a_range_lies_on_one_shard(collection: Collection[Document], source: Source) -> None:
    collection.insert_many({"_id": f"{number:03}"} for number in range(400))
    name, uuid = collection.full_name, uuid4()
    cluster = collection.database.client.get_database("config", CODEC)
    cluster["collections"].insert_one({"_id": name, "uuid": uuid, "key": {"_id": 1}})
    bounds = [MinKey(), "150", "151", MaxKey()]
    cluster["chunks"].insert_many(
        {"uuid": uuid, "min": {"_id": first}, "max": {"_id": last}, "shard": str(place)}
        for place, (first, last) in enumerate(pairwise(bounds))
    )
    ranges = source.split(2)
    cluster["collections"].delete_one({"_id": name})
    cluster["chunks"].delete_many({})
    starts = [each.start for each in ranges]
    assert {"150", "151"} < set(starts)
    assert starts == [None, *sorted(starts[1:])]


def test_a_collection_that_is_not_there_is_told_from_an_empty_one(
    collection: Collection[Document], source: Source
) -> None:
    assert not source.exists()
    assert source.is_empty()
    collection.insert_one({"_id": 1})
    assert source.exists()
    assert not source.is_empty()
    collection.delete_one({"_id": 1})
    assert source.exists()
    assert source.is_empty()


def test_a_document_is_inserted_once(collection: Collection[Document], source: Source) -> None:
    assert source.insert_absent([{"_id": 1}, {"_id": 2}]) == (2, [])
    assert source.insert_absent([{"_id": 2}, {"_id": 3}, {"_id": 3}]) == (1, [])
    assert source.insert_absent([]) == (0, [])
    assert collection.count_documents({}) == 3


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"_id": 2, "n": 2**64}, "cannot be stored as BSON: MongoDB can only handle up to 8-byte ints"),
        ({"_id": 2, "a\0b": 1}, "cannot be stored as BSON: "),
        ({"_id": 2, "text": "\ud800"}, "cannot be stored as BSON: "),
        ({"_id": 2, "text": "x" * LARGEST_DOCUMENT}, "is 16,777,241 bytes of BSON, MongoDB takes 16 MiB"),
    ],
    ids=["a number too large", "NUL in a name", "a lone surrogate", "a document too large"],
)
def test_a_document_that_cannot_be_stored_harms_no_other(
    collection: Collection[Document], source: Source, document: Document, reason: str
) -> None:
    inserted, refused = source.insert_absent([{"_id": 1}, document, {"_id": 3}])
    assert inserted == 2
    assert [each.index for each in refused] == [1]
    assert refused[0].reason.startswith(reason)
    assert [each["_id"] for each in collection.find()] == [1, 3]


# Ways to a server


@pytest.fixture
def secondary() -> Iterator[Server]:
    """A secondary of a replica set whose primary cannot be reached."""
    documents = [bson.encode({"_id": number, "at": datetime(2026, 1, 1, tzinfo=UTC)}) for number in range(3)]
    with replay(documents, field="at") as running:
        running.hello |= {
            "isWritablePrimary": False,
            "ismaster": False,
            "secondary": True,
            "setName": "rs",
            "hosts": [running.uri.removeprefix("mongodb://")],
        }
        yield running


@pytest.mark.parametrize("options", ["replicaSet=rs&readPreference=secondary", "directConnection=true"])
def test_a_secondary_is_enough(secondary: Server, options: str) -> None:
    with connect(Address(f"{secondary.uri}/?{options}", "logs", "conversations")) as source:
        assert source.exists()
        assert source.is_indexed("at")
        assert (source.count({}), source.estimated_count()) == (3, 3)
        assert len(read(source)) == 3


def test_a_secondary_is_not_asked_unless_the_uri_allows_it(secondary: Server) -> None:
    error = error_of(f"{secondary.uri}/?replicaSet=rs&serverSelectionTimeoutMS=100")
    assert isinstance(error, TransientSourceError)


@pytest.fixture
def tls_address(mongo_uri: str, collection: Collection[Document], tmp_path: Path) -> Iterator[str]:
    """The address of a relay to the server that speaks TLS; ``ca.pem`` in ``tmp_path`` vouches for it."""
    collection.insert_one({"_id": 1})
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with relay(mongo_uri, tls=context) as running:
        yield f"localhost:{running.server_address[1]}"


def test_tls_works_through_the_uri(
    tls_address: str, collection: Collection[Document], tmp_path: Path
) -> None:
    uri = f"mongodb://{tls_address}/?tls=true&tlsCAFile={tmp_path}/ca.pem"
    with connect(Address(uri, collection.database.name, collection.name)) as source:
        assert read(source) == [{"_id": 1}]


def test_a_certificate_that_nobody_vouches_for_is_not_waited_for(tls_address: str) -> None:
    error = error_of(f"mongodb://{tls_address}/?tls=true&serverSelectionTimeoutMS=500")
    assert type(error) is SourceError
    assert "CERTIFICATE_VERIFY_FAILED" in error.message


def test_a_host_that_is_not_there_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: object, **_options: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = error_of("mongodb://nowhere.invalid/?serverSelectionTimeoutMS=500")
    assert type(error) is SourceError
