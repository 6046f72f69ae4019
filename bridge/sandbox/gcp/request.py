"""One request as Compute Engine reads it: method, resource, parameters and body.

Compute Engine API reference v1, "HTTP request" of each method:
``/compute/v1/projects/{project}/(zones/{zone}|regions/{region}|global|aggregated)/...``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Request

from bridge.sandbox.front import Environ
from bridge.sandbox.gcp.errors import GoogleError, invalid

_PREFIX = "/compute/v1/"
_ACCOUNT = re.compile(
    r"/v1/projects/(?P<project>[^/:]+)/serviceAccounts/(?P<email>[^/:]+):(?P<method>\w+)"
)
_POLICY = re.compile(r"/v3/projects/(?P<project>[^/:]+):(?P<method>\w+)")
_ROLES = re.compile(r"/v1/(?:projects/(?P<project>[^/:]+)/)?roles(?:/(?P<role>[^/:]+))?")
_TOKENS = ("generateAccessToken", "generateIdToken", "signBlob", "signJwt")
_ON_ROLES = {"GET": "get", "POST": "create", "PATCH": "patch"}
_VERBS = {"GET": "get", "DELETE": "delete", "PATCH": "patch", "PUT": "update"}
_SCOPED = {
    ("regions", "instanceGroupManagers"): "regionInstanceGroupManagers",
    ("regions", "disks"): "regionDisks",
    ("zones", "operations"): "zoneOperations",
    ("regions", "operations"): "regionOperations",
    ("global", "operations"): "globalOperations",
}


class GcpRequest:
    """One request: which service and method, what it names, and who asks."""

    def __init__(self, environ: Environ) -> None:
        self.http = Request(environ)
        self.verb = self.http.method
        self.query = self.http.args.to_dict()
        self._raw = self.http.get_data()
        self.authorization = environ.get("HTTP_AUTHORIZATION", "")
        self.caller = ""
        self.rights: tuple[str, ...] = ()
        self.may: Callable[[str], bool] = lambda _permission: False
        self.service = self.operation = ""
        self.project = self.scope = self.collection = self.name = ""
        self._read_path(self.http.path)

    def _read_path(self, path: str) -> None:
        if path == "/token":
            self.service, self.operation = "oauth2", "token"
        elif match := _ACCOUNT.fullmatch(path):
            method = match["method"]
            self.project, self.name, self.collection = match["project"], match["email"], "accounts"
            if method in _TOKENS:
                self.service, self.operation = "iamcredentials", method
            else:
                self.service, self.operation = "iam", f"projects.serviceAccounts.{method}"
        elif match := _POLICY.fullmatch(path):
            self.service, self.project = "cloudresourcemanager", match["project"]
            self.operation = f"projects.{match['method']}"
        elif match := _ROLES.fullmatch(path):
            self.service, self.project = "iam", match["project"] or "-"
            self.name, self.collection = match["role"] or "", "roles"
            self.operation = f"projects.roles.{_ON_ROLES.get(self.verb, self.verb)}"
        elif path.startswith(_PREFIX):
            self.service = "compute"
            self._read_resource(path.removeprefix(_PREFIX).split("/"))

    def _read_resource(self, parts: list[str]) -> None:
        """Take apart ``projects/P[/<scope>[/<collection>[/<name>[/<method>]]]]``."""
        if len(parts) < 2 or parts[0] != "projects":  # noqa: PLR2004 - a word and a name
            return
        self.project, rest = parts[1], parts[2:]
        if not rest:
            self.operation = f"projects.{_VERBS.get(self.verb, self.verb)}"
        elif rest[0] == "aggregated" and len(rest) > 1:
            self.scope, self.collection = "aggregated", rest[1]
            listed = "globalOperations" if rest[1] == "operations" else rest[1]
            self.operation = f"{listed}.aggregatedList"
        elif rest[0] == "global":
            self._read_collection("global", rest[1:])
        elif rest[0] in ("zones", "regions"):
            if len(rest) <= 2:  # noqa: PLR2004 - the zone itself, or all of them
                self._read_collection("", rest)
            else:
                self._read_collection(f"{rest[0]}/{rest[1]}", rest[2:])
        else:
            self.operation = f"projects.{rest[0]}"

    def _read_collection(self, scope: str, parts: list[str]) -> None:
        if not parts:
            return
        self.scope, self.collection = scope, parts[0]
        api_name = _SCOPED.get((scope.partition("/")[0], parts[0]), parts[0])
        if len(parts) == 1:
            method = "list" if self.verb == "GET" else "insert"
        else:
            self.name = parts[1]
            method = parts[2] if len(parts) > 2 else _VERBS.get(self.verb, self.verb)  # noqa: PLR2004 - a name and its method
        self.operation = f"{api_name}.{method}"

    @property
    def path(self) -> str:
        """The path of the resource that the URL names."""
        if self.service != "compute":
            return f"projects/{self.project}" + (f"/{self.collection}" if self.collection else "")
        scope = f"{self.scope}/" if self.scope else ""
        return f"projects/{self.project}/{scope}{self.collection}/{self.name}"

    @property
    def resource(self) -> str:
        """The name by which conditions know the resource that is asked for, or will be made."""
        if self.verb == "POST" and self.collection and not self.name:
            try:
                return f"{self.path}{self.body().get('name', '')}"
            except GoogleError:
                return self.path
        return self.path

    @property
    def zone(self) -> str:
        """The zone or region that the URL names."""
        return self.scope.split("/")[-1]

    def body(self) -> dict[str, Any]:
        """Answer the JSON body; an empty one is ``{}``. Raises `GoogleError` for no JSON."""
        try:
            content = json.loads(self._raw or b"{}")
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise GoogleError(400, "parseError", "Parse Error")
        return content

    def taken(self, *fields: str) -> dict[str, Any]:
        """Answer the body, whose only fields may be ``fields``. Raises `GoogleError`."""
        content = self.body()
        for key in content:
            if key not in fields:
                message = f'Invalid JSON payload received. Unknown name "{key}": Cannot find field.'
                raise GoogleError(400, "badRequest", message)
        return content

    def flag(self, name: str) -> bool | None:
        """Answer a boolean parameter. Raises `GoogleError` for another value."""
        value = self.query.get(name)
        if value is None:
            return None
        if value.lower() not in ("true", "false"):
            raise invalid(name, value, "It must be true or false.")
        return value.lower() == "true"

    def required(self, name: str) -> str:
        """Answer a parameter. Raises `GoogleError` in its absence."""
        value = self.query.get(name)
        if not value:
            message = f"Required field '{name}' not specified"
            raise GoogleError(400, "required", message, location=(name, "parameter"))
        return value

    def form(self) -> dict[str, str]:
        """Answer a form-encoded body."""
        return self.http.form.to_dict()
