"""A relay in front of a server, to encrypt a connection or to cut it."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Relay(socketserver.ThreadingTCPServer):
    """Passes on what clients and the server say, on a free port of the loopback interface.

    Args:
        upstream: The server's URI.
        cut_after: Bytes of answers after which a connection is cut, once; None for never.
        tls: How to speak with clients; None for in the open.
    """

    daemon_threads = True

    def __init__(self, upstream: str, cut_after: int | None, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Relayed)
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "", parts.port or 27017)
        self.bytes_left = cut_after
        self.tls = tls


class _Relayed(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(self.server.upstream) as upstream:
            tls = self.server.tls
            with tls.wrap_socket(self.request, server_side=True) if tls else self.request as client:
                threading.Thread(target=_forward, args=(client, upstream), daemon=True).start()
                while (data := upstream.recv(4096)) and not self._is_cut(len(data)):
                    client.sendall(data)
                client.shutdown(socket.SHUT_RDWR)  # a close alone would wait for the other thread

    def _is_cut(self, size: int) -> bool:
        """Whether the connection ends before so many bytes more."""
        left = self.server.bytes_left
        self.server.bytes_left = None if left is None or left < size else left - size
        return left is not None and left < size


def _forward(client: socket.socket, upstream: socket.socket) -> None:
    with suppress(OSError):
        while data := client.recv(4096):
            upstream.sendall(data)
        upstream.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(
    upstream: str, *, cut_after: int | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[Relay]:
    """Run a `Relay` in a thread."""
    with Relay(upstream, cut_after, tls) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()
