"""A template that was stored is expected to run: what loads slowly is loaded before."""

from __future__ import annotations

from typing import Any

from bridge.engine import Providers
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate, TemplateAction
from bridge.settings import Settings


class _Warmed:
    """Stands for every provider, and notes which were told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def provider(self, name: str) -> Any:
        class One:
            def warm(_self) -> None:  # noqa: N805 - the outer one is `self`
                self.told.append(name)

        return One()


def _template(*action_ids: str, **parameters: Any) -> ExperimentTemplate:
    return ExperimentTemplate(
        id="EXT1",
        scope=Scope(cloud="aws", account="123456789012", region="us-east-1"),
        dialect="fis",
        description="a test",
        actions={
            f"a{number}": TemplateAction(action_id=action_id, parameters=parameters)
            for number, action_id in enumerate(action_ids)
        },
        identity="somebody",
    )


def test_each_provider_of_a_template_is_told() -> None:
    warmed = _Warmed()
    providers = Providers(Settings())
    providers.provider = warmed.provider  # type: ignore[method-assign] # a double
    providers.expect(
        _template(
            "aws:ec2:stop-instances",
            "aws:faultbridge:gcp/compute/stop-instances",
            "azure:compute:restart-vms",
        )
    )
    assert warmed.told == ["aws", "gcp", "azure"]


def test_a_cloud_kind_expects_the_cloud_that_carries_it_out() -> None:
    warmed = _Warmed()
    providers = Providers(Settings())
    providers.provider = warmed.provider  # type: ignore[method-assign] # a double
    spec = '{"action":"node-reset","project":"shop-1234","zone":"us-central1-a","instance":"web-1"}'
    providers.expect(
        _template(
            "aws:eks:inject-kubernetes-custom-resource",
            kubernetesApiVersion="chaos-mesh.org/v1alpha1",
            kubernetesKind="GCPChaos",
            kubernetesNamespace="default",
            kubernetesSpec=spec,
            maxDuration="PT5M",
        )
    )
    assert warmed.told == ["gcp"]
