"""The SDK's clients: one per service and subscription, shared by all callers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from providers.azure.pipeline import Sender, policies, sending, transport

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.rest import HttpResponse

PUBLIC_CLOUD: Final = "https://management.azure.com"


@dataclass(frozen=True)
class Request:
    """One call, by the SDK's names: client, group of operations and operation."""

    client: str
    group: str
    operation: str
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it as ARM's specification writes it: ``VirtualMachines_PowerOff``."""
        names = (self.group, self.operation.removeprefix("begin_"))
        return "_".join("".join(w.capitalize() for w in name.split("_")) for name in names)


class Clients:
    """The clients of one process; its methods may be called from any thread."""

    def __init__(self, endpoint: str) -> None:
        """Build nothing yet; ``endpoint`` is Resource Manager's URL, empty for the public one."""
        self.endpoint = endpoint or PUBLIC_CLOUD
        self._building = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._shared: Any = None

    def get(self, name: str, subscription: str) -> Any:
        """Return a client, built now if this is the first use.

        ``compute``, ``network``, ``resource``, ``authorization``, or ``raw`` for links.
        """
        key = (name, subscription)
        if key not in self._clients:
            with self._building:
                if key not in self._clients:
                    self._clients[key] = self._built(name, subscription)
        return self._clients[key]

    def send(self, subscription: str, sender: Sender, request: Request) -> Any:
        """Make one call and return what the SDK returns, its first page where it has pages.

        Raises FenceLostError when the guard stopped an attempt, else the SDK's exceptions.
        """
        group = getattr(self.get(request.client, subscription), request.group)
        method: Callable[..., Any] = getattr(group, request.operation)
        return sending(sender, lambda: method(*request.arguments, **request.options))

    def page(self, subscription: str, sender: Sender, request: Request, after: str | None) -> Any:
        """Ask for one page of a list; return its items as JSON, and the link to the next."""
        kept: list[Any] = []

        def keep(response: Any) -> None:
            kept.append(response.http_response)

        group = getattr(self.get(request.client, subscription), request.group)
        options = {**request.options, "raw_response_hook": keep}
        listed = getattr(group, request.operation)(*request.arguments, **options)
        sending(sender, lambda: next(listed.by_page(after), None))
        # One of the SDKs has answers that cannot read themselves as JSON.
        page = json.loads(kept[-1].text())
        return page.get("value") or [], page.get("nextLink") or None

    def follow(self, subscription: str, sender: Sender, url: str) -> HttpResponse:
        """Ask what stands at a link of Resource Manager's; answers of any status are returned."""
        from azure.core.rest import HttpRequest

        raw: PipelineClient[Any, Any] = self.get("raw", subscription)
        answer: HttpResponse = sending(sender, lambda: raw.send_request(HttpRequest("GET", url)))
        return answer

    def close(self) -> None:
        """Disconnect."""
        with self._building:
            self._clients.clear()
            shared, self._shared = self._shared, None
        if shared is not None:
            shared.close()

    def _built(self, name: str, subscription: str) -> Any:
        from azure.core import PipelineClient
        from azure.core.credentials import TokenCredential

        if self._shared is None:
            self._shared = transport()
        given: dict[str, Any] = {
            "base_url": self.endpoint,
            "policies": policies(self.endpoint),
            "transport": self._shared,
        }
        if name == "raw":
            return PipelineClient(**given)

        class OfTheSender(TokenCredential):
            def get_token(self, *scopes: str, **_: Any) -> Any:
                raise NotImplementedError(scopes)

        return _class(name)(OfTheSender(), subscription, **given)


def load() -> None:
    """Import what the first call of a run needs."""
    import_module("azure.identity")
    _class("compute")


def _class(name: str) -> Any:
    if name == "compute":
        from azure.mgmt.compute import ComputeManagementClient

        return ComputeManagementClient
    if name == "network":
        from azure.mgmt.network import NetworkManagementClient

        return NetworkManagementClient
    if name == "resource":
        from azure.mgmt.resource.resources import ResourceManagementClient

        return ResourceManagementClient
    from azure.mgmt.authorization.v2022_04_01 import AuthorizationManagementClient

    return AuthorizationManagementClient
