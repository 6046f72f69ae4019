"""EKS bearer tokens: a signed STS request in disguise, checked as aws-iam-authenticator does.

A token is `k8s-aws-v1.` and the unpadded base64url text of a presigned `GetCallerIdentity` URL.
Whoever can present it can prove, through STS, which role signed it; the signed header
`x-k8s-aws-id` binds it to one cluster. This module looks at the URL only; asking STS is
`authentication`'s part.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105 - a public marker, not a secret
CLUSTER_HEADER = "x-k8s-aws-id"
TOKEN_LIFETIME = timedelta(minutes=15)
"""STS takes a presigned GetCallerIdentity for 15 minutes, whatever `X-Amz-Expires` says."""

_MAX_TOKEN_LENGTH = 16 * 1024
_MAX_EXPIRES = 900
_SECONDS = re.compile(r"[0-9]{1,9}")
"""As many digits as anybody may write; Python refuses to read thousands of them."""
_ALLOWED_KEYS = {
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
}
_STS_HOST = re.compile(r"sts(-fips)?(\.[a-z]{2}(-[a-z]+)+-\d)?\.(amazonaws\.com(\.cn)?|api\.aws)")
_EMPTY_BODY = hashlib.sha256(b"").hexdigest()


class TokenRefusedError(Exception):
    """The token is not one that EKS would accept; the message says why and holds no secret."""


class TokenExpiredError(TokenRefusedError):
    """The token would have been accepted when it was made."""


@dataclass(frozen=True)
class SignedIdentityRequest:
    """A presigned GetCallerIdentity request, taken apart. `parameters` keep their spelling."""

    host: str
    parameters: dict[str, str]
    signed_headers: tuple[str, ...]
    credential: str
    signature: str
    signed_at: datetime

    @property
    def access_key_id(self) -> str:
        """The key that signed the request."""
        return self.credential.split("/", 1)[0]

    @property
    def expires_at(self) -> datetime:
        """When the token stops being valid."""
        return self.signed_at + TOKEN_LIFETIME

    @property
    def authorization(self) -> str:
        """The same signature as an `Authorization` header.

        moto's server finds the service of a request by this header only, and takes a query
        signature for S3's.
        """
        return (
            f"AWS4-HMAC-SHA256 Credential={self.credential}, "
            f"SignedHeaders={';'.join(self.signed_headers)}, Signature={self.signature}"
        )

    def is_signed_with(self, secret: str, cluster: str) -> bool:
        """Compute the signature anew, for this cluster's name, and compare.

        Signature Version 4 as STS computes it for a GET without body on "/".
        """
        query = "&".join(
            f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}"
            for key, value in sorted(self.parameters.items())
            if key.lower() != "x-amz-signature"
        )
        values = {"host": self.host, CLUSTER_HEADER: cluster}
        headers = "".join(f"{name}:{values.get(name, '')}\n" for name in self.signed_headers)
        canonical = "\n".join(
            ("GET", "/", query, headers, ";".join(self.signed_headers), _EMPTY_BODY)
        )
        _, date, region, service, terminator = self.credential.split("/")
        text = "\n".join(
            (
                "AWS4-HMAC-SHA256",
                self.signed_at.strftime("%Y%m%dT%H%M%SZ"),
                f"{date}/{region}/{service}/{terminator}",
                hashlib.sha256(canonical.encode()).hexdigest(),
            )
        )
        key = f"AWS4{secret}".encode()
        for part in (date, region, service, terminator):
            key = hmac.digest(key, part.encode(), "sha256")
        expected = hmac.new(key, text.encode(), "sha256").hexdigest()
        return hmac.compare_digest(expected, self.signature)


def parse_token(token: str, *, now: datetime, local_sts: str = "") -> SignedIdentityRequest:
    """Take a bearer token apart and check all that can be checked without asking STS.

    `local_sts` is the `host:port` of an STS endpoint that is accepted beside Amazon's names,
    and the only one that may be plain http. Raises TokenRefusedError.
    """
    url = _url(token)
    if url.netloc != local_sts or not local_sts:
        if url.scheme != "https":
            raise TokenRefusedError(f"unexpected scheme {url.scheme!r} in pre-signed URL")
        if not _STS_HOST.fullmatch(url.netloc):
            raise TokenRefusedError(f"unexpected hostname {url.netloc!r} in pre-signed URL")
    if url.path not in ("", "/"):
        raise TokenRefusedError("unexpected path in pre-signed URL")
    pairs = parse_qsl(url.query, keep_blank_values=True)
    values: dict[str, str] = {}
    for key, value in pairs:
        if key.lower() not in _ALLOWED_KEYS:
            raise TokenRefusedError(f"non-whitelisted query parameter {key!r}")
        if key.lower() in values:
            raise TokenRefusedError(f"query parameter {key!r} is given more than once")
        values[key.lower()] = value
    if values.get("action") != "GetCallerIdentity":
        raise TokenRefusedError("unexpected action parameter in pre-signed URL")
    signed = tuple(name.lower() for name in values.get("x-amz-signedheaders", "").split(";"))
    if CLUSTER_HEADER not in signed:
        raise TokenRefusedError(f"the {CLUSTER_HEADER} header is not signed")
    return SignedIdentityRequest(
        host=url.netloc,
        parameters=dict(pairs),
        signed_headers=signed,
        credential=_credential(values),
        signature=values.get("x-amz-signature", ""),
        signed_at=_signing_time(values, now),
    )


def _url(token: str) -> SplitResult:
    try:
        return urlsplit(_decode(token))
    except ValueError:  # a bracket of an IPv6 address is missing
        raise TokenRefusedError("token does not hold a URL") from None


def _decode(token: str) -> str:
    if len(token) > _MAX_TOKEN_LENGTH:
        raise TokenRefusedError("token is too large")
    if not token.startswith(TOKEN_PREFIX):
        raise TokenRefusedError(f"token is missing expected {TOKEN_PREFIX!r} prefix")
    text = token.removeprefix(TOKEN_PREFIX)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise TokenRefusedError("token is not unpadded base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise TokenRefusedError("token does not hold a URL") from None


def _credential(values: dict[str, str]) -> str:
    credential = values.get("x-amz-credential", "")
    if not re.fullmatch(r"[^/]+/\d{8}/[^/]+/sts/aws4_request", credential):
        raise TokenRefusedError("X-Amz-Credential is not a credential for STS")
    return credential


def _signing_time(values: dict[str, str], now: datetime) -> datetime:
    expires = values.get("x-amz-expires", "")
    if not _SECONDS.fullmatch(expires) or int(expires) > _MAX_EXPIRES:
        raise TokenRefusedError(f"X-Amz-Expires must be between 0 and {_MAX_EXPIRES} seconds")
    try:
        signed_at = datetime.strptime(values.get("x-amz-date", ""), "%Y%m%dT%H%M%S%z")
        ends = signed_at + TOKEN_LIFETIME
    except (ValueError, OverflowError):  # the year 9999 has no next
        raise TokenRefusedError("X-Amz-Date is not a time like 20260102T030405Z") from None
    if now > ends:
        raise TokenExpiredError("token is older than 15 minutes")
    return signed_at
