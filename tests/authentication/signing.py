"""Requests signed by botocore's own signer, at any time and for anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def sign(
    key: tuple[str, str],
    method: str,
    url: str,
    body: bytes = b"",
    *,
    service: str = "fis",
    region: str = "us-east-1",
    headers: dict[str, str] | None = None,
    age: timedelta = timedelta(),
    hashed: bool = True,
) -> dict[str, str]:
    """Return all headers that a signed request needs, ``Host`` among them."""
    extra = {"x-amz-content-sha256": sha256(body).hexdigest()} if hashed else {}
    request = AWSRequest(
        method=method,
        url=url,
        data=body,
        headers={"host": urlsplit(url).netloc, **extra, **(headers or {})},
    )
    request.context["timestamp"] = f"{datetime.now(UTC) - age:%Y%m%dT%H%M%SZ}"
    signer = SigV4Auth(Credentials(*key), service, region)
    signer._modify_request_before_signing(request)  # type: ignore[attr-defined] # to sign in the past
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(  # type: ignore[attr-defined] # as above
        request, signer.signature(text, request)
    )
    return {name.lower(): value for name, value in request.headers.items()}
