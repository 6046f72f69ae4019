"""The emulated project's API: token, permission, repeated request, rules; in that order."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from werkzeug.wrappers import Response

from bridge.sandbox.front import CloudApi, Environ
from bridge.sandbox.gcp import iam_methods
from bridge.sandbox.gcp.accounts import Accounts, TokenError
from bridge.sandbox.gcp.cloud import REGION, ZONES, Cloud, Resource
from bridge.sandbox.gcp.errors import GoogleError, not_emulated, not_found
from bridge.sandbox.gcp.methods import COMMON, METHODS, Method
from bridge.sandbox.gcp.operations import Operation, repeated
from bridge.sandbox.gcp.request import GcpRequest
from bridge.sandbox.gcp.rights import rights
from bridge.sandbox.gcp.vanishing import vanish
from bridge.sandbox.transitions import LateFailure


class GcpApi(CloudApi[GcpRequest]):
    """What the emulated project answers."""

    def __init__(self, cloud: Cloud, accounts: Accounts, *, permissions: bool) -> None:
        self._cloud = cloud
        self._accounts = accounts
        self._permissions = permissions

    def read(self, environ: Environ) -> GcpRequest:
        """Read method, resource and token."""
        asked = GcpRequest(environ)
        asked.caller = self._accounts.caller(asked.authorization)
        asked.rights = rights(asked)
        return asked

    def answer(self, asked: GcpRequest, failing: LateFailure | None) -> Response:
        """Carry a request out, if the caller may."""
        try:
            if asked.operation == "token":
                return _json(self._accounts.exchange(asked, f"{asked.http.root_url}token"))
            if asked.operation == "generateAccessToken":
                return _json(self._accounts.generate(asked))
            if asked.service in ("cloudresourcemanager", "iam"):
                return self._iam(asked)
            return self._compute(asked, failing)
        except TokenError as error:
            return _json({"error": error.error, "error_description": error.description}, 400)
        except GoogleError as error:
            return error.response()

    def refuse(self, asked: GcpRequest, code: str, message: str, status: int) -> Response:
        """Write an error with the reason ``code``, as the called service would."""
        if asked.service == "oauth2":
            return _json({"error": code, "error_description": message}, status)
        return GoogleError(status, code, message).response()

    def throttle(self, asked: GcpRequest) -> Response:
        """Write what is answered beyond a rate quota (Compute Engine, "API rate quotas")."""
        message = (
            "Quota exceeded for quota group 'default' and limit 'Queries per minute' of service "
            f"'{asked.service}.googleapis.com' for consumer 'project:{self._cloud.project}'."
        )
        return self.refuse(asked, "rateLimitExceeded", message, 429)

    def vanish(self, asked: GcpRequest) -> None:
        """Delete the resources that the request names."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            vanish(self._cloud, asked)

    def _compute(self, asked: GcpRequest, failing: LateFailure | None) -> Response:
        self._accounts.require(asked)
        method = _method(asked)
        asked.may = self._granted(asked)
        for permission in asked.rights:
            if not asked.may(permission):
                message = f"Required '{permission}' permission for '{asked.path.rstrip('/')}'"
                raise GoogleError(403, "forbidden", message)
        self._refuse_unknown_place(asked)
        cloud = self._cloud
        with cloud.lock:
            cloud.transitions.settle()
            answer: Resource | Operation | None = repeated(cloud, asked)
            if answer is None:
                with cloud.transitions.failing(failing) if failing else nullcontext():
                    answer = method.answer(cloud, asked)
            if isinstance(answer, Operation):
                answer = answer.render(cloud.clock())
            return _json(answer)  # under the lock: the answer may be a resource itself

    def _iam(self, asked: GcpRequest) -> Response:
        self._accounts.require(asked)
        asked.may = self._granted(asked)
        with self._cloud.lock:
            return _json(iam_methods.answer(self._accounts, asked))

    def _granted(self, asked: GcpRequest) -> Callable[[str], bool]:
        if not self._permissions:
            return lambda _permission: True
        caller, resource = asked.caller, asked.resource
        return lambda permission: self._accounts.may(caller, permission, resource)

    def _refuse_unknown_place(self, asked: GcpRequest) -> None:
        if asked.project != self._cloud.project:
            raise not_found(f"projects/{asked.project}")
        place, _, name = asked.scope.partition("/")
        known: tuple[str, ...] = {"zones": ZONES, "regions": (REGION,)}.get(place, (name,))
        if name not in known:
            raise not_found(f"projects/{asked.project}/{asked.scope}")


def _method(asked: GcpRequest) -> Method:
    """Answer how to handle a request. Raises `GoogleError` 501 for what is not emulated."""
    method = METHODS.get(asked.operation)
    if method is None or method.verb != asked.verb:
        raise not_emulated(asked.operation or f"{asked.verb} {asked.http.path}")
    for parameter in asked.query:
        if parameter not in method.parameters and parameter not in COMMON:
            raise not_emulated(f"the parameter {parameter} of {asked.operation}")
    return method


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json; charset=UTF-8")
