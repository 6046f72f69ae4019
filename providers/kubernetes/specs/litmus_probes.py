"""The probes of a Litmus experiment: what has to hold before, while and after it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.litmus_fields import LitmusModel, OneOf

_INPUTS: Final = {
    "k8sProbe": "k8s_probe_inputs",
    "httpProbe": "http_probe_inputs",
    "cmdProbe": "cmd_probe_inputs",
    "promProbe": "prom_probe_inputs",
}
_MODES: Final = ("SOT", "EOT", "Edge", "Continuous", "OnChaos")


class Comparator(LitmusModel):
    """What an answer is compared with."""

    type: Annotated[str, OneOf("int", "float", "string")] | None = None
    criteria: str | None = None
    value: str | None = None


class K8sInputs(LitmusModel):
    """Objects of the cluster that are there or not."""

    group: str | None = None
    version: str | None = None
    resource: str | None = None
    namespace: str | None = None
    resource_names: str | None = None
    field_selector: str | None = None
    label_selector: str | None = None
    operation: Annotated[str, OneOf("present", "absent", "create", "delete")] | None = None


class CmdInputs(LitmusModel):
    """A command and what it prints."""

    command: str | None = None
    comparator: Comparator | None = None
    source: dict[str, Any] | None = Field(
        default=None, description="The pod it runs in; without it, that of the experiment."
    )


class HttpMethod(LitmusModel):
    """The request of an HTTP probe: get or post."""

    get: dict[str, Any] | None = None
    post: dict[str, Any] | None = None


class HttpInputs(LitmusModel):
    """A request and its answer."""

    url: str | None = None
    insecure_skip_verify: bool | None = None
    method: HttpMethod | None = None


class PromInputs(LitmusModel):
    """A query of Prometheus and its result."""

    endpoint: str | None = None
    query: str | None = None
    query_path: str | None = None
    comparator: Comparator | None = None


class Probe(LitmusModel):
    """One probe: its type, its inputs, and how often it is asked."""

    name: str | None = None
    type: Annotated[str, OneOf(*_INPUTS)] | None = None
    k8s_probe_inputs: K8sInputs | None = Field(default=None, alias="k8sProbe/inputs")
    http_probe_inputs: HttpInputs | None = Field(default=None, alias="httpProbe/inputs")
    cmd_probe_inputs: CmdInputs | None = Field(default=None, alias="cmdProbe/inputs")
    prom_probe_inputs: PromInputs | None = Field(default=None, alias="promProbe/inputs")
    mode: Annotated[str, OneOf(*_MODES)] | None = Field(
        default=None, description="When it is asked: SOT before, EOT after, Continuous all along."
    )
    run_properties: dict[str, Any] = Field(
        description="probeTimeout, interval, attempt, retry, stopOnFailure …"
    )
    data: str | None = None

    def findings(self, path: str) -> Iterator[Problem]:
        """Inputs that are missing, or belong to another type."""
        yield from super().findings(path)
        if self.type is None:
            message = f"is missing, so nothing is asked; write one of {', '.join(_INPUTS)}"
            yield Problem(child(path, "type"), message, Severity.WARNING)
            return
        for kind, name in _INPUTS.items():
            where = child(path, f"{kind}/inputs")
            given = getattr(self, name) is not None
            if given and kind != self.type:
                message = f'is ignored with type "{self.type}", leave it out'
                yield Problem(where, message, Severity.WARNING)
            elif not given and kind == self.type:
                message = f'is missing with type "{self.type}", so the probe fails; write it'
                yield Problem(where, message, Severity.WARNING)
