"""One request as the API server reads it: who asks for what, and why it is refused if it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

    from bridge.sandbox.kubernetes.identity import Identity
    from bridge.sandbox.kubernetes.request import RequestInfo
    from bridge.sandbox.kubernetes.status import ApiError

_EVERYBODYS = frozenset(
    {
        ("authentication.k8s.io", "selfsubjectreviews"),
        ("authorization.k8s.io", "selfsubjectaccessreviews"),
        ("authorization.k8s.io", "selfsubjectrulesreviews"),
    }
)
"""What ClusterRole system:basic-user lets everybody create who is known at all."""


@dataclass
class Asked:
    """A request after authentication; the words of the call log are its properties."""

    http: Request
    info: RequestInfo
    identity: Identity | None = None
    refusal: ApiError | None = None
    """Why it is refused before authorization is asked; then there may be no identity."""

    @property
    def service(self) -> str:
        """The API group (``core`` for the one without a name); empty for a mere path."""
        return (self.info.group or "core") if self.info.is_resource else ""

    @property
    def operation(self) -> str:
        """The verb and what it is for: ``create networkchaos``, ``get /version``."""
        return f"{self.info.verb} {self._what}"

    @property
    def caller(self) -> str:
        """The username, after impersonation; empty where the token is not accepted."""
        return self.identity.username if self.identity is not None else ""

    @property
    def rights(self) -> tuple[str, ...]:
        """The right as ``group/resource:verb``, where it is not everybody's anyway.

        Discovery, health and version are everybody's (ClusterRole system:discovery), and so are
        the reviews of oneself.
        """
        info = self.info
        if not info.is_resource or (info.group, info.resource) in _EVERYBODYS:
            return ()
        return (f"{self.service}/{self._what}:{info.verb}",)

    @property
    def _what(self) -> str:
        info = self.info
        if not info.is_resource:
            return info.path
        return f"{info.resource}/{info.subresource}" if info.subresource else info.resource
