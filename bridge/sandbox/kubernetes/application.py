"""The ASGI application: from an HTTP request to an answer, in the API server's order of checks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bridge.sandbox.kubernetes import (
    discovery,
    negotiation,
    openapi,
    preparation,
    request,
    status,
)
from bridge.sandbox.kubernetes.access import PUBLIC_PATHS, Access, identify, impersonate
from bridge.sandbox.kubernetes.registry import Call, Registry
from bridge.sandbox.kubernetes.reviews import GROUPS, Reviews, decide
from bridge.sandbox.kubernetes.watch import Watch

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from bridge.sandbox.kubernetes.identity import Identity
    from bridge.sandbox.kubernetes.resources import Resource, ResourceTable

log = logging.getLogger(__name__)

_UNKNOWN = "the server could not find the requested resource"


class Application:
    """Answers requests out of a registry."""

    def __init__(
        self,
        registry: Registry,
        table: ResourceTable,
        access: Access,
        version: str,
    ) -> None:
        self._registry = registry
        self._table = table
        self._authenticate = access.authenticate
        self._authorize = access.authorize
        self._reviews = Reviews(access.authenticate, access.authorize, access.rules)
        self._version = version
        self.stopping = asyncio.Event()
        """Set it to end all watches."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = Request(scope, receive)
        try:
            answer = await self._answer(asked)
        except status.ApiError as refusal:
            answer = _json(refusal.status, refusal.code, refusal.headers)
        except Exception:
            log.exception("%s %s failed in the emulator", asked.method, asked.url.path)
            failure = status.internal("the emulator failed; see its log")
            answer = _json(failure.status, failure.code)
        if isinstance(answer, Response):
            await answer(scope, receive, send)
        else:
            await answer.send(self.stopping, receive, send)

    async def _answer(self, asked: Request) -> Response | WatchAnswer:
        identity = await identify(asked.headers, self._authenticate)
        identity = impersonate(asked.headers, identity, self._authorize)
        info = request.read_info(asked.method, asked.url.path, asked.query_params)
        if info.path.rstrip("/") not in PUBLIC_PATHS:
            decision = decide(self._authorize, identity, info.attributes)
            if not decision.allowed:
                raise status.forbidden(identity.username, info.attributes, decision.reason)
        if info.is_resource:
            return await self._resource(asked, identity, info)
        return self._other(asked, info.path.rstrip("/"))

    def _other(self, asked: Request, path: str) -> Response:
        """Answer health, version, discovery and OpenAPI paths."""
        if asked.method not in ("GET", "HEAD"):
            raise status.method_not_allowed()
        accept = asked.headers.get("accept", "")
        if path in ("/healthz", "/livez", "/readyz"):
            return PlainTextResponse("ok")
        if path == "/version":
            return _json(discovery.version_info(self._version))
        if path == "/openapi/v3":
            return _json(openapi.index(self._table))
        if path.startswith("/openapi/v3/"):
            place = path.removeprefix("/openapi/v3/")
            document = openapi.document(self._table, place, self._version)
            return _not_found() if document is None else _json(document)
        if path == "/openapi/v2":
            raise status.not_implemented(
                "OpenAPI v2; use /openapi/v3 (kubectl since 1.27), or --validate=false"
            )
        found = discovery.answer(self._table, path, accept)
        if found is None:
            return _not_found()
        media = discovery.media_type(accept) if path in ("/api", "/apis") else "application/json"
        return Response(json.dumps(found), media_type=media)

    async def _resource(
        self, asked: Request, identity: Identity, info: request.RequestInfo
    ) -> Response | WatchAnswer:
        resource = self._table.find(info.group, info.version, info.resource)
        if resource is None:
            if not info.group:
                raise status.ApiError(HTTPStatus.NOT_FOUND, "NotFound", _UNKNOWN, details={})
            return _not_found()
        self._check_endpoint(resource, info)
        call = Call(
            identity,
            info,
            resource,
            asked.query_params,
            content_type=asked.headers.get("content-type", "").partition(";")[0].strip()
            or "application/json",
            dry_run=preparation.dry_run(asked.query_params.getlist("dryRun")),
        )
        if asked.method in ("POST", "PUT", "PATCH", "DELETE"):
            call.body = await request.read_body(asked)
        now = self._registry.store.now()
        accept = asked.headers.get("accept", "")
        form = negotiation.negotiate(resource, accept, asked.query_params, now)
        if info.verb == "watch":
            return WatchAnswer(Watch(self._registry, call), form)
        code, body = await self._perform(call, form)
        headers = {}
        if call.warnings:
            headers["warning"] = ", ".join(_warning(text) for text in dict.fromkeys(call.warnings))
        return _json(body, code, headers)

    def _check_endpoint(self, resource: Resource, info: request.RequestInfo) -> None:
        """Refuse verbs, scopes and subresources that this resource does not have."""
        if info.subresource in resource.not_implemented and info.subresource:
            raise status.not_implemented(f"the subresource {resource.plural}/{info.subresource}")
        if info.subresource and info.subresource not in resource.subresources:
            if resource.custom:
                raise status.not_found(resource.group, resource.plural, info.name)
            raise status.ApiError(HTTPStatus.NOT_FOUND, "NotFound", _UNKNOWN, details={})
        if info.subresource and info.verb not in ("get", "update", "patch"):
            raise status.method_not_allowed()
        is_namespace = (resource.group, resource.plural) == ("", "namespaces")
        if info.namespace and not resource.namespaced and not is_namespace:
            raise status.ApiError(HTTPStatus.NOT_FOUND, "NotFound", _UNKNOWN, details={})
        if info.verb == "update" and not info.name and resource.custom:
            raise status.bad_request("name must be provided")
        single = info.verb in ("update", "patch") or (info.verb == "create" and info.name)
        if info.verb not in resource.verbs or (single and not info.name):
            raise status.method_not_allowed()
        if info.verb == "create" and info.name and not is_namespace:
            raise status.method_not_allowed()
        everywhere = resource.namespaced and not info.namespace
        if everywhere and info.verb not in ("list", "watch"):
            raise status.method_not_allowed()

    async def _perform(self, call: Call, form: negotiation.Form) -> tuple[int, dict[str, Any]]:
        registry, resource = self._registry, call.resource
        code = HTTPStatus.OK
        match call.info.verb:
            case "create" if resource.group in GROUPS:
                code, body = HTTPStatus.CREATED, form.whole(await self._reviews.create(call))
            case "create":
                code, body = HTTPStatus.CREATED, form.one(registry.create(call))
            case "get":
                body = form.one(registry.get(call))
            case "list":
                body = form.many(*registry.list_objects(call))
            case "update":
                body = form.one(registry.replace(call))
            case "patch":
                body = form.one(registry.patch(call))
            case "delete":
                obj, is_gone = registry.delete(call)
                body = _deleted(resource, obj) if is_gone else form.one(obj)
            case "deletecollection":
                body = form.many(*registry.delete_collection(call))
            case _:
                raise status.method_not_allowed()
        return code, body


