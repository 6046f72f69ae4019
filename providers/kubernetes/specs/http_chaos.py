"""HTTPChaos: requests and responses of one port that are aborted, delayed, replaced or patched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.specs.base import Base64Text, ChaosModel, ChaosSpec, Int32, TextMap
from providers.kubernetes.specs.durations import parse_go_duration
from providers.kubernetes.specs.findings import LAST_PORT, field_path, is_set, warning
from providers.kubernetes.specs.problems import meant, shown
from providers.kubernetes.specs.selector import PodSelection

Target = Literal["Request", "Response"]

_METHODS: Final = (
    "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT",
)  # fmt: skip
_ACTIONS: Final = ("abort", "delay", "replace", "patch")
_PAIR: Final = 2
# What only one of the two targets has.
_OF_REQUESTS: Final = ("path", "method", "queries")
_OF_RESPONSES: Final = ("code",)
_CODES: Final = range(100, 600)


def _delay_text(text: str) -> str:
    # Unlike a duration, an empty delay is refused.
    parse_go_duration(text)
    return text


HttpDelay = Annotated[
    str, AfterValidator(_delay_text), Field(json_schema_extra={"example": "100ms"})
]
Pairs = list[list[str]]


def _of_the_other(model: ChaosModel, target: Target, path: str) -> Iterator[Problem]:
    """Yield a warning for each field that only the other target has."""
    other, names = ("Response", _OF_RESPONSES) if target == "Request" else ("Request", _OF_REQUESTS)
    for name in names:
        if is_set(getattr(model, name, None)):
            message = f'is part of a {other.lower()} and ignored with target "{target}", '
            yield warning(
                field_path(model, name, path), f'{message}leave it out or write "{other}"'
            )


def _odd_pairs(pairs: Pairs | None, path: str) -> Iterator[Problem]:
    for index, pair in enumerate(pairs or ()):
        if len(pair) != _PAIR:
            message = (
                f"has {len(pair)} texts where a name and a value are wanted, so the rule "
                'cannot be carried out; write it like ["name", "value"]'
            )
            yield warning(child(path, index), message)


def _odd_code(code: int | None, path: str) -> Iterator[Problem]:
    if code is not None and code not in _CODES:
        yield warning(child(path, "code"), f"{code} is no status of HTTP, write 100 to 599")


class Replacement(ChaosModel):
    """Parts of a message that are replaced."""

    path: str | None = Field(default=None, description="The path of a request.")
    method: str | None = Field(default=None, description="The method of a request.")
    code: Int32 | None = Field(default=None, description="The status of a response.")
    body: Base64Text | None = Field(
        default=None, description="The body of the message, encoded in base64."
    )
    queries: TextMap | None = Field(
        default=None, description="Parameters of the request's query, by name."
    )
    headers: TextMap | None = Field(default=None, description="Headers of the message, by name.")

    def findings(self, path: str) -> Iterator[Problem]:
        """A status that HTTP does not have."""
        yield from _odd_code(self.code, path)


class BodyPatch(ChaosModel):
    """A change to a body."""

    type: str = Field(
        description="JSON, for a JSON merge patch; there is no other.",
        json_schema_extra={"example": "JSON"},
    )
    value: str = Field(
        description="The merge patch, as text.", json_schema_extra={"example": '{"ok": false}'}
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The type and the text of a patch are read by the proxy in the pod only."""
        if self.type != "JSON":
            message = f'{shown(self.type)} is no type of patch, so none is made; write "JSON"'
            yield warning(child(path, "type"), message)
            return
        try:
            json.loads(self.value)
        except (ValueError, RecursionError):
            message = 'is not JSON, so no body is patched; write it like "{\\"ok\\": false}"'
            yield warning(child(path, "value"), message)


