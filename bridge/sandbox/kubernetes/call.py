"""One request for a resource, after authentication and authorization."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.sandbox.kubernetes.managed_fields import APPLY, UPDATE, Manager, manager_name
from bridge.sandbox.kubernetes.objects import Key
from bridge.sandbox.kubernetes.patch import APPLY_PATCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.sandbox.kubernetes.identity import Identity
    from bridge.sandbox.kubernetes.request import RequestInfo
    from bridge.sandbox.kubernetes.resources import Resource


@dataclass
class Call:
    """One authorised request for a resource. `warnings` go to the client as headers.

    `is_tracked` tells whether the fields that it sets get an owner.
    """

    identity: Identity
    info: RequestInfo
    resource: Resource
    query: Mapping[str, str]
    body: bytes = b""
    content_type: str = "application/json"
    dry_run: bool = False
    user_agent: str = ""
    is_tracked: bool = True
    warnings: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """The key of the object that the path names."""
        namespace = self.info.namespace if self.resource.namespaced else ""
        return Key(self.resource.group, self.resource.plural, namespace, self.info.name)

    @property
    def field_validation(self) -> str:
        """What to do about unknown fields."""
        return self.query.get("fieldValidation") or "Warn"

    @property
    def is_apply(self) -> bool:
        """Tell whether it is a server-side apply."""
        return self.info.verb == "patch" and self.content_type == APPLY_PATCH

    @property
    def manager(self) -> Manager:
        """Who sets fields by this call."""
        name = manager_name(self.query.get("fieldManager"), self.user_agent)
        operation = APPLY if self.is_apply else UPDATE
        return Manager(name, operation, self.resource.api_version, self.info.subresource)
