"""RemoteCluster: another cluster in which Chaos Mesh is to act."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel


class SecretRef(ChaosModel):
    """A key of a Secret, in whatever namespace."""

    name: str = Field(description="The name of the Secret.")
    namespace: str = Field(description="The namespace of the Secret.")
    key: str = Field(
        description="The key with the kubeconfig.", json_schema_extra={"example": "kubeconfig"}
    )


class KubeConfig(ChaosModel):
    """How the other cluster is reached."""

    secret_ref: SecretRef = Field(description="The Secret, and the key in it.")


class RemoteClusterSpec(ChaosModel):
    """The `spec` of a RemoteCluster."""

    namespace: str = Field(
        description="The namespace there in which Chaos Mesh is installed.",
        json_schema_extra={"example": "chaos-mesh"},
    )
    version: str = Field(
        description="The version of Chaos Mesh that is installed there.",
        json_schema_extra={"example": "2.8.3"},
    )
    kube_config: KubeConfig = Field(description="The Secret that holds its kubeconfig.")
    config_override: dict[str, Any] | None = Field(
        default=None, description="Values of the Helm chart for the installation there."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Upstream has no webhook for it; what is empty fails when it connects."""
        secret = self.kube_config.secret_ref
        inside = child(child(path, "kubeConfig"), "secretRef")
        for where, value in (
            (child(path, "namespace"), self.namespace),
            (child(path, "version"), self.version),
            (child(inside, "name"), secret.name),
            (child(inside, "namespace"), secret.namespace),
            (child(inside, "key"), secret.key),
        ):
            if not value:
                message = "is empty, so the cluster is never reached; write its name"
                yield Problem(where, message, Severity.WARNING)
