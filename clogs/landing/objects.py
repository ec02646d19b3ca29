"""Objects of a bucket: the one module that imports obstore, and maps its errors to ours.

Credentials are those of the environment, such as ``AWS_ACCESS_KEY_ID``, of the profile that it names, or of
the machine's role.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from clogs.errors import LockedError, SilentBucketError, UnavailableError

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import ObjectStore

T = TypeVar("T")
SCHEMES = ("s3", "gs", "az")

_URL = re.compile(rf"({'|'.join(SCHEMES)})://([^/?#\s]+)(?:/([^?#\s]*))?")
_RIGHTS = "that may list, read, write and delete there"
_GUIDE = "docs/how-to/object-storage.md"
_NETWORK = "Check the network, and AWS_ENDPOINT_URL where the store is not Amazon's. Nothing is lost."
_TIMEOUTS = {"s3": "AWS_TIMEOUT", "gs": "GOOGLE_TIMEOUT", "az": "AZURE_TIMEOUT"}
"""The variables that say how long a request may take, with all that it sends and gets."""
_TIMEOUT = "2m"
"""The default: obstore's own 30 seconds are too short for 64 MB on a line of 10 Mbit/s."""
_SECONDS = 180
"""How long a request may be repeated, all in all."""

_last_seen: dict[ObjectPath, str | None] = {}
"""The ETags of objects as this process has last read or written them; None for one that did not exist."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectPath:
    """The place of an object, or what the names of objects begin with, as of a folder.

    Attributes:
        bucket: With its scheme, ``s3://bucket``.
        key: What follows.
        bytes: Its size, where it was listed or written.
        etag: Its ETag then.
    """

    bucket: str
    key: PurePosixPath
    bytes: int = field(default=0, compare=False)
    etag: str | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, url: str) -> ObjectPath | None:
        """Read a URL; None where it is none of an object store."""
        found = _URL.fullmatch(url)
        return cls(f"{found[1]}://{found[2]}", PurePosixPath(found[3] or "")) if found else None

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.name

    @property
    def parent(self) -> ObjectPath:
        """What the key begins with, without its last part."""
        return ObjectPath(self.bucket, self.key.parent)

    def __truediv__(self, name: str) -> ObjectPath:
        return ObjectPath(self.bucket, self.key / name)

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}"

    def relative_to(self, other: ObjectPath) -> PurePosixPath:
        """The part of the key after another."""
        return self.key.relative_to(other.key)


def put(path: ObjectPath, content: bytes) -> ObjectPath:
    """Write an object that does not exist; one of this name stays: what it holds, its name says."""
    from obstore.exceptions import AlreadyExistsError

    with errors(path):
        try:
            etag = _store(path.bucket).put(str(path.key), content, mode="create")["e_tag"]
        except AlreadyExistsError:  # a request that was answered too late, and repeated
            etag = None
    return ObjectPath(path.bucket, path.key, len(content), etag)


def replace(path: ObjectPath, content: bytes) -> None:
    """Write an object that is still as this process has last read or written it.

    Raises:
        LockedError: It is not.
    """
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    etag = _last_seen.get(path)
    with errors(path):
        try:
            written = _store(path.bucket).put(
                str(path.key), content, mode={"e_tag": etag} if etag else "create"
            )
        except (AlreadyExistsError, PreconditionError):
            if read(path) != content:  # else a request that was answered too late, and repeated
                raise LockedError(
                    f"Another machine has written {path} since this run began.",
                    hint="Let one machine at a time extract into it. Nothing is lost: run it again.",
                ) from None
        else:
            _last_seen[path] = written["e_tag"]


def read(path: ObjectPath) -> bytes | None:
    """Read an object; None where it does not exist."""
    with errors(path):
        try:
            found = _whole(lambda: _store(path.bucket).get(str(path.key)))
        except FileNotFoundError as exc:
            if "NoSuchBucket" in str(exc):
                raise
            _last_seen[path] = None
            return None
        _last_seen[path] = found.meta["e_tag"]
        return bytes(found.bytes())


def read_range(path: ObjectPath, start: int, end: int) -> bytes:
    """Read the bytes of an object from one place to before another."""
    with errors(path):
        return _whole(lambda: bytes(_store(path.bucket).get_range(str(path.key), start=start, end=end)))


def properties_of(path: ObjectPath) -> ObjectMeta:
    """Ask for the size and the time of an object."""
    with errors(path):
        return _whole(lambda: _store(path.bucket).head(str(path.key)))


def listed(folder: ObjectPath) -> Iterator[ObjectPath]:
    """All objects whose names begin with a folder's, in no order."""
    for each in _list(folder):
        yield ObjectPath(folder.bucket, PurePosixPath(each["path"]), each["size"], each["e_tag"])


