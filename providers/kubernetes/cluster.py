"""One cluster as one caller sees it: every request carries that caller's identity."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from providers.contract import Guard
from providers.kubernetes.api import Answer, ApiServer, DeniedError
from providers.kubernetes.impersonation import ClusterIdentity
from providers.kubernetes.resource import INSTALLATION_LABEL

Authorize = Callable[[bool], Awaitable[str]]
"""Returns the Authorization header; asked with True after a 401, when a newer one may help."""

PAGE: Final = 500
"""Objects a page of a list, as kubectl asks for."""
MERGE_PATCH: Final = "application/merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
_UNAUTHORIZED: Final = 401


@dataclass(frozen=True)
class Cluster:
    """A caller's way into one cluster."""

    id: str
    server: ApiServer
    authorize: Authorize
    guard: Guard | None
    principal: str
    """Who the caller is before the cluster maps it: a role's ARN, or empty for a context's user."""
    impersonated: ClusterIdentity | None = None
    """As whom a context's user acts by impersonation; None as itself."""

    @property
    def name(self) -> str:
        """What messages call the cluster."""
        return self.server.name

    async def get(self, path: str, **query: str) -> Answer:
        """Read one object. Raises as ``ApiServer.request`` does."""
        return await self._request("GET", path, query=query)

    async def list(self, path: str, installation: str | None) -> Answer:
        """Read all marked objects under a path, of one installation or of any (None)."""
        value = "" if installation is None else f"={installation.rstrip('-')}"
        return await self.select(path, pages=None, labelSelector=INSTALLATION_LABEL + value)

    async def select(self, path: str, *, pages: int | None = 1, **query: str) -> Answer:
        """Read the objects under a path that label and field selectors take, a page or more.

        What is beyond so many pages is left out; None reads them all. Raises as
        ``ApiServer.request`` does.
        """
        query = {**query, "limit": str(PAGE)}
        items: list[Any] = []
        more: dict[str, str] = {}
        page = 0
        while True:
            page += 1
            answer = await self._request("GET", path, query={**query, **more})
            items += answer.body.get("items") or ()
            more = {"continue": str((answer.body.get("metadata") or {}).get("continue") or "")}
            if page == pages or not more["continue"]:
                return Answer({"items": items}, answer.now)

    async def ask(self, path: str, body: object, **query: str) -> Answer:
        """Post what changes nothing: a review, or a dry run."""
        return await self._request("POST", path, query=query, body=body)

    async def create(self, path: str, body: object) -> Answer:
        """Create an object; a field that its schema does not know is refused."""
        return await self._request(
            "POST", path, query={"fieldValidation": "Strict"}, body=body, guard=self.guard
        )

    async def merge(self, path: str, body: object, **query: str) -> Answer:
        """Merge fields into an object."""
        return await self._request(
            "PATCH", path, query=query, body=body, content_type=MERGE_PATCH, guard=self.guard
        )

    async def apply(self, path: str, body: object, manager: str) -> Answer:
        """Apply an object on the server's side; fields of other managers are a conflict."""
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        return await self._request(
            "PATCH", path, query=query, body=body, content_type=APPLY_PATCH, guard=self.guard
        )

    async def delete(self, path: str, uid: str, propagation: str) -> Answer:
        """Delete the very object that was read, not a later one of the same name."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": propagation,
        }
        return await self._request("DELETE", path, body=options, guard=self.guard)

    async def watch(
        self, path: str, installation: str, *, lasting: int, since: str, renew: bool
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield changes of an installation's objects for ``lasting`` s, and bookmarks.

        Those after version ``since``; where that is empty, first all objects that there are.
        ``renew`` asks for a fresh token. Raises ApiError (410) when it is no longer known what
        came after ``since``, and as ``ApiServer.request`` does.
        """
        query = {
            "watch": "true",
            "labelSelector": f"{INSTALLATION_LABEL}={installation.rstrip('-')}",
            "timeoutSeconds": str(lasting),
            "allowWatchBookmarks": "true",
        }
        events = self.server.stream(
            path,
            authorization=await self.authorize(renew),
            query={**query, "resourceVersion": since} if since else query,
            silence=lasting + 10.0,
            impersonated=self.impersonated,
        )
        async with aclosing(events):  # type: ignore[type-var]  # an async generator, typed wider
            async for event in events:
                yield event

    async def _request(self, method: str, path: str, **arguments: Any) -> Answer:
        authorization = await self.authorize(False)
        arguments["impersonated"] = self.impersonated
        try:
            return await self.server.request(method, path, authorization=authorization, **arguments)
        except DeniedError as error:
            if error.status != _UNAUTHORIZED:
                raise
            renewed = await self.authorize(True)
            if renewed == authorization:
                raise
        return await self.server.request(method, path, authorization=renewed, **arguments)
