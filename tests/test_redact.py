"""No password and no token gets past ``clogs.redact``."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clogs.redact import hide_addresses, hide_logins, hide_uri, hide_url

CANARY = "s3cret"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mongodb://localhost:27017", "mongodb://localhost:27017"),
        ("mongodb://ann@db.example.com", "mongodb://ann@db.example.com"),
        ("mongodb://ann:s3cret@db.example.com:27017/logs", "mongodb://ann:***@db.example.com:27017/logs"),
        ("mongodb+srv://ann:s3%40cret@db.example.com/", "mongodb+srv://ann:***@db.example.com/"),
        ("mongodb://ann:s3cret@a:1,b:2/?replicaSet=r", "mongodb://ann:***@a:1,b:2/?replicaSet=r"),
        ("mongodb://ann:s3cret@[::1]:27017", "mongodb://ann:***@[::1]:27017"),
        ("mongodb://ann:s3@c/r:et@db", "mongodb://ann:***@db"),
        (
            "mongodb://a/?tls=true&tlsCertificateKeyFilePassword=s3cret",
            "mongodb://a/?tls=true&tlsCertificateKeyFilePassword=***",
        ),
        (
            "mongodb://a/?authMechanismProperties=AWS_SESSION_TOKEN:s3cret",
            "mongodb://a/?authMechanismProperties=***",
        ),
        ("mongodb://a/?tlsCertificateKeyFilePassword=x@s3cret/y", "***"),
        ("mongodb://ann:s3cret", "***"),
        ("postgres://ann:s3cret@db", "***"),
        ("s3cret", "***"),
        ("", "***"),
    ],
)
def test_a_connection_string_shows_all_but_its_secrets(uri: str, expected: str) -> None:
    assert hide_uri(uri) == expected


@given(before=st.text(), after=st.text())
def test_no_part_of_any_password_is_shown(before: str, after: str) -> None:
    assert CANARY not in hide_uri(f"mongodb://ann:{before}{CANARY}{after}@db.example.com/logs?w=1")


@given(before=st.text(), after=st.text())
def test_no_part_of_any_encoded_password_is_shown(before: str, after: str) -> None:
    password = quote(before, safe="") + CANARY + quote(after, safe="")
    expected = "mongodb+srv://ann:***@db.example.com/?w=1"
    assert hide_uri(f"mongodb+srv://ann:{password}@db.example.com/?w=1") == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.example.com/services/T0/s3cret", "https://hooks.example.com/***"),
        ("http://localhost:8080?token=s3cret", "http://localhost:8080/***"),
        ("http://[::1]:8080/s3cret", "http://[::1]:8080/***"),
        ("https://ann:s3cret@hooks.example.com/x", "***"),
        ("https://ann:s3cret", "***"),
        ("s3cret", "***"),
    ],
)
def test_a_web_address_shows_its_host_only(url: str, expected: str) -> None:
    assert hide_url(url) == expected


def test_addresses_where_none_belongs_are_hidden() -> None:
    assert hide_addresses("'mongodb://ann:s3cret@db'") == "'mongodb://***"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "No driver for jdbc:postgresql://ann:s3c@ret@db:5432/lake?user=ann&password=s3cret: refused",
            "No driver for jdbc:postgresql://***@db:5432/lake?user=ann&password=***",
        ),
        ("jdbc:oracle:thin:ann/s3c@ret@//db:1521/x", "jdbc:oracle:thin:***@//db:1521/x"),
        ("jdbc:oracle:thin:@//db:1521/x", "jdbc:oracle:thin:@//db:1521/x"),
        (
            "j://h?client-secret=s3cret&X-Amz-Signature=s3cret&a=b",
            "j://h?client-secret=***&X-Amz-Signature=***&a=b",
        ),
        (
            "j://h?javax.net.ssl.keyStorePassword=s3cret;design=x",
            "j://h?javax.net.ssl.keyStorePassword=***;design=x",
        ),
        (
            "-Dfs.azure.account.key.ann.example=s3cret -Dkeys=2",
            "-Dfs.azure.account.key.ann.example=*** -Dkeys=2",
        ),
        ('-Ddb.password="s3 cret" -Da=b', "-Ddb.password=*** -Da=b"),
        (
            "jdbc:sqlserver://db;user=ann;pwd=s3cret;encrypt=true",
            "jdbc:sqlserver://db;user=ann;pwd=***;encrypt=true",
        ),
        ("AccountName=a;AccountKey=s3c==;EndpointSuffix=b", "AccountName=a;AccountKey=***;EndpointSuffix=b"),
        ("https://a.example.com/?sv=1&sig=s3cret", "https://a.example.com/?sv=1&sig=***"),
        (
            "-Xmx2g -Djavax.net.ssl.keyStorePassword=s3cret -Da=b",
            "-Xmx2g -Djavax.net.ssl.keyStorePassword=*** -Da=b",
        ),
    ],
)
def test_a_text_keeps_its_addresses_without_their_logins(text: str, expected: str) -> None:
    assert hide_logins(text) == expected
