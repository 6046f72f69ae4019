"""What an HTTP request asks for: path and method read as the API server reads them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from bridge.sandbox.kubernetes import protobuf, selectors, status
from bridge.sandbox.kubernetes.identity import Attributes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

BODY_LIMIT = 3 * 1024 * 1024
"""Bytes; the API server's own limit (MaxRequestBodyBytes)."""

DEPTH_LIMIT = 100
"""Levels of nesting in a body; no real object comes near it."""

_WHOLE = 1e21
"""From here on Go writes whole numbers with an exponent."""

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True)
class RequestInfo:
    """The parts of a request for a resource, or just its path for any other."""

    verb: str
    path: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def attributes(self) -> Attributes:
        """What authorization judges."""
        if not self.is_resource:
            return Attributes(self.verb, non_resource_path=self.path)
        return Attributes(
            self.verb,
            self.group,
            self.version,
            self.resource,
            self.subresource,
            self.namespace,
            self.name,
        )


def read_info(method: str, path: str, query: Mapping[str, str]) -> RequestInfo:
    """Read a request's method, path and query.

    `/api/VERSION/…` and `/apis/GROUP/VERSION/…` with something behind the version are resource
    requests; discovery, health and all else are not.
    """
    parts = [part for part in path.split("/") if part]
    other = RequestInfo(method.lower(), path)
    if len(parts) >= 3 and parts[0] == "api":  # noqa: PLR2004 - api, version, resource
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":  # noqa: PLR2004 - apis, group, version, resource
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return other
    if rest[0] == "watch":
        raise status.not_implemented("the deprecated /watch/ paths; use ?watch=true")
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        # The namespace itself is a resource too, and so are its subresources.
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):  # noqa: PLR2004
            rest = rest[2:]
    resource, name, subresource, *deeper = (*rest, "", "", "")[: max(3, len(rest))]
    if any(deeper):
        subresource = "/".join([subresource, *deeper])
    if not name and method in ("GET", "HEAD", "DELETE"):
        name = selectors.name_in_fields(query.get("fieldSelector", ""))
        single = False
    else:
        single = bool(name)
    return RequestInfo(
        _verb(method, query, single=single),
        path,
        is_resource=True,
        group=group,
        version=version,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )


def _verb(method: str, query: Mapping[str, str], *, single: bool) -> str:
    if method in ("GET", "HEAD"):
        if query.get("watch", "").lower() in ("true", "1"):
            return "watch"
        return "get" if single else "list"
    if method == "DELETE":
        return "delete" if single else "deletecollection"
    return _VERBS.get(method, method.lower())


async def read_body(request: Request) -> bytes:
    """Read the whole body. Raises ApiError (413) beyond the limit, without reading on."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_LIMIT:
            raise status.too_large(BODY_LIMIT)
        parts.append(part)
    return b"".join(parts)


class _Pairs(dict[str, Any]):
    """A JSON object that remembers the names that it was given twice."""

    twice: tuple[str, ...] = ()


def _pairs(pairs: list[tuple[str, Any]]) -> _Pairs:
    read = _Pairs(pairs)
    if len(read) != len(pairs):
        read.twice = _doubles(name for name, _ in pairs)
    return read


def _doubles(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name, count in Counter(names).items() if count > 1)


class _Yaml(yaml.SafeLoader):
    """Remembers names given twice; what looks like a date is a text, as in JSON."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _yaml_object(loader: _Yaml, node: yaml.MappingNode) -> _Pairs:
    # Before a merge key is followed: what it brings may be overridden.
    names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    made: Any = loader.construct_mapping(node, deep=True)
    read = _Pairs(made)
    read.twice = _doubles(names)
    return read


_Yaml.add_constructor("tag:yaml.org,2002:map", _yaml_object)


def parse(body: bytes, content_type: str) -> tuple[Any, list[str]]:
    """Parse a body as JSON (or YAML or protobuf, where its type says so).

    Returns the value and the paths of fields given twice, of which the last counts.
    Raises ApiError (400) for what cannot be read or is nested too deeply, 415 for other types.
    """
    try:
        if content_type in ("application/yaml", "application/apply-patch+yaml"):
            value = _parse_yaml(body)
        elif content_type == protobuf.MEDIA_TYPE:
            value = _parse_protobuf(body)
        elif content_type.startswith("application/") and (
            content_type.endswith(("/json", "+json"))
        ):
            value = json.loads(body, object_pairs_hook=_pairs)
        else:
            raise status.unsupported_media_type(["application/json", "application/yaml"])
        twice: list[str] = []
        plain = _plain(value, "", twice, 0)
    except RecursionError as error:
        raise status.bad_request(f"the body is nested deeper than {DEPTH_LIMIT} levels") from error
    except ValueError as error:
        raise status.bad_request(f"the body is not valid JSON or YAML: {error}") from error
    return plain, twice


def _parse_protobuf(body: bytes) -> object:
    try:
        return protobuf.parse(body)
    except protobuf.UnreadableError as error:
        raise status.unsupported_media_type(
            ["application/json", "application/yaml"], f"{protobuf.MEDIA_TYPE}: {error}"
        ) from error


def _parse_yaml(body: bytes) -> object:
    try:
        return yaml.load(body, _Yaml)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _plain(value: object, path: str, twice: list[str], depth: int) -> Any:
    if depth > DEPTH_LIMIT:
        raise RecursionError
    if isinstance(value, dict):
        twice += [f"{path}.{name}".lstrip(".") for name in getattr(value, "twice", ())]
        return {
            str(name): _plain(item, f"{path}.{name}", twice, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [
            _plain(item, f"{path}[{index}]", twice, depth + 1) for index, item in enumerate(value)
        ]
    if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE:
        return int(value)  # 1.0 is written as 1
    return value
