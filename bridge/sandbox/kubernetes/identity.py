"""Who asks the API server for what: the values that authentication and authorization exchange."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

ANONYMOUS_GROUP = "system:unauthenticated"
AUTHENTICATED_GROUP = "system:authenticated"
API_AUDIENCE = "https://kubernetes.default.svc.cluster.local"
"""What a token is made for that is good for the API server itself."""


@dataclass(frozen=True)
class Identity:
    """An authenticated user, as RBAC sees it."""

    username: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    audiences: tuple[str, ...] = (API_AUDIENCE,)
    """Whom its token is made for; what the API server itself does not look at here."""


@dataclass(frozen=True)
class Attributes:
    """What a request wants to do, as RBAC judges it.

    For resource requests `non_resource_path` is ""; for others it is the path, and only `verb`
    (the HTTP method in lower case) counts beside it.
    """

    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    non_resource_path: str = ""


@dataclass(frozen=True)
class Decision:
    """An authorizer's answer; the reason is shown to the user."""

    allowed: bool
    reason: str = ""


class AdmissionDeniedError(Exception):
    """An admission hook refuses a request; the message goes to the user as it is."""

    def __init__(self, message: str, *, code: int = 403, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason


Authenticate: TypeAlias = Callable[[str], Awaitable[Identity | None]]
"""Bearer token → who that is; None when the token is not accepted."""

Authorize: TypeAlias = Callable[[Identity, Attributes], bool | Decision]
"""May this identity do that?"""

RulesOf: TypeAlias = Callable[[Identity, str], list[dict[str, Any]]]
"""(identity, namespace) → all PolicyRules that hold for it there."""

Admit: TypeAlias = Callable[
    [Identity, str, dict[str, Any] | None, dict[str, Any] | None], list[str] | None
]
"""(who, verb, old, new) → warnings for the client.

Called before an object is stored. `verb` is create, update or delete; the object's own
`apiVersion` and `kind` say what it is. The hook may change `new` in place, as a mutating webhook
would; it refuses by raising AdmissionDeniedError.
"""
