"""Who is asking: bearer tokens, anonymous requests and impersonation headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from bridge.sandbox.kubernetes import status
from bridge.sandbox.kubernetes.identity import (
    ANONYMOUS_GROUP,
    AUTHENTICATED_GROUP,
    Attributes,
    Authenticate,
    Authorize,
    Identity,
    RulesOf,
)
from bridge.sandbox.kubernetes.reviews import decide

if TYPE_CHECKING:
    from starlette.datastructures import Headers

ANONYMOUS = "system:anonymous"

PUBLIC_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/version"})
"""What anybody may read (ClusterRole system:public-info-viewer)."""


@dataclass(frozen=True)
class Access:
    """How a cluster tells its callers apart, and what it lets them do (None: everything)."""

    authenticate: Authenticate
    authorize: Authorize | None = None
    rules: RulesOf | None = None


_EXTRA = "impersonate-extra-"


async def identify(headers: Headers, authenticate: Authenticate) -> Identity:
    """Authenticate a request. Raises ApiError (401) for a token that is not accepted."""
    authorization = headers.get("authorization", "")
    if not authorization:
        return Identity(ANONYMOUS, groups=(ANONYMOUS_GROUP,))
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise status.unauthorized()
    identity = await authenticate(token.strip())
    if identity is None:
        raise status.unauthorized()
    return _authenticated(identity)


def _authenticated(identity: Identity) -> Identity:
    if identity.username == ANONYMOUS or AUTHENTICATED_GROUP in identity.groups:
        return identity
    groups = (*identity.groups, AUTHENTICATED_GROUP)
    return Identity(identity.username, identity.uid, groups, identity.extra)


def impersonate(headers: Headers, identity: Identity, authorize: Authorize | None) -> Identity:
    """Act as whom the impersonation headers name, where the identity may.

    Raises ApiError: 403 for what it may not, 500 for headers that name no user.
    """
    username = headers.get("impersonate-user", "")
    groups = tuple(headers.getlist("impersonate-group"))
    uid = headers.get("impersonate-uid", "")
    extra = _extra(headers)
    if not username:
        if groups or uid or extra:
            raise status.unclassified(
                "a group, uid or extra field was requested without impersonating a user: the "
                "header Impersonate-User is missing"
            )
        return identity
    account = username.removeprefix("system:serviceaccount:").split(":")
    is_account = username.startswith("system:serviceaccount:") and len(account) == 2  # noqa: PLR2004
    asked = []
    if is_account:
        asked.append(_ask("serviceaccounts", account[1], namespace=account[0]))
    else:
        asked.append(_ask("users", username))
    asked += [_ask("groups", group) for group in groups]
    if uid:
        asked.append(_ask("uids", uid, group="authentication.k8s.io"))
    asked += [
        _ask("userextras", value, group="authentication.k8s.io", subresource=key)
        for key, values in extra.items()
        for value in values
    ]
    for attributes in asked:
        decision = decide(authorize, identity, attributes)
        if not decision.allowed:
            raise status.forbidden(identity.username, attributes, decision.reason)
    if is_account and not groups:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    if username == ANONYMOUS:
        return Identity(username, uid, groups or (ANONYMOUS_GROUP,), extra)
    return _authenticated(Identity(username, uid, groups, extra))


def _extra(headers: Headers) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in headers.items():
        if name.startswith(_EXTRA):
            key = unquote(name.removeprefix(_EXTRA))
            found[key] = (*found.get(key, ()), value)
    return found


def _ask(
    resource: str, name: str, *, group: str = "", namespace: str = "", subresource: str = ""
) -> Attributes:
    return Attributes("impersonate", group, "v1", resource, subresource, namespace, name)
