"""What an action that creates a custom resource is given: FIS's parameters, and two of ours."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bridge.model.problem import Problem
from providers.contract import Duration, FaultParameters
from providers.kubernetes import specs
from providers.kubernetes.lifecycle import end_is_known
from providers.kubernetes.spec_text import read_spec
from providers.kubernetes.status_path import status_problems


class CustomResourceParameters(FaultParameters):
    """The resource to create, in FIS's words."""

    kubernetes_api_version: str = Field(
        pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9]+((alpha|beta)[0-9]+)?$",
        max_length=253,
        description="Group and version, such as chaos-mesh.org/v1alpha1.",
    )
    kubernetes_kind: str = Field(
        pattern=r"^[A-Z][A-Za-z0-9]{0,62}$",
        description="Kind of the resource, such as NetworkChaos.",
    )
    kubernetes_namespace: str = Field(
        pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="Namespace in which it is created.",
    )
    kubernetes_spec: str | dict[str, Any] = Field(
        description="Its spec: JSON or YAML text, or an object.",
    )
    kubernetes_status: str | dict[str, Any] | None = Field(
        default=None,
        description=(
            "Where the state of a kind that is not known stands: path, and the values that "
            "mean inEffect, ended and failed. JSON or YAML text, or an object."
        ),
    )
    max_duration: Duration = Field(
        description="The action fails when the chaos has not ended by then.",
    )
    carried_out_by: Literal["faultbridge", "cluster"] | None = Field(
        default=None,
        description=(
            "Who breaks the cloud's machines for an AWSChaos, GCPChaos or AzureChaos: "
            "faultbridge, as the experiment's own identity (the default of these kinds; no "
            "target Cluster is needed), or cluster, where the resource is created (all others)."
        ),
    )

    @property
    def group(self) -> str:
        """API group; empty for the core group."""
        return self.kubernetes_api_version.rpartition("/")[0]

    @property
    def spec(self) -> dict[str, Any]:
        """The spec as an object. Raises SpecTextError."""
        return read_spec(self.kubernetes_spec)

    @property
    def native(self) -> bool:
        """Whether the bridge itself carries the kind out, and no cluster is touched."""
        return specs.is_native(
            self.kubernetes_api_version, self.kubernetes_kind, self.carried_out_by
        )


def status_parameter_problems(parameters: CustomResourceParameters, path: str) -> list[Problem]:
    """Return what is wrong with ``kubernetesStatus``, which only unknown kinds need."""
    kind = parameters.kubernetes_kind
    if parameters.native or end_is_known(parameters.group, kind):
        message = f"how the state of a {kind} is read is known; leave it out"
        return [Problem(path=path, message=message)]
    return status_problems(parameters.kubernetes_status or "", path)