class MessagePatch(ChaosModel):
    """Parts of a message that are changed or added."""

    body: BodyPatch | None = Field(default=None, description="A change to a JSON body.")
    queries: Pairs | None = Field(
        default=None,
        description="Parameters added to the request's query, each a name and a value.",
        json_schema_extra={"example": [["name", "value"]]},
    )
    headers: Pairs | None = Field(
        default=None,
        description="Headers added to the message, each a name and a value.",
        json_schema_extra={"example": [["name", "value"]]},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Lists that are no pairs."""
        yield from _odd_pairs(self.queries, child(path, "queries"))
        yield from _odd_pairs(self.headers, child(path, "headers"))


class Tls(ChaosModel):
    """The certificate with which the proxy reads encrypted traffic."""

    secret_name: str = Field(description="The Secret that holds certificate and key.")
    secret_namespace: str = Field(description="The namespace of the Secret.")
    cert_name: str = Field(
        description="The entry of the Secret with the certificate.",
        json_schema_extra={"example": "tls.crt"},
    )
    key_name: str = Field(
        description="The entry of the Secret with the private key.",
        json_schema_extra={"example": "tls.key"},
    )
    ca_name: str | None = Field(
        default=None,
        alias="caName",
        description="The entry of the Secret with the certificate of the authority.",
        json_schema_extra={"example": "ca.crt"},
    )


class HTTPChaosSpec(ChaosSpec, PodSelection):
    """The `spec` of an HTTPChaos."""

    target: Target = Field(description="Whether requests or responses are touched.")
    port: Int32 | None = Field(
        default=None,
        description="The port on which the pods serve, 1 to 65535. Always required.",
        json_schema_extra={"example": 80},
    )
    path: str | None = Field(
        default=None,
        description="Only requests with this path; * stands for anything.",
        json_schema_extra={"example": "/api/*"},
    )
    method: str | None = Field(
        default=None,
        description="Only requests with this method.",
        json_schema_extra={"example": "GET", "choices": list(_METHODS)},
    )
    code: Int32 | None = Field(default=None, description="Only responses with this status.")
    request_headers: TextMap | None = Field(
        default=None,
        alias="request_headers",
        description="Only requests with these headers, by name.",
    )
    response_headers: TextMap | None = Field(
        default=None,
        alias="response_headers",
        description="Only responses with these headers, by name.",
    )
    abort: bool | None = Field(default=None, description="Whether the connection is cut off.")
    delay: HttpDelay | None = Field(default=None, description="How long a message is held back.")
    replace: Replacement | None = Field(
        default=None, description="Parts of the message that are replaced."
    )
    patch: MessagePatch | None = Field(
        default=None, description="Parts of the message that are changed or added."
    )
    tls: Tls | None = Field(
        default=None, description="The certificate to read encrypted traffic with."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook's rules for port and method; that nothing may happen at all."""
        yield from super().findings(path)
        yield from self._port(path)
        yield from self._method(path)
        yield from self._effects(path)
        yield from _odd_code(self.code, path)
        if self.target == "Request":
            for name in ("code", "response_headers"):
                if is_set(getattr(self, name)):
                    message = (
                        'chooses by the response, which is not there yet with target "Request"; '
                        'leave it out or write "Response"'
                    )
                    yield warning(child(path, name), message)

    def _port(self, path: str) -> Iterator[Problem]:
        where = child(path, "port")
        if self.port is None:
            yield Problem(where, "is required, write the port on which the pods serve, like 80")
        elif self.port <= 0:
            yield Problem(where, f"{self.port} is not a port, write 1 to {LAST_PORT}")
        elif self.port > LAST_PORT:
            message = f"{self.port} is not a port, so no traffic is seen; write 1 to {LAST_PORT}"
            yield warning(where, message)

    def _method(self, path: str) -> Iterator[Problem]:
        if self.method is None or self.method in _METHODS:
            return
        where = child(path, "method")
        hint = meant(self.method, _METHODS) or "leave it out for all of them"
        message = f"{shown(self.method)} is not one of {', '.join(_METHODS)}"
        if self.target == "Request":
            yield Problem(where, f"{message}; {hint}")
        else:
            yield warning(where, f"{message}, so it may match nothing; {hint}")

    def _effects(self, path: str) -> Iterator[Problem]:
        given = [name for name in _ACTIONS if getattr(self, name) not in (None, False)]
        if not given:
            message = (
                "says of no message what happens to it, so nothing does; write one of "
                'abort, delay, replace, patch, such as "delay": "100ms"'
            )
            yield warning(path, message)
        if self.delay is not None and parse_go_duration(self.delay) <= timedelta(0):
            message = f'"{self.delay}" delays nothing, write it like "100ms"'
            yield warning(child(path, "delay"), message)
        for name in ("replace", "patch"):
            part = getattr(self, name)
            if part is None:
                continue
            where = child(path, name)
            if not part.model_fields_set:
                fields = ", ".join(sorted(type(part).model_fields))
                yield warning(where, f"is empty, so nothing is changed; write one of {fields}")
            yield from _of_the_other(part, self.target, where)
