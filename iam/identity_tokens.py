"""Tokens of the identity that a platform gives to what runs on it, so that nobody stores a secret.

AWS: the role of a function, an instance or a pod signs a request to STS, as for EKS. Google: the
metadata server writes an OIDC token for an audience. Azure: the endpoint of the managed identity,
or that of a virtual machine, hands out an Entra token for a resource. The last two are asked by
plain HTTP, as their vendors document it; a token is kept until shortly before it ends.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from bridge.client.errors import CredentialsError
from iam.credentials import TOKEN_FROM

_EARLY: Final = 120.0
"""Seconds before its end from which a token is not used any more."""
_TIMEOUT: Final = 5.0
_METADATA_HOST: Final = "metadata.google.internal"
_IMDS: Final = "http://169.254.169.254/metadata/identity/oauth2/token"


@dataclass(frozen=True)
class IdentityToken:
    """A token, and the time (seconds since 1970) from which it is not used any more."""

    token: str
    until: float


class IdentityAuth(httpx.Auth):
    """Sends a token of one's own identity, made anew when the last one nears its end."""

    def __init__(
        self, make: Callable[[], IdentityToken], clock: Callable[[], float] = time.time
    ) -> None:
        """Have tokens made by ``make``, which raises CredentialsError where it cannot."""
        self._make = make
        self._clock = clock
        self._kept: IdentityToken | None = None
        self._lock = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header to a request."""
        request.headers["Authorization"] = f"Bearer {self._token()}"
        yield request

    def _token(self) -> str:
        with self._lock:
            if self._kept is None or self._kept.until <= self._clock():
                self._kept = self._make()
            return self._kept.token


def identity_auth(cloud: str, audience: str, environ: Mapping[str, str]) -> IdentityAuth:
    """Return what shows a bridge the identity that a cloud's platform gave to this process.

    ``audience`` is whom the token is for: in AWS the bridge's installation, else one of the
    audiences in its FAULTBRIDGE_OIDC_ISSUERS. Raises CredentialsError for another cloud.
    """
    ways: Mapping[str, Callable[[str, Mapping[str, str]], IdentityToken]]
    ways = {"aws": _of_aws, "gcp": _of_google, "azure": _of_azure}
    if cloud not in ways:
        msg = f'{TOKEN_FROM}: "{cloud[:16]}" is not known; write "aws", "gcp" or "azure"'
        raise CredentialsError(msg)
    make = ways[cloud]
    return IdentityAuth(lambda: make(audience, environ))


def _of_aws(installation: str, environ: Mapping[str, str]) -> IdentityToken:
    from iam.signing import INSTALL

    try:
        from botocore.session import Session
    except ModuleNotFoundError:
        raise CredentialsError(f"{TOKEN_FROM}=aws needs botocore: {INSTALL}") from None
    from botocore.exceptions import BotoCoreError

    from providers.aws.arns import partition
    from providers.aws.eks_token import RENEW_AFTER, signed_token

    session = Session()
    try:
        found = session.get_credentials()
        region = environ.get("AWS_REGION") or session.get_config_variable("region")
        frozen = found.get_frozen_credentials() if found else None
    except BotoCoreError as error:
        raise CredentialsError(f"{TOKEN_FROM}=aws: {str(error)[:200]}") from None
    if frozen is None:
        msg = f"{TOKEN_FROM}=aws: there are no credentials of AWS here; give the function a role"
        raise CredentialsError(msg)
    if not region:
        msg = f"{TOKEN_FROM}=aws: no Region is known whose STS could be asked; set AWS_REGION"
        raise CredentialsError(msg)
    # The Region's own STS: the bridge asks no other.
    china = ".cn" if partition(str(region)) == "aws-cn" else ""
    token = signed_token(
        frozen, sts=f"https://sts.{region}.amazonaws.com{china}", region=region, name=installation
    )
    return IdentityToken(token, time.time() + RENEW_AFTER)


def _of_google(audience: str, environ: Mapping[str, str]) -> IdentityToken:
    host = environ.get("GCE_METADATA_HOST") or _METADATA_HOST
    # In full: only then a virtual machine's token has the claims `email` and `email_verified`.
    token = _ask(
        "gcp",
        f"http://{host}/computeMetadata/v1/instance/service-accounts/default/identity",
        params={"audience": audience, "format": "full"},
        headers={"Metadata-Flavor": "Google"},
        mend="run as a service account, and write the audience as the bridge expects it",
    ).text.strip()
    return IdentityToken(token, _expiry(token) - _EARLY)


def _of_azure(resource: str, environ: Mapping[str, str]) -> IdentityToken:
    endpoint, secret = environ.get("IDENTITY_ENDPOINT"), environ.get("IDENTITY_HEADER")
    params = {"resource": resource}
    if environ.get("AZURE_CLIENT_ID"):
        params["client_id"] = environ["AZURE_CLIENT_ID"]
    if endpoint and secret:
        params["api-version"] = "2019-08-01"
        headers = {"X-IDENTITY-HEADER": secret}
    else:
        params["api-version"] = "2018-02-01"
        headers = {"Metadata": "true"}
    answer = _ask(
        "azure",
        endpoint if endpoint and secret else _IMDS,
        params=params,
        headers=headers,
        mend="switch a managed identity on (with AZURE_CLIENT_ID, if it is user-assigned), and "
        "write the audience as the application's ID URI",
    )
    try:
        found = answer.json()
        return IdentityToken(str(found["access_token"]), float(found["expires_on"]) - _EARLY)
    except (ValueError, KeyError, TypeError):
        raise _no_token("azure") from None


def _ask(
    cloud: str, url: str, *, params: dict[str, str], headers: dict[str, str], mend: str
) -> httpx.Response:
    try:
        # No proxy: what answers is on the machine or beside it, and told a secret.
        answer = httpx.get(url, params=params, headers=headers, timeout=_TIMEOUT, trust_env=False)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        reason = f"does not answer ({type(error).__name__}); is this process on that platform?"
        raise CredentialsError(f"{TOKEN_FROM}={cloud}: what hands out tokens {reason}") from None
    if answer.status_code != httpx.codes.OK:
        reason = f"what hands out tokens answered {answer.status_code}; {mend}"
        raise CredentialsError(f"{TOKEN_FROM}={cloud}: {reason}")
    return answer


def _expiry(token: str) -> float:
    try:
        claims = token.split(".")[1]
        found: Any = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return float(found["exp"])
    except (ValueError, KeyError, TypeError, IndexError):
        raise _no_token("gcp") from None


def _no_token(cloud: str) -> CredentialsError:
    return CredentialsError(f"{TOKEN_FROM}={cloud}: what hands out tokens answered no token")
