"""A store of objects on the loopback interface, which can fail as real ones do."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

Fault = Callable[[str, str], int | None]
"""Of a request's method and path: a status to answer with, or None; a negative one once it is carried out."""


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
    """

    url: str = "s3://landing"
    requests: list[str] = field(default_factory=list)
    fault: Fault = no_fault
    hidden: str = ""
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
        self.fault, self.hidden = no_fault, ""
        subprocess.run([sys.executable, "-c", _EMPTY, self.environment["AWS_ENDPOINT_URL"]], check=True)
        self.requests.clear()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append(f"{method} {path}")
        status = self.fault(method, path)
        if status is None:
            return self._answer(environ, start_response)
        if status < 0:
            list(self._app(environ, lambda *_: lambda _: None))
        start_response(f"{abs(status)} Fault", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not (self.hidden and "list-type" in environ["QUERY_STRING"]):
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        body = b"".join(self._app(environ, lambda *_: lambda _: None))
        entries = rf"<Contents>(?:(?!</Contents>).)*{self.hidden}.*?</Contents>"
        body = re.sub(entries.encode(), b"", body, flags=re.DOTALL)
        start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
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