class WatchAnswer:
    """Streams a watch until it ends or the client has gone."""

    def __init__(self, watch: Watch, form: negotiation.Form) -> None:
        self._watch = watch
        self._form = form

    async def send(self, stopping: asyncio.Event, receive: Receive, send: Send) -> None:
        """Send the whole answer."""
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-cache, private")]
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        # An empty piece makes the server send the headers before the first event.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        streaming = asyncio.ensure_future(self._stream(stopping, send))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((streaming, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not streaming.done():
                streaming.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await streaming

    async def _stream(self, stopping: asyncio.Event, send: Send) -> None:
        first = True
        async with contextlib.aclosing(self._watch.events(stopping)) as events:
            async for kind, obj in events:
                event = self._form.event(kind, obj, first=first)
                first = False
                await send(_piece(json.dumps(event).encode() + b"\n", more=True))
        await send(_piece(b"", more=False))


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def _deleted(resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
    metadata = obj["metadata"]
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": status.details(
            resource.group, resource.plural, metadata["name"], uid=metadata["uid"]
        ),
    }


def _warning(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'299 - "{escaped}"'


def _json(
    body: dict[str, Any], code: int = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response:
    return JSONResponse(body, code, {"cache-control": "no-cache, private", **(headers or {})})


def _not_found() -> Response:
    return PlainTextResponse("404 page not found\n", HTTPStatus.NOT_FOUND)
