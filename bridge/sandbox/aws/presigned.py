"""Requests signed in their query string, as an EKS token's GetCallerIdentity is.

moto's server finds the service by the Authorization header alone and takes any other request
for S3, so the query's signature is put there. A presigned STS call is how an EKS cluster
learns who somebody is; therefore its signature is verified here as STS would, host and the
``x-k8s-aws-id`` header included (AWS General Reference, "Signature Version 4").
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from moto.iam.models import iam_backends

from bridge.sandbox.aws.cloud import ACCOUNT_ID
from bridge.sandbox.aws.errors import AwsError
from bridge.sandbox.aws.identity import assumed_role

_LONGEST = timedelta(minutes=15)


def move_signature_to_header(environ: dict[str, Any]) -> None:
    """Give a presigned request of any service but S3 the header by which moto finds it.

    Raises ``AwsError`` where a presigned STS request does not verify.
    """
    query = {k: v[0] for k, v in parse_qs(environ.get("QUERY_STRING", "")).items()}
    credential = query.get("X-Amz-Credential", "")
    if "X-Amz-Signature" not in query or credential.count("/") != 4:  # noqa: PLR2004 - key and scope
        return
    key_id, _, _, service, _ = credential.split("/")
    if service == "s3":
        return
    environ["HTTP_AUTHORIZATION"] = (
        f"{query.get('X-Amz-Algorithm')} Credential={credential}, "
        f"SignedHeaders={query.get('X-Amz-SignedHeaders')}, Signature={query['X-Amz-Signature']}"
    )
    if service == "sts":
        _verify(environ, query, key_id)


def _verify(environ: dict[str, Any], query: dict[str, str], key_id: str) -> None:
    """Refuse an unknown key, a wrong token, a late request and a signature that differs."""
    key = iam_backends[ACCOUNT_ID]["aws"].access_keys.get(key_id)
    session = assumed_role(key_id)
    token = query.get("X-Amz-Security-Token")
    if key is None or (session is not None and session.session_token != token):
        message = "The security token included in the request is invalid."
        raise AwsError("InvalidClientTokenId", message, 403)
    try:
        signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        lifetime = timedelta(seconds=int(query["X-Amz-Expires"]))
    except (KeyError, ValueError) as error:
        message = "X-Amz-Date and X-Amz-Expires must be present and well formed"
        raise AwsError("IncompleteSignature", message) from error
    if datetime.now(UTC) > signed_at + min(lifetime, _LONGEST):
        message = f"Signature expired: {query['X-Amz-Date']} is too long ago"
        raise AwsError("SignatureDoesNotMatch", message, 403)
    hosts = (environ.get("HTTP_HOST", ""), *_sts_hosts(query["X-Amz-Credential"]))
    expected = (_signature(environ, query, key.secret_access_key, host) for host in hosts)
    if not any(hmac.compare_digest(query["X-Amz-Signature"], each) for each in expected):
        message = (
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )
        raise AwsError("SignatureDoesNotMatch", message, 403)


def _sts_hosts(credential: str) -> tuple[str, str]:
    """Answer the names under which the real STS could have been meant."""
    return f"sts.{credential.split('/')[2]}.amazonaws.com", "sts.amazonaws.com"


def _signature(environ: dict[str, Any], query: dict[str, str], secret: str, host: str) -> str:
    pairs = environ["QUERY_STRING"].split("&")
    canonical_query = "&".join(sorted(p for p in pairs if not p.startswith("X-Amz-Signature=")))
    names = query["X-Amz-SignedHeaders"].split(";")
    values = {"host": host}
    for name in names:
        values.setdefault(name, environ.get(f"HTTP_{name.upper().replace('-', '_')}", ""))
    headers = "".join(f"{name}:{' '.join(values[name].split())}\n" for name in names)
    empty_body = hashlib.sha256(b"").hexdigest()
    canonical = "\n".join(
        (
            environ["REQUEST_METHOD"],
            environ.get("PATH_INFO") or "/",
            canonical_query,
            headers,
            query["X-Amz-SignedHeaders"],
            empty_body,
        )
    )
    scope = query["X-Amz-Credential"].split("/", 1)[1]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join((query["X-Amz-Algorithm"], query["X-Amz-Date"], scope, digest))
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
