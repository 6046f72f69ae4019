"""One request to Azure Resource Manager, and the table of operations that it is looked up in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from bridge.sandbox.azure.errors import ArmError
from bridge.sandbox.front import Environ

if TYPE_CHECKING:
    from bridge.sandbox.azure.subscription import Subscription

GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
SUBSCRIPTION = "/subscriptions/{subscription}"
_PROVIDER = re.compile(r"/providers/([^/]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Route:
    """One operation: its ``operationId`` in the API's specification and the right it asks for.

    ``linked`` answers the further rights, on resources that the body refers to; ``names`` the
    ids of the resources that a request is about (the one in its path where absent).
    ``open_to_all`` is what asks for no token; ``filters`` says that it reads ``$filter``.
    """

    method: str
    template: str
    operation: str
    right: str
    handler: Callable[[Subscription, ArmRequest], Response]
    linked: Callable[[Any], Iterable[str]] = field(default=lambda _: ())
    names: Callable[[ArmRequest], Iterable[str]] = field(default=lambda asked: (asked.path,))
    open_to_all: bool = False
    filters: bool = False

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template)
        pattern = pattern.replace("(?P<scope>[^/]+)", "(?P<scope>.+)")
        object.__setattr__(self, "_pattern", re.compile(pattern + "/?", re.IGNORECASE))

    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Answer the path's parameters, or ``None``; paths are case-insensitive in ARM."""
        found = self._pattern.fullmatch(path) if method == self.method else None
        return found.groupdict() if found else None


class ArmRequest:
    """What a request asks for; `bridge.sandbox.front.Asked`."""

    def __init__(self, environ: Environ, routes: Iterable[Route]) -> None:
        self.http = Request(environ)
        self.method = self.http.method
        self.path = self.http.path.rstrip("/")
        self._data = self.http.get_data()
        self.authorization = self.http.headers.get("Authorization", "")
        self.caller = ""
        self.principal = ""
        self.route: Route | None = None
        self.parameters: dict[str, str] = {}
        for route in routes:
            found = route.match(self.method, self.path)
            if found is not None:
                self.route, self.parameters = route, found
                break

    @property
    def service(self) -> str:
        """The resource provider: the last one that the path names."""
        template = self.route.template if self.route else self.path
        named = _PROVIDER.findall(
            template.replace("{provider}", self.parameters.get("provider", ""))
        )
        return str(named[-1]) if named else "Microsoft.Resources"

    @property
    def operation(self) -> str:
        """The operation's id, or method and type where the emulator has no such operation."""
        if self.route:
            return self.route.operation
        return f"{self.method} {self.path.rpartition('/providers/')[2]}"

    @property
    def rights(self) -> tuple[str, ...]:
        """The actions that ARM asks of the caller: the operation's own, then linked ones."""
        if self.route is None or not self.route.right:
            return ()
        try:
            linked = self.route.linked(self.body)
        except ArmError:
            linked = ()
        provider = self.parameters.get("provider", "")
        right = self.route.right.replace("{provider}", provider)
        return tuple(dict.fromkeys((right, *linked)))

    @property
    def body(self) -> dict[str, Any]:
        """The body; raises ``ArmError`` (InvalidRequestContent) for what is no JSON object."""
        if not self._data:
            return {}
        try:
            read = json.loads(self._data)
        except ValueError:
            read = None
        if not isinstance(read, dict):
            message = "The request content was invalid and could not be deserialized."
            raise ArmError("InvalidRequestContent", message)
        return read

    def query(self, name: str) -> str:
        """Answer a query parameter, whose name is case-insensitive; empty where absent."""
        for key, value in self.http.args.items():
            if key.lower() == name.lower():
                return value
        return ""

    def flag(self, name: str) -> bool:
        """Whether a query parameter is true."""
        return self.query(name).lower() == "true"

    @property
    def host(self) -> str:
        """The endpoint that the caller used, for the links in an answer."""
        return self.http.host_url.rstrip("/")
