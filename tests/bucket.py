"""A store of objects on the loopback interface, which can fail as real ones do."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.datastructures import Headers
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app


class Cut(Enum):
    """Where a connection breaks."""

    REQUEST = auto()  # in the middle of what it brings
    UNANSWERED = auto()  # when what it asks for has been done
    ANSWER = auto()  # in the middle of it


Fault = Callable[[str, str], int | float | Cut | None]
"""What becomes of a request, by its method and path.

It passes for None, and after as many seconds as a float says. An integer is a status to answer with, a
negative one once the request is carried out.
"""

_DENIED = "<Error><Key>{}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


def no_fault(_method: str, _path: str) -> None:
    """Let every request pass."""


@dataclass
class Bucket:
    """A server with one bucket, ``landing``.

    Attributes:
        url: The bucket's.
        requests: What it was asked since this was emptied.
        fault: How it fails.
        hidden: A part of the names of objects that it does not list yet.
        keeps_all: Whether nobody may delete.
    """

    url: str = "s3://landing"
    requests: list[str] = field(default_factory=list)
    fault: Fault = no_fault
    hidden: str = ""
    keeps_all: bool = False
    port: int = 0
    _app: Any = field(default_factory=lambda: DomainDispatcherApplication(create_backend_app))

    @property
    def environment(self) -> dict[str, str]:
        """What finds and opens it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }

    def empty(self) -> None:
        """Delete every object, and let it be without faults; its variables are in the environment."""
        self.fault, self.hidden, self.keeps_all = no_fault, "", False
        subprocess.run([sys.executable, "-c", _EMPTY, self.environment["AWS_ENDPOINT_URL"]], check=True)
        self.requests.clear()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append(f"{method} {path}")
        if method == "POST" and self.keeps_all:
            denied = "".join(map(_DENIED.format, re.findall("<Key>(.*?)</Key>", _read(environ).decode())))
            return _said(f"<DeleteResult>{denied}</DeleteResult>".encode(), "200 OK", start_response)
        match self.fault(method, path):
            case int(status):
                if status < 0:
                    list(self._app(environ, lambda *_: lambda _: None))
                return _said(b"", f"{abs(status)} Fault", start_response)
            case Cut() as cut:
                return self._broken(cut, environ, start_response)
            case seconds:
                time.sleep(seconds or 0)
                return self._answer(environ, start_response)

    def _broken(self, cut: Cut, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if cut is Cut.REQUEST:
            _read(environ, share=0.5)
            body, status, headers = b"", "200 OK", Headers()
        else:
            parts, status, headers = run_wsgi_app(self._app, environ, buffered=True)
            body = b"".join(parts)
        headers["Content-Length"] = len(body)
        start_response(status, headers.to_wsgi_list())
        if cut is Cut.ANSWER:
            yield body[: len(body) // 2]
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        yield b""

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not (self.hidden and "list-type" in environ["QUERY_STRING"]):
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        body = b"".join(self._app(environ, lambda *_: lambda _: None))
        entries = rf"<Contents>(?:(?!</Contents>).)*{self.hidden}.*?</Contents>"
        body = re.sub(entries.encode(), b"", body, flags=re.DOTALL)
        return _said(body, "200 OK", start_response)


def _read(environ: WSGIEnvironment, share: float = 1) -> bytes:
    """Read what a request brings, or a share of it."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return bytes(environ["wsgi.input"].read(int(length * share)))


def _said(body: bytes, status: str, start_response: StartResponse) -> list[bytes]:
    start_response(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]


_EMPTY = """
import sys
import boto3
bucket = boto3.resource("s3", endpoint_url=sys.argv[1], region_name="us-east-1").Bucket("landing")
bucket.create()
bucket.objects.all().delete()
"""


@contextmanager
def serving_bucket() -> Iterator[Bucket]:
    """Serve one until the end."""
    bucket = Bucket()
    server = make_server("127.0.0.1", 0, bucket, threaded=True)
    bucket.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield bucket
    finally:
        server.shutdown()
