"""StatusCheck: a request that is made again and again, and whose answers are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel, GoDuration, Integer, TextListMap
from providers.kubernetes.specs.durations import parse_go_duration
from providers.kubernetes.specs.problems import shown
from providers.kubernetes.specs.quantities import integer_of

_MOST_RECORDS: Final = 1_000
_CODES: Final = range(1, 1_000)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_AUTHORITY: Final = re.compile(
    r"//(?:[^@/\\\s]*@)?(\[[^\]\s]*\]|[^\s<>\"\[\]{}|\\^`/:%?#]*)(?::\d*)?(?:[/?].*)?", re.DOTALL
)
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def _is_request_uri(url: str) -> bool:
    """Whether Go's `url.ParseRequestURI` takes a text: an absolute URL, or an absolute path."""
    if _CONTROL.search(url):
        return False
    if url == "*":
        return True
    found = _SCHEME.fullmatch(url)
    scheme, rest = found.groups() if found else ("", url)
    rest, _, _ = rest.partition("?")
    if not rest.startswith("/"):
        return bool(scheme)
    if rest.startswith("//") and scheme:
        if not _AUTHORITY.fullmatch(rest):
            return False
        _, _, rest = rest[2:].partition("/")
    return not _BROKEN_ESCAPE.search(rest)


class HttpCriteria(ChaosModel):
    """Which answers are a success."""

    status_code: str = Field(
        description='One code, or a range: "200", "200-399".', json_schema_extra={"example": "200"}
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook's rule for a code; it does not mind a range that is empty."""
        where = child(path, "statusCode")
        example = 'write it like "200" or "200-399"'
        try:
            codes = [integer_of(self.status_code)]
        except ValueError:
            try:
                codes = [integer_of(end) for end in self.status_code.split("-", 1)]
            except ValueError:
                codes = []
        if not codes:
            what = "is empty" if not self.status_code else f"{shown(self.status_code)} is no code"
            yield Problem(where, f"{what}, {example}")
        elif not all(code in _CODES for code in codes):
            yield Problem(where, f"{shown(self.status_code)} is not between 1 and 999, {example}")
        elif codes[0] > codes[-1]:
            message = (
                f"{shown(self.status_code)} holds no code, so every check fails; write the smaller "
                f'first, "{codes[-1]}-{codes[0]}"'
            )
            yield Problem(where, message, Severity.WARNING)


class HttpCheck(ChaosModel):
    """The request that is made, from the controller in the cluster."""

    url: str = Field(
        description="Where it goes; the controller of Chaos Mesh must reach it.",
        json_schema_extra={"example": "http://front-end.sock-shop/health"},
    )
    method: Literal["GET", "POST"] | None = Field(
        default=None, description="The method.", json_schema_extra={"default": "GET"}
    )
    headers: TextListMap | None = Field(
        default=None, description='Each header with a list of values: {"Accept": ["text/html"]}.'
    )
    body: str | None = Field(default=None, description="What is sent.")
    criteria: HttpCriteria = Field(description="What counts as a success.")

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook takes every URL that can be parsed, whatever its scheme."""
        where = child(path, "url")
        example = 'write it like "http://front-end.sock-shop/health"'
        if not self.url:
            yield Problem(where, f"is empty, {example}")
        elif not _is_request_uri(self.url):
            yield Problem(where, f"{shown(self.url)} is not a URL, {example}")
        elif not self.url.lower().startswith(("http://", "https://")):
            message = f"{shown(self.url)} cannot be asked by HTTP, so every check fails; {example}"
            yield Problem(where, message, Severity.WARNING)


class StatusCheckSpec(ChaosModel):
    """The `spec` of a StatusCheck."""

    mode: Literal["Synchronous", "Continuous"] | None = Field(
        default=None,
        description="Synchronous ends with the first verdict, Continuous only with a failure or "
        "its duration.",
        json_schema_extra={"webhookDefault": "Synchronous"},
    )
    type: Literal["HTTP"] | None = Field(
        default=None,
        description="HTTP; it has to be written.",
        json_schema_extra={"default": "HTTP"},
    )
    http: HttpCheck | None = Field(default=None, description="The request, with type HTTP.")
    duration: GoDuration | None = Field(
        default=None, description="How long the whole check goes on."
    )
    timeout_seconds: Annotated[Integer, Field(ge=1)] | None = Field(
        default=None,
        description="How long one request may take.",
        json_schema_extra={"default": 1},
    )
    interval_seconds: Annotated[Integer, Field(ge=1)] | None = Field(
        default=None, description="How often it is made.", json_schema_extra={"default": 10}
    )
    failure_threshold: Annotated[Integer, Field(ge=1)] | None = Field(
        default=None,
        description="How many failures in a row are a failure.",
        json_schema_extra={"default": 3},
    )
    success_threshold: Annotated[Integer, Field(ge=1)] | None = Field(
        default=None,
        description="How many successes in a row are a success; with Synchronous only.",
        json_schema_extra={"default": 1},
    )
    records_history_limit: Annotated[Integer, Field(ge=1, le=_MOST_RECORDS)] | None = Field(
        default=None, description="How many answers are kept.", json_schema_extra={"default": 100}
    )

    @property
    def endless(self) -> bool:
        """Whether it only ends when it fails."""
        return self.mode == "Continuous" and not self.duration

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook wants type and request; the rest is for the reader."""
        if self.type is None:
            yield Problem(child(path, "type"), 'is required, write "HTTP"')
        elif self.http is None:
            message = 'is required with type "HTTP", write an object with url, criteria'
            yield Problem(child(path, "http"), message)
        if self.duration and parse_go_duration(self.duration) <= timedelta():
            message = f'"{self.duration}" is over before it begins, write it like "30s"'
            yield Problem(child(path, "duration"), message, Severity.WARNING)
        if self.mode == "Continuous" and self.success_threshold is not None:
            message = 'is ignored with mode "Continuous", leave it out'
            yield Problem(child(path, "successThreshold"), message, Severity.WARNING)
