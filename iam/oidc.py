"""OIDC bearer tokens of the issuers that the settings name: Google, Microsoft Entra, any other.

PyJWT does the cryptography; what may be signed how is pinned by the settings, never taken from
the token: no shared secrets, no ``none``, no algorithm that the issuer was not allowed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any, Final

import httpx
import jwt

from bridge.authentication_settings import OidcIssuer
from iam.jwks import Jwks
from iam.principal import Principal, oidc_subject
from iam.refusals import expired, unknown

LEEWAY: Final = 60
"""Seconds that the clocks of issuer and bridge may differ."""
_LONGEST_TOKEN: Final = 16 * 1024
_LONGEST_SUBJECT: Final = 255
_LONGEST_GROUP: Final = 256
_MOST_GROUPS: Final = 500
_SUBJECT: Final = re.compile(r"[^\s#\x00-\x1f\x7f]+")
_RESERVED: Final = "system:"
"""What groups of Kubernetes begin with; no issuer may put anybody into one."""
_OIDC: Final = "oidc:"
"""What the groups of issuers begin with that have no prefix of their own in the settings."""

Keys = Callable[[OidcIssuer], Jwks]


class Oidc:
    """Tells whose a token of some issuers is."""

    def __init__(
        self,
        issuers: tuple[OidcIssuer, ...],
        *,
        keys: Keys | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Believe these issuers. ``keys`` and the transport are for tests."""
        make = keys or (lambda issuer: Jwks(issuer.issuer, transport=transport))
        self._issuers = {one.issuer: (one, make(one)) for one in issuers}

    def takes(self, token: str) -> bool:
        """Whether a token says that it is of one of the issuers; nothing is verified here."""
        return _claimed_issuer(token) in self._issuers

    async def principal(self, token: str) -> Principal:
        """Return whose token it is. Raises AuthenticationError."""
        issuer, keys = self._issuers[_claimed_issuer(token) or ""]
        claims = await self._claims(issuer, keys, token)
        for name, value in issuer.required_claims.items():
            if claims.get(name) != value:
                raise unknown(f'the token\'s claim "{name}" is not the one that is asked for')
        return _principal(issuer, claims)

    async def close(self) -> None:
        """Let go of the connections."""
        for _, keys in self._issuers.values():
            await keys.close()

    async def _claims(self, issuer: OidcIssuer, keys: Jwks, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            algorithm, key_id = header.get("alg"), header.get("kid")
            if algorithm not in issuer.algorithms:
                allowed = ", ".join(issuer.algorithms)
                raise unknown(f"the token's algorithm is not allowed here; allowed: {allowed}")
            key = await keys.key(key_id, str(algorithm))
            if key is None:
                raise unknown("the token is signed with a key that its issuer does not have")
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[str(algorithm)],
                audience=list(issuer.audiences),
                issuer=issuer.issuer,
                leeway=LEEWAY,
                options={
                    "require": ["exp", "iat", "iss", "aud"],
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.ExpiredSignatureError:
            raise expired("The security token included in the request is expired") from None
        except jwt.PyJWTError as error:
            raise unknown(_WORDS.get(type(error), "the token is not valid")) from None
        return claims


_WORDS: Final[dict[type[jwt.PyJWTError], str]] = {
    jwt.ImmatureSignatureError: "the token is not valid yet",
    jwt.InvalidAudienceError: "the token is made for another audience",
    jwt.InvalidIssuerError: "the token is of another issuer",
    jwt.InvalidSignatureError: "the token's signature is wrong",
    jwt.MissingRequiredClaimError: "the token lacks one of the claims exp, iat, iss and aud",
}


def _principal(issuer: OidcIssuer, claims: dict[str, Any]) -> Principal:
    name = issuer.subject_claim
    subject = claims.get(name)
    if not isinstance(subject, str) or len(subject) > _LONGEST_SUBJECT:
        raise unknown(f'the token has no claim "{name}" that could name its subject')
    if not _SUBJECT.fullmatch(subject):
        raise unknown(f'the token\'s claim "{name}" has characters that no name may have')
    # An address that anybody may enter is no name.
    if name == "email" and claims.get("email_verified") is not True:
        raise unknown("the token's e-mail address is not verified by its issuer")
    prefix = f"{_OIDC}{issuer.issuer}#" if issuer.groups_prefix is None else issuer.groups_prefix
    # Without a prefix a group could be another issuer's.
    foreign = (_RESERVED,) if prefix.startswith(_OIDC) else (_RESERVED, _OIDC)
    attributes = {
        key: value
        for key in ("email", "name", "oid", "azp")
        if isinstance(value := claims.get(key), str) and len(value) <= _LONGEST_SUBJECT
    }
    return oidc_subject(
        issuer.issuer,
        subject,
        groups=tuple(
            group
            for one in _groups(claims.get(issuer.groups_claim))
            if not (group := prefix + one).startswith(foreign)
        ),
        attributes=attributes,
    )


def _groups(claim: Any) -> list[str]:
    """Return the groups of a claim; more than a token can sensibly have are refused.

    Entra leaves groups out and names an address to ask where there are more than 200: those of
    such a token are none.
    """
    found = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    if len(found) > _MOST_GROUPS:
        raise unknown(f"the token has more than {_MOST_GROUPS} groups")
    return [one for one in found if isinstance(one, str) and 0 < len(one) <= _LONGEST_GROUP]


def _claimed_issuer(token: str) -> str | None:
    """Return what a token says of its issuer, None where it is no JSON Web Token."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _LONGEST_TOKEN or not token.isascii():  # noqa: PLR2004 - header, claims, signature
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else None
