"""Objects of a bucket as files of fsspec, by which DuckDB reads the views that name them."""

from __future__ import annotations

from functools import cache
from pathlib import PurePosixPath
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from clogs.landing import objects
from clogs.landing.objects import ObjectPath


class ObjectFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """An object, of which parts are read."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        return objects.read_range(_place(self.path), start, end)


class ObjectFiles(AbstractFileSystem):  # type: ignore[misc]
    """The objects of all buckets of a scheme, ``s3``; none of them may ever change."""

    def __init__(self, scheme: str) -> None:
        super().__init__()
        self.protocol = scheme

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path

    @cache  # noqa: B019  # DuckDB asks again and again, and a process has one of each scheme
    def info(self, path: str) -> dict[str, Any]:
        """Size in bytes, and when it was last modified."""
        return {"name": path, "type": "file", **objects.properties_of(_place(path))}

    def modified(self, path: str) -> object:
        """When it was last modified."""
        return self.info(path)["last_modified"]

    def glob(self, path: str) -> list[str]:
        """The path itself: views name single files."""
        return [path]

    def _open(self, path: str, *_: object, **__: object) -> ObjectFile:
        return ObjectFile(self, path, size=self.info(path)["size"], cache_type="none")


def _place(url: str) -> ObjectPath:
    """The place of any URL: unlike those of the settings, a key may hold ``?``, ``#`` or a space."""
    scheme, _, place = url.partition("://")
    bucket, _, key = place.partition("/")
    return ObjectPath(f"{scheme}://{bucket}", PurePosixPath(key))
