"""Service accounts, their tokens, and who signed a request.

Taken are an access token of ``/token`` (JWT bearer grant, RFC 7523; Google Identity, "Using
OAuth 2.0 for Server to Server Applications"), one of IAM Credentials' ``generateAccessToken``,
and a self-signed JWT as the client libraries send it by default (AIP-4111).
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.sandbox.gcp.errors import GoogleError
from bridge.sandbox.gcp.policies import (
    DELEGATE,
    GET_TOKEN,
    OWNER_ROLE,
    TOKEN_CREATOR,
    Policy,
    Roles,
    allows,
)
from bridge.sandbox.gcp.request import GcpRequest

OWNER = "owner"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFETIME = 3600
_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
"""The audience of google-auth's assertions, whatever the key file's ``token_uri`` is."""
_SKEW_SECONDS = 10
_INVALID = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
    "cookie or other valid authentication credential."
)
_MISSING = "Login Required."


@dataclass(slots=True)
class ServiceAccount:
    """One account, and the policy that says who may act as it."""

    email: str
    policy: Policy = field(default_factory=Policy)

    @property
    def member(self) -> str:
        """How policies name it."""
        return f"serviceAccount:{self.email}"


@dataclass(frozen=True, slots=True)
class _Token:
    email: str
    ends: float


@dataclass(slots=True)
class Accounts:
    """The project's service accounts, the owner's key and every token handed out.

    Tokens end by the machine's time, not by the emulator's clock: that is what the client
    libraries renew them by.
    """

    project: str
    by_email: dict[str, ServiceAccount] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    """Of the project."""
    roles: Roles = field(init=False)
    _tokens: dict[str, _Token] = field(default_factory=dict)
    _private_pem: str = ""
    _public_pem: str = ""

    def __post_init__(self) -> None:
        self.roles = Roles(self.project)

    @property
    def owner_email(self) -> str:
        """The sandbox's own account."""
        return self.email(OWNER)

    def email(self, name: str) -> str:
        """Answer the e-mail of an account of the project."""
        return name if "@" in name else f"{name}@{self.project}.iam.gserviceaccount.com"

    def clear(self) -> None:
        """Leave the owner only; its key and tokens stay good, as clients may hold them."""
        owner = ServiceAccount(self.owner_email)
        self.by_email = {owner.email: owner}
        self.roles = Roles(self.project)
        self.policy = Policy()
        self.policy.bind(OWNER_ROLE, [owner.member])

    def put(self, name: str, permissions: Sequence[str], usable_by: Sequence[str]) -> str:
        """Make an account, or grant an existing one these rights instead of all others.

        It gets a custom role of its own on the project. ``usable_by`` are those who may act as it.
        Answers its e-mail.
        """
        account = ServiceAccount(self.email(name))
        self.by_email[account.email] = account
        self.policy.release(account.member)
        if permissions:
            role_id = f"sandbox.{re.sub('[^a-zA-Z0-9_.]', '_', account.email.partition('@')[0])}"
            content = {"title": account.email, "includedPermissions": sorted(set(permissions))}
            self.policy.bind(self.roles.put(role_id, content)["name"], [account.member])
        if usable_by:
            account.policy.bind(TOKEN_CREATOR, [f"serviceAccount:{one}" for one in usable_by])
        return account.email

    def may(self, email: str, permission: str, resource: str) -> bool:
        """Whether the project lets an account do something on a resource."""
        account = self.by_email[email]
        return allows(self.policy, self.roles, account.member, permission, resource)

    def write_key_file(self, path: Path, token_uri: str) -> None:
        """Write the owner's key in the form of a service account key file (mode 0600)."""
        self._make_key()
        content = {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": "faultbridge-sandbox-key",
            "private_key": self._private_pem,
            "client_email": self.owner_email,
            "client_id": "100000000000000000001",
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(content))

    def _make_key(self) -> None:
        if self._private_pem:
            return
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._private_pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        self._public_pem = (
            key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def caller(self, authorization: str) -> str:
        """Answer who signed: an e-mail, or nothing where the token is not known or good."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return ""
        if (held := self._tokens.get(token)) is not None:
            good = held.ends > time.time() and held.email in self.by_email
            return held.email if good else ""
        return self._signed_by_owner(token)

    def require(self, asked: GcpRequest) -> ServiceAccount:
        """Answer the caller's account. Raises `GoogleError` 401 without a good token."""
        account = self.by_email.get(asked.caller)
        if account is None:
            reason = "authError" if asked.authorization else "required"
            message = _INVALID if asked.authorization else _MISSING
            raise GoogleError(401, reason, message, location=("Authorization", "header"))
        return account

    def _signed_by_owner(self, token: str, audiences: list[str] | None = None) -> str:
        """Answer the owner where its key signed the JWT and it has not ended."""
        from google.auth import jwt

        try:
            claims: dict[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                token,
                certs=self._public_pem,
                audience=audiences,
                clock_skew_in_seconds=_SKEW_SECONDS,
            )
        except ValueError:  # google-auth's errors of tokens are such
            return ""
        return self.owner_email if claims.get("iss") == self.owner_email else ""

    def exchange(self, asked: GcpRequest, token_uri: str) -> dict[str, Any]:
        """Answer an access token for a signed assertion. Raises `TokenError`."""
        form = asked.form()
        if form.get("grant_type") != _GRANT:
            raise TokenError("unsupported_grant_type", "Invalid grant_type.")
        email = self._signed_by_owner(form.get("assertion", ""), [token_uri, _TOKEN_URI])
        if not email:
            raise TokenError("invalid_grant", "Invalid JWT Signature.")
        return {
            "access_token": self.hand_out(email),
            "expires_in": _LIFETIME - 1,
            "token_type": "Bearer",
        }

    def generate(self, asked: GcpRequest) -> dict[str, Any]:
        """Answer an access token of another account, for a caller that may act as it.

        IAM Service Account Credentials API, generateAccessToken: ``scope`` is required, and
        ``lifetime`` at most an hour. On each delegate who
        comes before it needs iam.serviceAccounts.implicitDelegation, the last one
        iam.serviceAccounts.getAccessToken on the account.
        """
        caller = self.require(asked)
        body = asked.taken("delegates", "scope", "lifetime")
        account, asking = self.by_email.get(asked.name), caller.email
        allowed = True
        for step in [*(_email(one) for one in body.get("delegates") or ()), asked.name]:
            right = GET_TOKEN if step == asked.name else DELEGATE
            allowed = allowed and self._may_use(asking, step, right)
            asking = step
        if account is None or not allowed:
            message = f"Permission '{GET_TOKEN}' denied on resource (or it may not exist)."
            raise GoogleError(403, "forbidden", message)
        if not body.get("scope"):
            raise GoogleError(400, "badRequest", "Request contains an invalid argument: scope")
        lifetime = re.fullmatch(r"(\d+)s", str(body.get("lifetime", f"{_LIFETIME}s")))
        if lifetime is None or not 0 < int(lifetime[1]) <= _LIFETIME:
            raise GoogleError(400, "badRequest", "Request contains an invalid argument: lifetime")
        ends = datetime.fromtimestamp(int(time.time()) + int(lifetime[1]), UTC)
        return {
            "accessToken": self.hand_out(account.email, int(lifetime[1])),
            "expireTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _may_use(self, email: str, account: str, right: str) -> bool:
        known, asking = self.by_email.get(account), self.by_email.get(email)
        if known is None or asking is None:
            return False
        return allows(known.policy, self.roles, asking.member, right, known.email)

    def hand_out(self, email: str, lifetime: int = _LIFETIME) -> str:
        """Make an access token of an account, good for ``lifetime`` seconds."""
        token = f"ya29.sandbox-{secrets.token_urlsafe(24)}"
        self._tokens[token] = _Token(email, time.time() + lifetime)
        return token


def _email(delegate: object) -> str:
    """Answer the account of ``projects/-/serviceAccounts/EMAIL``; the API takes no other form."""
    prefix, _, email = str(delegate).rpartition("/")
    if prefix != "projects/-/serviceAccounts":
        raise GoogleError(400, "badRequest", "Request contains an invalid argument: delegates")
    return email


class TokenError(Exception):
    """A refusal of the token endpoint (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
