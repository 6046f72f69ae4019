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

    type: Annotated[str, OneOf("int", "float", "string")] | None = Field(
        default=None, description="What is compared: int, float or string."
    )
    criteria: str | None = Field(default=None, description="How: ==, >=, contains and others.")
    value: str | None = Field(default=None, description="With what.")


class K8sInputs(LitmusModel):
    """Objects of the cluster that are there or not."""

    group: str | None = Field(default=None, description="The API group.")
    version: str | None = Field(default=None, description="The API version.")
    resource: str | None = Field(default=None, description="The resource, in the plural.")
    namespace: str | None = Field(default=None, description="The namespace.")
    resource_names: str | None = Field(default=None, description="Names, with commas between them.")
    field_selector: str | None = Field(default=None, description="A field selector.")
    label_selector: str | None = Field(default=None, description="A label selector.")
    operation: Annotated[str, OneOf("present", "absent", "create", "delete")] | None = Field(
        default=None, description="What has to hold, or is done."
    )


class CmdInputs(LitmusModel):
    """A command and what it prints."""

    command: str | None = Field(default=None, description="The command.")
    comparator: Comparator | None = Field(default=None, description="Which answer is a success.")
    source: dict[str, Any] | None = Field(
        default=None, description="The pod it runs in; without it, that of the experiment."
    )


class HttpMethod(LitmusModel):
    """The request of an HTTP probe: get or post."""

    get: dict[str, Any] | None = Field(
        default=None, description="A GET, with criteria and responseCode."
    )
    post: dict[str, Any] | None = Field(
        default=None, description="A POST, with its body, criteria and responseCode."
    )


class HttpInputs(LitmusModel):
    """A request and its answer."""

    url: str | None = Field(default=None, description="The URL.")
    insecure_skip_verify: bool | None = Field(
        default=None, description="Whether any certificate is taken."
    )
    method: HttpMethod | None = Field(
        default=None, description="The request, and which answer is a success."
    )


class PromInputs(LitmusModel):
    """A query of Prometheus and its result."""

    endpoint: str | None = Field(default=None, description="The URL of Prometheus.")
    query: str | None = Field(default=None, description="The query.")
    query_path: str | None = Field(default=None, description="A file with the query.")
    comparator: Comparator | None = Field(default=None, description="Which answer is a success.")


class Probe(LitmusModel):
    """One probe: its type, its inputs, and how often it is asked."""

    name: str | None = Field(default=None, description="Its name.")
    type: Annotated[str, OneOf(*_INPUTS)] | None = Field(
        default=None, description="What is asked; its inputs are in the field of the same name."
    )
    k8s_probe_inputs: K8sInputs | None = Field(
        default=None, alias="k8sProbe/inputs", description="With k8sProbe: objects of the cluster."
    )
    http_probe_inputs: HttpInputs | None = Field(
        default=None, alias="httpProbe/inputs", description="With httpProbe: a request."
    )
    cmd_probe_inputs: CmdInputs | None = Field(
        default=None, alias="cmdProbe/inputs", description="With cmdProbe: a command."
    )
    prom_probe_inputs: PromInputs | None = Field(
        default=None, alias="promProbe/inputs", description="With promProbe: a query."
    )
    mode: Annotated[str, OneOf(*_MODES)] | None = Field(
        default=None, description="When it is asked: SOT before, EOT after, Continuous all along."
    )
    run_properties: dict[str, Any] = Field(
        description="probeTimeout, interval, attempt, retry, stopOnFailure and others."
    )
    data: str | None = Field(default=None, description="The manifest that a k8sProbe creates.")

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
