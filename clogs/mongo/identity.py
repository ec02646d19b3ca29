"""Where a collection is, and which one it is, however its server is reached."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import msgspec

DEFAULT_PORT = 27017


@dataclass(frozen=True, slots=True)
class Address:
    """Where a collection is."""

    uri: str = field(repr=False)  # it can hold the password, so it is never shown
    db: str
    collection: str

    @property
    def hosts(self) -> str:
        """The hosts of the URI, without the user, the password and the options."""
        return re.split("[/?]", self.uri.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]

    @property
    def name(self) -> str:
        """Hosts, database and collection, without user and password."""
        return f"{self.namespace} at {self.hosts}"

    @property
    def namespace(self) -> str:
        """Database and collection."""
        return f"{self.db}.{self.collection}"

    @property
    def has_user(self) -> bool:
        """Whether the URI names a user."""
        return "@" in self.uri


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a collection and its deployment are known by; None is what the server did not say."""

    replica_set: str | None
    uuid: str | None
    hosts: tuple[str, ...]

    def is_same(self, other: Identity) -> bool | None:
        """Return whether both are one collection of the same name, or None where nothing says so.

        The UUID decides, then the replica set, then a host in common. Who may only read the collection is
        not told its UUID.
        """
        for mine, others in ((self.uuid, other.uuid), (self.replica_set, other.replica_set)):
            if mine and others:
                return mine == others
        return True if set(self.hosts) & set(other.hosts) else None


def hosts_of(hosts: str) -> tuple[str, ...]:
    """The hosts of a URI, each written in one way."""
    lowered = [each.lower() for each in hosts.split(",")]
    named = (each if ":" in each.rpartition("]")[2] else f"{each}:{DEFAULT_PORT}" for each in lowered)
    return tuple(sorted(each.replace("localhost:", "127.0.0.1:") for each in named))
