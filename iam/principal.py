"""Who is calling: what authentication finds, and what policies match.

One authenticator per kind of credential makes a principal; all that comes later, from
authorisation to the audit log, knows principals only, never credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

Kind = Literal["aws-key", "aws-role", "oidc", "service-account", "local"]

SCOPE_KEY: Final = "principal"
"""Where a request's principal is: ``request.scope["principal"]``."""

SERVICE_ACCOUNT_PREFIX: Final = "system:serviceaccount:"


@dataclass(frozen=True)
class Principal:
    """Who makes a request. Holds no credential: it may be logged, stored and shown."""

    kind: Kind
    name: str
    """What policies match, unique among all principals.

    =================== ====================================================
    ``aws-key``         ``arn:aws:iam::ACCOUNT:user/NAME``
    ``aws-role``        ``arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION``
    ``oidc``            ``oidc:ISSUER#SUBJECT``
    ``service-account`` ``system:serviceaccount:NAMESPACE:NAME``
    ``local``           ``local``
    =================== ====================================================
    """
    account: str = ""
    """AWS account of an AWS kind; empty for the others."""
    groups: tuple[str, ...] = ()
    """Groups that its issuer, its key or its cluster says it is in."""
    issuer: str = ""
    """Who vouches: an OIDC issuer's URL, a cluster's name, ``sts``; empty for the bridge itself."""
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What else is known, such as ``access-key-id``, ``role-arn`` or ``email``; nothing secret."""

    @property
    def role_arn(self) -> str | None:
        """The IAM role behind an assumed-role session; None for everyone else.

        STS leaves a role's path out of the session's ARN, so this has none either.
        """
        return self.attributes.get("role-arn")


LOCAL: Final = Principal(kind="local", name="local")
"""Whoever is on this machine, where authentication is off."""


def key_user(account: str, name: str, *, key_id: str, groups: tuple[str, ...] = ()) -> Principal:
    """Return the principal of an access key that the bridge issued."""
    return Principal(
        kind="aws-key",
        name=f"arn:aws:iam::{account}:user/{name}",
        account=account,
        groups=groups,
        attributes=MappingProxyType({"access-key-id": key_id}),
    )


def service_account(
    namespace: str, name: str, *, issuer: str, groups: tuple[str, ...] = ()
) -> Principal:
    """Return the principal of a Kubernetes service account."""
    return Principal(
        kind="service-account",
        name=f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}",
        groups=groups,
        issuer=issuer,
    )


def oidc_subject(
    issuer: str,
    subject: str,
    *,
    groups: tuple[str, ...] = (),
    attributes: Mapping[str, str] | None = None,
) -> Principal:
    """Return the principal of an OIDC token."""
    return Principal(
        kind="oidc",
        name=f"oidc:{issuer}#{subject}",
        groups=groups,
        issuer=issuer,
        attributes=MappingProxyType(dict(attributes or {})),
    )
