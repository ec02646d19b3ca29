"""Who wrote transcripts, and on which machine: no line of theirs says so."""

from __future__ import annotations

import getpass
import platform
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The names that documents get; an empty one is left out."""

    user_name: str
    machine_name: str

    @property
    def fields(self) -> dict[str, str]:
        """The top-level fields of a document."""
        names = {"userName": self.user_name, "machineName": self.machine_name}
        return {field: name for field, name in names.items() if name}


def origin(*, user: str | None = None, machine: str | None = None) -> Origin:
    """Take the names that are given, and for None the login name and the host name."""
    return Origin(
        user_name=_clean(_login_name() if user is None else user),
        machine_name=_clean(platform.node() if machine is None else machine),
    )


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # as in a container whose user has no name
        return ""


def _clean(name: str) -> str:
    # A byte that is not UTF-8 comes as half of a surrogate pair, which BSON cannot hold.
    return name.strip().encode("utf-8", "replace").decode()
