"""An OIDC issuer on loopback: discovery, keys, and tokens of every kind, good and bad."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUDIENCE = "faultbridge.example.com"
_RSA = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


class Issuer:
    """What the issuer says at the moment; ``asked`` counts what was asked of it."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.keys: dict[str, Any] = {"one": _RSA[0]}
        self.shown: list[dict[str, Any]] | None = None
        """The key set, where it is not that of ``keys``."""
        self.down = False
        self.document: dict[str, Any] = {}

    def claims(self, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "alice",
            "iat": now,
            "exp": now + 600,
            "groups": ["chaos", "sre"],
            **more,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self,
        *,
        key: Any = None,
        kid: str | None = "one",
        algorithm: str = "RS256",
        **claims: Any,
    ) -> str:
        """Sign a token, by default a good one."""
        headers = {} if kid is None else {"kid": kid}
        key = self.keys["one"] if key is None else key
        return jwt.encode(self.claims(**claims), key, algorithm, headers=headers)

    def public_pem(self) -> bytes:
        pem: bytes = (
            self.keys["one"]
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        return pem

    def answer(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        if self.down:
            return None
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.document}
        if path == "/keys":
            return {"keys": self.shown if self.shown is not None else self.jwks()}
        return None

    def jwks(self) -> list[dict[str, Any]]:
        return [{**public_jwk(key), "kid": kid} for kid, key in self.keys.items()]


def public_jwk(key: Any) -> dict[str, Any]:
    """Return the public half of a key as a JSON Web Key."""
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        found = jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        found = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        found = jwt.algorithms.OKPAlgorithm.to_jwk(public, as_dict=True)
    found.pop("key_ops", None)
    return dict(found)


def first_key() -> Any:
    """The RSA key that an issuer begins with."""
    return _RSA[0]


def other_key() -> Any:
    """An RSA key that no issuer shows."""
    return _RSA[1]


@contextmanager
def issuing() -> Iterator[Issuer]:
    """Run an issuer on a free port of loopback."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = issuer.answer(self.path)
            body = json.dumps(found).encode()
            self.send_response(503 if found is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
