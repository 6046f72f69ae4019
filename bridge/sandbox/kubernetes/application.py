"""The API server itself: from an HTTP request to an answer, in the API server's order of checks."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from bridge.sandbox.kubernetes import (
    discovery,
    negotiation,
    openapi,
    preparation,
    request,
    status,
)
from bridge.sandbox.kubernetes.access import PUBLIC_PATHS, Access, identify, impersonate
from bridge.sandbox.kubernetes.asked import Asked
from bridge.sandbox.kubernetes.call import Call
from bridge.sandbox.kubernetes.chaos_mesh_misbehaviour import let_fail
from bridge.sandbox.kubernetes.registry import Registry
from bridge.sandbox.kubernetes.reviews import GROUPS, Reviews, decide
from bridge.sandbox.kubernetes.streaming import WatchAnswer
from bridge.sandbox.kubernetes.watch import Watch

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from bridge.sandbox.kubernetes.identity import Identity
    from bridge.sandbox.kubernetes.resource_table import ResourceTable
    from bridge.sandbox.kubernetes.resources import Resource

log = logging.getLogger(__name__)

_FAILED = "%s %s failed in the emulator"
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
        self._documents = openapi.OpenApi(table, version)
        self.stopping = asyncio.Event()
        """Set it to end all watches."""

    async def read(self, http: Request) -> Asked:
        """Find out what a request asks for, and authenticate it. Never raises."""
        path = http.url.path
        asked = Asked(http, request.RequestInfo(http.method.lower(), path))
        try:
            asked.info = request.read_info(http.method, path, http.query_params)
        except status.ApiError as refusal:
            asked.refusal = refusal
        try:
            identity = await identify(http.headers, self._authenticate)
            asked.identity = impersonate(http.headers, identity, self._authorize)
        except status.ApiError as refusal:
            asked.refusal = refusal
        except Exception:
            log.exception(_FAILED, http.method, path)
            asked.refusal = status.internal("the emulator failed; see its log")
        return asked

    async def answer(self, asked: Asked, *, fails_late: bool = False) -> ASGIApp:
        """Carry a request out, and return the answer to send. Never raises.

        With ``fails_late`` the chaos that it begins or ends never comes about.
        """
        refusal = asked.refusal
        if refusal is None:
            try:
                return await self._answer(asked, fails_late=fails_late)
            except status.ApiError as error:
                refusal = error
            except Exception:
                log.exception(_FAILED, asked.http.method, asked.info.path)
                refusal = status.internal("the emulator failed; see its log")
        return _json(refusal.status, refusal.code, refusal.headers)

    def vanish(self, asked: Asked) -> None:
        """Delete the object that the request's path names, whatever finalizers it has."""
        info = asked.info
        resource = self._table.find(info.group, info.version, info.resource)
        if resource is not None and info.name:
            self._registry.vanish(resource, info)

    async def _answer(self, asked: Asked, *, fails_late: bool) -> ASGIApp:
        info, identity = asked.info, asked.identity
        if identity is None:
            raise status.unauthorized()
        if info.path.rstrip("/") not in PUBLIC_PATHS:
            decision = decide(self._authorize, identity, info.attributes)
            if not decision.allowed:
                raise status.forbidden(identity.username, info.attributes, decision.reason)
        if info.is_resource:
            return await self._resource(asked.http, identity, info, fails_late=fails_late)
        return self._other(asked.http, info.path.rstrip("/"))

    def _other(self, asked: Request, path: str) -> Response:
        """Answer health, version, discovery and OpenAPI paths."""
        if asked.method not in ("GET", "HEAD"):
            raise status.method_not_allowed()
        accept = asked.headers.get("accept", "")
        if path in ("/healthz", "/livez", "/readyz"):
            return PlainTextResponse("ok")
        if path == "/version":
            return _json(discovery.version_info(self._version))
        if path.startswith("/openapi/"):
            return self._openapi(asked, path)
        found = discovery.answer(self._table, path, accept)
        if found is None:
            return _not_found()
        media = discovery.media_type(accept) if path in ("/api", "/apis") else "application/json"
        return Response(json.dumps(found), media_type=media)

    def _openapi(self, asked: Request, path: str) -> Response:
        """Answer the documents that say what is served, by what they are asked for in."""
        if path == "/openapi/v2":
            wanted = negotiation.openapi(asked.headers.get("accept", ""), openapi.PROTOBUF_V2)
            document = self._documents.second(protobuf=wanted in openapi.PROTOBUF_V2)
            media = openapi.PROTOBUF_V2[1] if wanted in openapi.PROTOBUF_V2 else wanted
            return Response(document, media_type=media, headers={"cache-control": "no-cache"})
        if path == "/openapi/v3":
            return _json(self._documents.index())
        place = path.removeprefix("/openapi/v3/")
        found = self._documents.document(place)
        if found is None:
            return _not_found()
        negotiation.openapi(asked.headers.get("accept", ""))
        state = self._documents.hash_of(place)
        headers = {"etag": f'"{state}"'}
        if asked.query_params.get("hash", state) != state:
            # The document has changed since the client read the index.
            return RedirectResponse(f"{path}?hash={state}", HTTPStatus.MOVED_PERMANENTLY)
        if asked.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if "hash" in asked.query_params:
            headers["cache-control"] = "public, immutable"
        return Response(found, media_type="application/json", headers=headers)

    async def _resource(
        self, asked: Request, identity: Identity, info: request.RequestInfo, *, fails_late: bool
    ) -> ASGIApp:
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
            user_agent=asked.headers.get("user-agent", ""),
        )
        if asked.method in ("POST", "PUT", "PATCH", "DELETE"):
            call.body = await request.read_body(asked)
        now = self._registry.store.now()
        accept = asked.headers.get("accept", "")
        form = negotiation.negotiate(resource, accept, asked.query_params, now)
        if info.verb == "watch":
            return WatchAnswer(Watch(self._registry, call), form, self.stopping)
        code, body = await self._perform(call, form)
        if fails_late and not call.dry_run:
            # Before anything else runs in this loop, the controllers included.
            let_fail(self._registry.store, call.key, body, info.verb)
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

    def _check_may_create(self, call: Call) -> None:
        """Ask for the right that an apply needs where there is nothing yet."""
        asked = replace(call.info, verb="create").attributes
        decision = decide(self._authorize, call.identity, asked)
        if not decision.allowed:
            raise status.forbidden(call.identity.username, asked, decision.reason)

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
                if call.is_apply and not registry.exists(call):
                    self._check_may_create(call)
                    code = HTTPStatus.CREATED
                body = form.one(registry.patch(call))
            case "delete":
                obj, is_gone = registry.delete(call)
                body = _deleted(resource, obj) if is_gone else form.one(obj)
            case "deletecollection":
                body = form.many(*registry.delete_collection(call))
            case _:
                raise status.method_not_allowed()
        return code, body


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
