"""Connections."""

from __future__ import annotations

import copyreg
import logging
import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from functools import cache, partial
from typing import Any

from pymongo import MongoClient, errors
from pymongo.uri_parser import parse_uri

from clogs.errors import SettingsError
from clogs.mongo.documents import CODEC, Document
from clogs.mongo.errors import mapped_errors, retrying, too_old
from clogs.mongo.identity import Address
from clogs.mongo.source import Source
from clogs.terminal.text import join_limited

ANSWER_TIMEOUT_MS = 4_000
"""How long the first answer may take, unless the URI says otherwise (``serverSelectionTimeoutMS``)."""

WIRE_VERSION_4_4 = 9

logger = logging.getLogger(__name__)

_PLAUSIBLE_URI = re.compile(r"(?s)mongodb(\+srv)?://[^/?]+(/[^@?]*)?(\?[^@]*)?")
"""Rejects a password with a bare slash or question mark: the driver would take its beginning for a host."""


@contextmanager
def connect(address: Address, *, retry_delays: Sequence[timedelta] = ()) -> Iterator[Source]:
    """Connect to a collection and wait for the server's first answer; see `Source` for ``retry_delays``.

    Raises:
        SettingsError: The URI is malformed.
        TransientSourceError: No server answers.
        SourceError: No such host, or it refuses the user, or is older than MongoDB 4.4.
    """
    with mapped_errors(address.hosts, has_user=address.has_user):
        client = _client(address.uri)
    if ignored := _ignored_options(address.uri):
        reason = "They are unknown, have a wrong value, or need a library that is not installed."
        logger.warning("Options of mongo.uri are ignored: %s. %s", join_limited(ignored), reason)
    with client:
        with mapped_errors(address.hosts, has_user=address.has_user):
            answer, round_trip = _first_answer(client, address.hosts)
        yield Source(
            client[address.db].get_collection(address.collection, CODEC),
            address,
            round_trip=round_trip,
            replica_set=answer.get("setName"),
            retry_delays=retry_delays,
        )


_connections = ExitStack()


def _parts(source: Source) -> tuple[Callable[..., Source], tuple[Address, tuple[timedelta, ...]]]:
    """How another process gets the source."""
    return _connected, (source.address, source.retry_delays)


copyreg.pickle(Source, _parts)


@cache
def _connected(address: Address, retry_delays: tuple[timedelta, ...]) -> Source:
    open_ = partial(connect, address, retry_delays=retry_delays)
    return retrying(retry_delays)(lambda: _connections.enter_context(open_()))


def _client(uri: str) -> MongoClient[Document]:
    if not _PLAUSIBLE_URI.fullmatch(uri):
        raise errors.InvalidURI
    timeout = {"serverSelectionTimeoutMS": ANSWER_TIMEOUT_MS}
    options: dict[str, Any] = {} if "serverselectiontimeoutms" in uri.lower() else timeout
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # `_ignored_options` names them
            return MongoClient(uri, appname="clogs", **options)
    except ValueError as exc:
        raise errors.InvalidURI from exc
    except OSError as exc:
        raise SettingsError(
            f"mongo.uri names a file that cannot be used: {exc.filename or ''} {exc.strerror}.",
            hint="Check its tlsCAFile and tlsCertificateKeyFile options.",
        ) from exc


def _ignored_options(uri: str) -> list[str]:
    """The options of a URI that the driver ignores, for it only warns about them, and not always by name."""
    ignored = []
    for option in re.split("[&;]", uri.partition("?")[2]):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            with suppress(errors.PyMongoError, ValueError, OSError):  # the client has raised it
                parse_uri(f"mongodb://localhost/?{option}", warn=True)
        if any(issubclass(each.category, UserWarning) for each in caught):
            ignored.append(option.partition("=")[0])
    return ignored


def _first_answer(client: MongoClient[Document], hosts: str) -> tuple[Document, float]:
    """Wait until a server says what it is, and take the time of a second question to it, in seconds."""
    # every version knows this command by its old name
    hello = partial(client.admin.command, "isMaster", read_preference=client.read_preference)
    answer = hello()
    if answer.get("maxWireVersion", WIRE_VERSION_4_4) < WIRE_VERSION_4_4:
        raise too_old(hosts)
    asked = time.perf_counter()
    hello()
    return answer, time.perf_counter() - asked
