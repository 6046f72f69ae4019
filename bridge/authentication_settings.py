"""Settings of who may call, and how they prove who they are.

They are settings like the others (prefix ``FAULTBRIDGE_``), in a module of their own. What each
of them switches on stands in `iam`: access keys, tokens of AWS roles, OIDC, service accounts.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, SettingsConfigDict

from bridge.setting_types import Names, Secrets

SHORTEST_MASTER_KEY: Final = 32
"""Characters of a master key: half of what `openssl rand -hex 32` prints."""
ALGORITHMS: Final = (
    *(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)),
    "EdDSA",
)
"""Signatures of OIDC tokens that an issuer may be allowed: with a public key, every one."""

_MASTER_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=\S+")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class OidcIssuer(BaseModel):
    """One issuer of OIDC tokens that the bridge believes, and how its tokens are read."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    issuer: str = Field(max_length=512)
    """Exactly as in the tokens' ``iss``."""
    audiences: tuple[str, ...] = Field(min_length=1)
    """``aud`` of a token must be one of them."""
    algorithms: tuple[str, ...] = Field(default=("RS256",), min_length=1)
    subject_claim: str = "sub"
    groups_claim: str = "groups"
    groups_prefix: str | None = None
    """Before every group; by default ``oidc:ISSUER#``, so that issuers cannot speak for others."""
    required_claims: dict[str, str] = {}
    """Claims that a token must have with just these values, such as Google's ``hd``."""

    @field_validator("issuer")
    @classmethod
    def _safe(cls, value: str) -> str:
        require_safe(value)
        if "?" in value or "#" in value:
            raise ValueError("an issuer has no query and no fragment; write it as in `iss`")
        return value

    @field_validator("algorithms")
    @classmethod
    def _public(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one not in ALGORITHMS:
                raise ValueError(
                    f'"{one[:16]}" is not allowed; write some of {", ".join(ALGORITHMS)}'
                )
        return value


class AuthenticationSettings(BaseSettings):
    """Settings of who may call. Without any of them the bridge asks nobody, on loopback only."""

    model_config = SettingsConfigDict(
        env_prefix="FAULTBRIDGE_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    master_key: Secrets = Field(
        default=(),
        description="Master keys from which the secrets of access keys are made: `id=secret` "
        "pairs separated by commas, the newest first, each secret of 32 characters or more. "
        "Switches access keys on.",
    )
    master_key_file: Path | None = Field(
        default=None,
        description="File with the same pairs, one a line, used where `master_key` is empty.",
    )
    sts_accounts: Names = Field(
        default=(),
        description="AWS accounts whose roles may call with a token of `aws eks get-token`, "
        "separated by commas. Switches such tokens on.",
    )
    sts_endpoint: str = Field(
        default="",
        description="Where STS is asked about those tokens, if not in the Region that they name: "
        "an emulator's URL on loopback, or an https one.",
    )
    oidc_issuers: tuple[OidcIssuer, ...] = Field(
        default=(),
        description="Issuers of OIDC tokens, as a JSON list of objects with `issuer`, "
        "`audiences` and what else authentication.md says. Switches such tokens on.",
    )
    token_review: str = Field(
        default="",
        description="Cluster that is asked about tokens of service accounts: a context of the "
        "kubeconfig, or `in-cluster`. Switches such tokens on.",
    )
    token_review_audience: str = Field(
        default="faultbridge",
        min_length=1,
        description="Audience that a service account's token must be made for.",
    )
    requests_per_second: int = Field(
        default=50,
        ge=1,
        description="Requests that one caller may make in the long run; ten times as many at once.",
    )
    failures_per_minute: int = Field(
        default=30,
        ge=1,
        description="Requests with wrong credentials that are looked into for one address, in the "
        "long run and at once.",
    )

    @property
    def asks_who_calls(self) -> bool:
        """Whether any way to prove who calls is switched on."""
        return bool(
            self.master_key
            or self.master_key_file
            or self.sts_accounts
            or self.oidc_issuers
            or self.token_review
        )

    @field_validator("master_key")
    @classmethod
    def _master_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        check_master_keys([one.get_secret_value() for one in value])
        return value

    @field_validator("sts_accounts")
    @classmethod
    def _accounts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for account in value:
            if not re.fullmatch(r"[0-9]{12}", account):
                raise ValueError(f'"{account[:32]}" is no AWS account; write its twelve digits')
        return value

    @field_validator("oidc_issuers")
    @classmethod
    def _once(cls, value: tuple[OidcIssuer, ...]) -> tuple[OidcIssuer, ...]:
        names = [one.issuer for one in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'"{name[:128]}" stands twice; write one entry with all audiences')
        return value

    @field_validator("sts_endpoint")
    @classmethod
    def _endpoint(cls, value: str) -> str:
        if value:
            require_safe(value)
        return value.rstrip("/")


def check_master_keys(pairs: list[str]) -> None:
    """Raise ValueError, which quotes no secret, where a pair is none or an id stands twice."""
    seen: set[str] = set()
    for number, pair in enumerate(pairs, start=1):
        if not _MASTER_KEY.fullmatch(pair):
            raise ValueError(
                f"entry {number} is no pair of id and secret; write it like "
                "2026-11=SECRET, with a secret from `openssl rand -hex 32`"
            )
        name, _, secret = pair.partition("=")
        if len(secret) < SHORTEST_MASTER_KEY:
            raise ValueError(
                f'the secret of "{name}" is shorter than {SHORTEST_MASTER_KEY} characters; '
                "take one from `openssl rand -hex 32`"
            )
        if name in seen:
            raise ValueError(f'"{name}" stands twice; give every master key an id of its own')
        seen.add(name)


def require_safe(url: str) -> None:
    """Raise ValueError unless a URL is https, or http on loopback."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    loopback = parts.scheme == "http" and host in _LOOPBACK
    if not host or parts.username or not (parts.scheme == "https" or loopback):
        raise ValueError("write an https URL, or an http one on loopback")
