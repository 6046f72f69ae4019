"""As whom a program speaks to a bridge: an access key, a profile of AWS's files, or a token.

Commands and functions read the same variables. A function stores no secret: `identity_tokens`
makes its tokens from what its platform says it is.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from bridge.client.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY: Final = "FAULTBRIDGE_ACCESS_KEY_ID"
SECRET: Final = "FAULTBRIDGE_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable
PROFILE: Final = "FAULTBRIDGE_PROFILE"
TOKEN: Final = "FAULTBRIDGE_TOKEN"  # noqa: S105 - the same
TOKEN_FILE: Final = "FAULTBRIDGE_TOKEN_FILE"  # noqa: S105 - the same
TOKEN_FROM: Final = "FAULTBRIDGE_TOKEN_FROM"  # noqa: S105 - the same
TOKEN_AUDIENCE: Final = "FAULTBRIDGE_TOKEN_AUDIENCE"  # noqa: S105 - the same
_REGION: Final = "FAULTBRIDGE_REGION"
_DEFAULT_REGION: Final = "us-east-1"


class BearerAuth(httpx.Auth):
    """Sends a token; one from a file is read for each request, since files are written anew."""

    def __init__(self, token: str = "", path: Path | None = None) -> None:
        """Send this token, or what the file holds then."""
        self._token = token
        self._path = path

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header to a request."""
        request.headers["Authorization"] = f"Bearer {self._read()}"
        yield request

    def _read(self) -> str:
        if self._path is None:
            return self._token
        try:
            token = self._path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            msg = f"{TOKEN_FILE}: {self._path} cannot be read ({reason})"
            raise CredentialsError(msg) from None
        if not token or not token.isascii() or len(token.split()) != 1:
            raise CredentialsError(f"{TOKEN_FILE}: {self._path} does not hold one token")
        return token


def credentials(url: str, environ: Mapping[str, str] = os.environ) -> httpx.Auth | None:
    """Return what the environment gives to show to the bridge at ``url``, None where nothing.

    Raises CredentialsError for what is incomplete or contradicts itself, and for a token that
    would cross a network in the clear. Requests may raise it too: that a token cannot be had
    shows when it is needed.
    """
    names = (KEY, SECRET, PROFILE, TOKEN, TOKEN_FILE, TOKEN_FROM, TOKEN_AUDIENCE)
    given = {name: environ.get(name, "").strip() for name in names}
    ways = [name for name in (KEY, PROFILE, TOKEN, TOKEN_FILE, TOKEN_FROM) if given[name]]
    if len(ways) > 1:
        raise CredentialsError(f"{ways[0]} and {ways[1]} are both set; unset one of them")
    for one, other in ((KEY, SECRET), (TOKEN_FROM, TOKEN_AUDIENCE)):
        if bool(given[one]) != bool(given[other]):
            there, missing = (one, other) if given[one] else (other, one)
            raise CredentialsError(f"{there} is set and {missing} is not; set both")
    if given[TOKEN] or given[TOKEN_FILE] or given[TOKEN_FROM]:
        return _bearer(url, ways[0], given, environ)
    if given[PROFILE]:
        return _signing(*_of_profile(given[PROFILE]), environ)
    return _signing(given[KEY], given[SECRET], environ) if given[KEY] else None


def _bearer(url: str, way: str, given: Mapping[str, str], environ: Mapping[str, str]) -> httpx.Auth:
    if not _private(url):
        msg = (
            f"{way} is set and FAULTBRIDGE_URL is neither https nor on loopback: anybody "
            "on the way could read the token and use it; write an https URL"
        )
        raise CredentialsError(msg)
    if given[TOKEN_FROM]:
        from iam.identity_tokens import identity_auth

        return identity_auth(given[TOKEN_FROM], given[TOKEN_AUDIENCE], environ)
    return BearerAuth(given[TOKEN], Path(given[TOKEN_FILE]) if given[TOKEN_FILE] else None)


def _signing(key_id: str, secret: str, environ: Mapping[str, str]) -> httpx.Auth:
    from iam.signing import INSTALL, SigningAuth

    region = environ.get(_REGION, "").strip() or _DEFAULT_REGION
    try:
        return SigningAuth(key_id, secret, region)
    except ModuleNotFoundError:
        raise CredentialsError(f"signing needs botocore: {INSTALL}") from None


def _of_profile(name: str) -> tuple[str, str]:
    from iam.signing import INSTALL, profile_key

    try:
        found = profile_key(name)
    except ModuleNotFoundError:
        raise CredentialsError(f"{PROFILE} needs botocore: {INSTALL}") from None
    if found is None:
        msg = (
            f'{PROFILE}: AWS\'s files have no profile "{name[:64]}" with an access key; '
            "`faultbridge keys create` prints one for ~/.aws/credentials"
        )
        raise CredentialsError(msg)
    return found


def _private(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" or host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
