"""The HTTP server under the emulators: loopback only, and gone without a trace when it stops."""

from __future__ import annotations

import contextlib
import socket
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOOPBACK = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """Answer a listening socket on loopback; 0 is any free port. Raises ``OSError``."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


class Handler(WSGIRequestHandler):
    """Speaks HTTP/1.1 without writing a log line per request or waiting to fill a packet."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing: the call log has it."""


class HttpServer(ThreadedWSGIServer):
    """One thread per connection, all of which end when the emulator stops."""

    def __init__(
        self,
        listener: socket.socket,
        application: WSGIApplication,
        handler: type[Handler] = Handler,
    ) -> None:
        host, port = listener.getsockname()
        super().__init__(host, port, application, handler=handler, fd=listener.fileno())
        self._connections: dict[Thread, socket.socket] = {}
        self._lock = Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in a thread of its own."""
        thread = Thread(target=self._serve, args=(request, client_address), daemon=True)
        with self._lock:
            self._connections[thread] = request
        thread.start()

    def _serve(self, request: Any, client_address: Any) -> None:
        self.process_request_thread(request, client_address)
        with self._lock:
            del self._connections[current_thread()]

    def close_connections(self) -> None:
        """End every connection, and wait for its thread."""
        with self._lock:
            open_connections = list(self._connections.items())
        for thread, connection in open_connections:
            with contextlib.suppress(OSError):  # the client may have been quicker
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()