def delete(path: ObjectPath) -> None:
    """Delete an object, if it exists."""
    with errors(path):
        _whole(lambda: _store(path.bucket).delete(str(path.key)))


def move(path: ObjectPath, target: ObjectPath) -> None:
    """Let an object have another name in its bucket; killed, it has both."""
    with errors(path):
        _whole(lambda: _store(path.bucket).copy(str(path.key), str(target.key)))
    delete(path)


def timeout_of(bucket: str) -> str:
    """How long a request may take, as obstore and Polars read it: 30s, 2m."""
    return os.environ.get(_TIMEOUTS[bucket.partition(":")[0]], _TIMEOUT)


def _list(folder: ObjectPath) -> list[ObjectMeta]:
    prefix = "" if folder.key == PurePosixPath() else str(folder.key)
    with errors(folder):
        return _whole(lambda: [each for page in _store(folder.bucket).list(prefix) for each in page])


def _whole(request: Callable[[], T]) -> T:
    """Ask again where an answer breaks off: obstore itself repeats a request after every other fault."""
    from obstore.exceptions import GenericError

    try:
        return request()
    except GenericError as exc:
        if "response body" not in str(exc):
            raise
    return request()


@cache
def _store(bucket: str) -> ObjectStore:
    from datetime import timedelta

    from obstore.store import from_url

    # as a variable: options given here would take the place of all that it reads from others
    os.environ[_TIMEOUTS[bucket.partition(":")[0]]] = timeout_of(bucket)
    of_profile = bucket.startswith("s3:") and os.environ.get("AWS_PROFILE")
    return from_url(
        bucket,
        retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=_SECONDS)},
        credential_provider=_of_profile() if of_profile else None,
    )


def _of_profile() -> Boto3CredentialProvider:
    """Read the profile that the environment names, which obstore leaves to Amazon's own library."""
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError as exc:
        raise UnavailableError(
            "AWS_PROFILE is set, but boto3, which reads profiles, is not installed.",
            hint="pipx inject clogs boto3",
        ) from exc
    return Boto3CredentialProvider()


@contextmanager
def errors(path: ObjectPath) -> Iterator[None]:
    """Map the errors of obstore, and those of Polars where it reads objects itself."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, OSError) as exc:
        raise _mapped(path, "kind: Timeout" if isinstance(exc, TimeoutError) else str(exc)) from exc


def _mapped(path: ObjectPath, message: str) -> UnavailableError:
    """What an answer says, and what to do; not its text, which may hold what was signed."""
    kind: type[UnavailableError] = UnavailableError
    status = re.search(r"(?:status |\()code: (\w+)", message)  # in brackets that of one deletion of several
    if "NoSuchBucket" in message:
        reason, hint = "the bucket does not exist", "Create it, or correct data.raw_dir (DATA_RAW_DIR)."
    elif status and status[1] in {"400", "401", "403", "AccessDenied"}:
        reason, hint = f"access is denied ({status[1]})", f"Clogs needs credentials {_RIGHTS}: {_GUIDE}"
    elif status:
        kind = SilentBucketError if status[1].startswith("5") else UnavailableError
        reason, hint = f"the store answers with {status[1]}", "Nothing is lost: run it again."
    elif "credential" in message.lower():
        reason, hint = "there are no credentials", f"Set those of a user {_RIGHTS}: {_GUIDE}"
    elif "Config error" in message:
        reason, hint = "a variable that configures it has a wrong value", f"Correct it: {_GUIDE}"
    else:
        kind = SilentBucketError
        reason, hint = "the store does not answer", _NETWORK
        if "kind: Timeout" in message:
            reason, hint = f"{reason} in time", f"Nothing is lost. On a slow line, wait longer: {_GUIDE}"
    return kind(f"Cannot reach {path}: {reason}.", hint=hint)
