"""The arithmetic of Signature Version 4, which is botocore's, for who checks and for who signs."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import httpx

from iam.attempt import Attempt
from iam.signature import Signature

if TYPE_CHECKING:
    from botocore.auth import SigV4Auth

SERVICE: Final = "faultbridge"
"""What our own clients sign for."""
INSTALL: Final = "pip install 'faultbridge[aws]'"


def expected_signature(
    attempt: Attempt, signature: Signature, secret: str, content_hash: str
) -> str:
    """Return the signature that a request must have if this secret signed it."""
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest(method=attempt.method, url=_url("http://bridge", attempt))
    for name, value in attempt.headers:
        if name in signature.signed_headers:
            request.headers.add_header(name, value)
    request.context["timestamp"] = signature.timestamp
    signer = _exact_signer()(
        Credentials(signature.key_id, secret), signature.service, signature.region, content_hash
    )
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))


def _url(start: str, attempt: Attempt) -> str:
    return f"{start}{attempt.path}" + (f"?{attempt.query}" if attempt.query else "")


@cache
def _exact_signer() -> Any:
    from botocore.auth import SigV4Auth

    class ExactSigner(SigV4Auth):
        """Signs exactly the headers that a request has, and a hash that was computed before.

        botocore's own choice of headers is that of its clients; others sign other ones.
        """

        def __init__(self, credentials: Any, service: str, region: str, content_hash: str) -> None:
            super().__init__(credentials, service, region)
            self._content_hash = content_hash

        def headers_to_sign(self, request: Any) -> Any:
            return request.headers

        def payload(self, _request: Any) -> str:
            return self._content_hash

    return ExactSigner


def profile_key(name: str) -> tuple[str, str] | None:
    """Return id and secret of the access key in a profile of AWS's files; None without one.

    A profile that leads to a role or to a login is none of ours: its keys are AWS's own.
    """
    from botocore.session import Session

    profiles = Session().full_config.get("profiles", {})
    profile = profiles.get(name, {})
    key_id, secret = profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")
    return (str(key_id), str(secret)) if key_id and secret else None


class SigningAuth(httpx.Auth):
    """Signs requests to a bridge with an access key.

    Needs botocore, which comes with ``faultbridge[aws]``; ModuleNotFoundError without it.
    """

    requires_request_body = True

    def __init__(self, key_id: str, secret: str, region: str) -> None:
        """Sign with a key for the bridge's Region."""
        from botocore.auth import SigV4Auth
        from botocore.credentials import Credentials

        self._signer: SigV4Auth = SigV4Auth(Credentials(key_id, secret), SERVICE, region)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the headers of a signature to a request."""
        from botocore.awsrequest import AWSRequest

        # Signed as it is sent: httpx has percent-encoded path and query already.
        target = request.url.raw_path.decode("ascii")
        signed = AWSRequest(
            method=request.method,
            url=f"{request.url.scheme}://{request.headers['host']}{target}",
            data=request.content,
            headers={
                "host": request.headers["host"],
                "x-amz-content-sha256": hashlib.sha256(request.content).hexdigest(),
            },
        )
        self._signer.add_auth(signed)
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Content-SHA256"):
            request.headers[name] = signed.headers[name]
        yield request
