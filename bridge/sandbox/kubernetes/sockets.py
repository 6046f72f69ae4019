"""Where the emulated API server listens, and the certificate that it shows there."""

from __future__ import annotations

import socket
import ssl


def listen(port: int) -> socket.socket:
    """Answer a listening socket on loopback; 0 is any free port. Raises ``OSError``."""
    # asyncio switches Nagle's algorithm off only where a socket names its protocol, which those
    # of socket.create_server do not; with it every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def certificates() -> tuple[ssl.SSLContext, str]:
    """Make a CA and a serving certificate; answer the server's context and the CA as PEM."""
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context, authority.cert_pem.bytes().decode()
