"""Objects of a bucket: the one module that imports obstore, and maps its errors to ours.

Credentials are those of the environment, such as ``AWS_ACCESS_KEY_ID``, of the profile that it names, or of
the machine's role.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from clogs.errors import LockedError, UnavailableError

if TYPE_CHECKING:
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az")

_URL = re.compile(rf"({'|'.join(SCHEMES)})://([^/?#\s]+)(?:/([^?#\s]*))?")
_RIGHTS = "that may list, read, write and delete there"
_GUIDE = "docs/how-to/object-storage.md"
_SECONDS = 60
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

    with _errors(path):
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
    with _errors(path):
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
    with _errors(path):
        try:
            found = _store(path.bucket).get(str(path.key))
        except FileNotFoundError as exc:
            if "NoSuchBucket" in str(exc):
                raise
            _last_seen[path] = None
            return None
        _last_seen[path] = found.meta["e_tag"]
        return bytes(found.bytes())


def listed(folder: ObjectPath) -> Iterator[ObjectPath]:
    """All objects whose names begin with a folder's, in no order."""
    with _errors(folder):
        prefix = "" if folder.key == PurePosixPath() else str(folder.key)
        for page in _store(folder.bucket).list(prefix):
            for each in page:
                key = PurePosixPath(each["path"])
                yield ObjectPath(folder.bucket, key, each["size"], each["e_tag"])


def delete(path: ObjectPath) -> None:
    """Delete an object, if it exists."""
    with _errors(path):
        _store(path.bucket).delete(str(path.key))


@cache
def _store(bucket: str) -> ObjectStore:
    from datetime import timedelta

    from obstore.store import from_url

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
def _errors(path: ObjectPath) -> Iterator[None]:
    """Map obstore's errors."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError, PermissionError) as exc:
        reason, hint = _explain(str(exc))
        raise UnavailableError(f"Cannot reach {path}: {reason}.", hint=hint) from exc


def _explain(message: str) -> tuple[str, str]:
    """What an answer says, and what to do; not its text, which may hold what was signed."""
    if "NoSuchBucket" in message:
        return "the bucket does not exist", "Create it, or correct data.raw_dir (DATA_RAW_DIR)."
    status = re.search(r"status code: (\d{3})", message)
    if status and status[1] in {"400", "401", "403"}:
        return f"access is denied ({status[1]})", f"Clogs needs credentials {_RIGHTS}: {_GUIDE}"
    if status:
        return f"the store answers with {status[1]}", "Nothing is lost: run it again."
    if "credential" in message.lower():
        return "there are no credentials", f"Set those of a user {_RIGHTS}: {_GUIDE}"
    return (
        "the store does not answer",
        "Check the network, and AWS_ENDPOINT_URL where the store is not Amazon's. Nothing is lost.",
    )
