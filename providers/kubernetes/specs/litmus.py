"""ChaosEngine of Litmus 3.31: an application, and the experiments that are run on it.

Its CRD keeps unknown fields, and no webhook looks at it: what nobody reads is a warning here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import Int64, Integer, TextMap
from providers.kubernetes.specs.core_v1 import EnvVarSource
from providers.kubernetes.specs.litmus_fields import LitmusModel, OneOf
from providers.kubernetes.specs.litmus_probes import Probe
from providers.kubernetes.specs.problems import shown

DURATION: Final = "TOTAL_CHAOS_DURATION"
"""The variable of an experiment that says how long its chaos lasts, in seconds."""

_KINDS: Final = ("deployment", "statefulset", "daemonset", "deploymentconfig", "rollout", "job")
_SECONDS: Final = (DURATION, "CHAOS_INTERVAL", "RAMP_TIME")


class AppInfo(LitmusModel):
    """The application that is experimented on."""

    appns: str | None = Field(default=None, description="Its namespace.")
    applabel: str | None = Field(
        default=None,
        description='A label selector: "app=carts".',
        json_schema_extra={"example": "app=carts"},
    )
    appkind: Annotated[str, OneOf("", *_KINDS)] | None = Field(
        default=None, description="The kind of workload."
    )


class PodNames(LitmusModel):
    """Pods by name."""

    namespace: str = Field(description="Its namespace.")
    names: str = Field(description="Names, with commas between them.")


class Workload(LitmusModel):
    """A workload by name or by labels."""

    kind: Annotated[str, OneOf("", *_KINDS)] = Field(description="The kind of workload.")
    namespace: str = Field(description="Its namespace.")
    names: str | None = Field(default=None, description="Names, with commas between them.")
    labels: str | None = Field(default=None, description="A label selector.")

    def findings(self, path: str) -> Iterator[Problem]:
        """The CRD wants exactly one of the two."""
        yield from super().findings(path)
        if (self.names is None) == (self.labels is None):
            yield Problem(path, "must have names or labels, and not both; write one of them")


class Selectors(LitmusModel):
    """What is experimented on, more finely than by appinfo."""

    pods: list[PodNames] | None = Field(default=None, description="Pods by name.")
    workloads: list[Workload] | None = Field(
        default=None, description="Workloads by name or by labels."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The CRD wants exactly one of the two."""
        yield from super().findings(path)
        if (self.pods is None) == (self.workloads is None):
            yield Problem(path, "must have pods or workloads, and not both; write one of them")


class Variable(LitmusModel):
    """A variable of an experiment's environment."""

    name: str = Field(description="The variable.")
    value: str | None = Field(
        default=None,
        description="Its value, as text even where it is a number.",
        json_schema_extra={"example": "30"},
    )
    value_from: EnvVarSource | None = Field(
        default=None, description="Where else the value comes from."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Numbers that Litmus reads as 0 where they are none."""
        yield from super().findings(path)
        value = self.value
        if self.name not in _SECONDS or value is None or (value.isascii() and value.isdigit()):
            return
        consequence = "the chaos is over at once" if self.name == DURATION else "it counts as 0"
        message = f'{shown(value)} is not a number of seconds, so {consequence}; write it like "30"'
        yield Problem(child(path, "value"), message, Severity.WARNING)


class ExperimentComponents(LitmusModel):
    """What an experiment is given."""

    env: list[Variable] | None = Field(
        default=None, description=f"Variables, such as {DURATION} in seconds."
    )
    config_maps: list[dict[str, Any]] | None = Field(
        default=None, description="Config maps that are mounted."
    )
    secrets: list[dict[str, Any]] | None = Field(
        default=None, description="Secrets that are mounted."
    )
    experiment_annotations: TextMap | None = Field(
        default=None, description="Annotations of its pod."
    )
    experiment_image: str | None = Field(default=None, description="The image of its pod.")
    experiment_image_pull_secrets: list[dict[str, Any]] | None = Field(
        default=None, description="Secrets to pull the image with."
    )
    node_selector: TextMap | None = Field(
        default=None, description="Nodes that its pod may run on."
    )
    status_check_timeouts: dict[str, Any] | None = Field(
        default=None, description="How long it waits for the application to be healthy."
    )
    resources: dict[str, Any] | None = Field(
        default=None, description="What its pod asks for and may take."
    )
    tolerations: list[dict[str, Any]] | None = Field(
        default=None, description="Taints that its pod tolerates."
    )


class ExperimentSpec(LitmusModel):
    """How an experiment is run."""

    rank: Integer | None = Field(default=None, description="Its place in the order of experiments.")
    components: ExperimentComponents | None = Field(
        default=None, description="What it is given: env, config maps, secrets and others."
    )
    probe: list[Probe] | None = Field(default=None, description="What has to hold meanwhile.")


class Experiment(LitmusModel):
    """A ChaosExperiment of the engine's namespace."""

    name: str | None = Field(default=None, description="The name of the ChaosExperiment.")
    spec: ExperimentSpec | None = Field(default=None, description="How it is run.")

    def findings(self, path: str) -> Iterator[Problem]:
        """An experiment without a name is looked for in vain."""
        yield from super().findings(path)
        if not self.name:
            message = "is missing, so no ChaosExperiment is found; write the name of one"
            yield Problem(child(path, "name"), message, Severity.WARNING)


class ChaosEngineSpec(LitmusModel):
    """The `spec` of a ChaosEngine."""

    engine_state: Annotated[str, OneOf("active", "stop")] | None = Field(
        default=None, description="active runs it, stop aborts it."
    )
    chaos_service_account: str | None = Field(
        default=None, description="The service account of the runner and of the experiments."
    )
    appinfo: AppInfo | None = Field(
        default=None, description="The application that is experimented on."
    )
    selectors: Selectors | None = Field(
        default=None, description="Pods or workloads, in place of appinfo."
    )
    experiments: list[Experiment] | None = Field(default=None, description="What is run.")
    job_clean_up_policy: Annotated[str, OneOf("delete", "retain")] | None = Field(
        default=None, description="Whether the pods of an experiment go when it is over."
    )
    default_health_check: bool | None = Field(
        default=None, description="Whether the application must be healthy before and after."
    )
    termination_grace_period_seconds: Int64 | None = Field(
        default=None, description="How long pods of the chaos have to end."
    )
    auxiliary_app_info: str | None = Field(
        default=None, description="Other applications whose health is checked."
    )
    components: dict[str, Any] | None = Field(default=None, description="The runner's own pod.")

    def findings(self, path: str) -> Iterator[Problem]:
        """The CRD requires nothing; without these nothing runs."""
        yield from super().findings(path)
        missing = {
            "engineState": (self.engine_state, 'the operator does not start it; write "active"'),
            "chaosServiceAccount": (
                self.chaos_service_account,
                "the runner has no rights; write the name of a service account",
            ),
            "experiments": (self.experiments, 'nothing is run; write [{"name": "pod-delete"}]'),
        }
        for name, (value, consequence) in missing.items():
            if not value:
                yield Problem(child(path, name), f"is missing, so {consequence}", Severity.WARNING)
        if self.engine_state == "stop":
            message = '"stop" aborts, and nothing runs; write "active"'
            yield Problem(child(path, "engineState"), message, Severity.WARNING)
        if self.appinfo is not None and self.selectors is not None:
            message = "is ignored because selectors is given, leave one of them out"
            yield Problem(child(path, "appinfo"), message, Severity.WARNING)
