"""The token by which EKS, and a bridge, know an AWS identity: a signed but unsent STS request."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

TOKEN_PREFIX: Final = "k8s-aws-v1."  # noqa: S105 - a public marker, not a secret
RENEW_AFTER: Final = 600.0
"""Seconds; EKS takes a token for 15 minutes from its signature on."""

_CLUSTER_HEADER: Final = "x-k8s-aws-id"
_URL_LIFETIME: Final = 60  # seconds, 900 at most; EKS counts its own 15 minutes whatever it says


def signed_token(credentials: ReadOnlyCredentials, *, sts: str, region: str, name: str) -> str:
    """Sign a token for the cluster or the installation of a name; nothing is sent.

    ``sts`` is the address of the Region's own STS.
    """
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest

    request = AWSRequest(
        method="GET",
        url=f"{sts}/?Action=GetCallerIdentity&Version=2011-06-15",
        headers={_CLUSTER_HEADER: name},
    )
    SigV4QueryAuth(credentials, "sts", region, expires=_URL_LIFETIME).add_auth(request)
    return TOKEN_PREFIX + urlsafe_b64encode(str(request.url).encode()).decode().rstrip("=")
