"""An action that names a template becomes the one that is carried out; problems stay with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.catalog import Catalog
from bridge.catalog.action_templates import read_action_template
from bridge.model.action_template import ActionTemplateVersion, Reference
from bridge.model.problem import Severity
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate, TemplateAction, TemplateTarget
from bridge.settings import Settings
from providers.kubernetes.resource import FAULT
from tests.action_templates.documents import document

CATALOG = Catalog(Settings(installation="test"))
SCOPE = Scope(cloud="aws", account="123456789012", region="us-east-1")
CLUSTER = "arn:aws:eks:us-east-1:123456789012:cluster/shop"


def using(
    action_id: str, parameters: dict[str, Any], *, cluster: bool = True
) -> ExperimentTemplate:
    target = TemplateTarget(resource_type="aws:eks:cluster", resource_arns=(CLUSTER,))
    return ExperimentTemplate(
        id="EXT1",
        scope=SCOPE,
        dialect="fis",
        description="test",
        targets={"shop": target} if cluster else {},
        actions={
            "slow": TemplateAction(
                action_id=action_id,
                parameters=parameters,
                targets={"Cluster": "shop"} if cluster else {},
                start_after=(),
            )
        },
        identity="arn:aws:iam::123456789012:role/my-fis-role",
    )


def own(version: int = 3, **changes: Any) -> dict[str, ActionTemplateVersion]:
    template = read_action_template(document(**changes))
    return {"slow": ActionTemplateVersion(template=template, version=version)}


def errors(
    template: ExperimentTemplate, stored: dict[str, ActionTemplateVersion] | None = None
) -> list[str]:
    _, found = CATALOG.examine(template, stored)
    return [str(one) for one in found if one.severity is Severity.ERROR]


def test_what_is_run_is_written_into_the_action() -> None:
    before = using(
        "k8s:action-template/slow-checkout", {"labels": "app=checkout", "latency": "250ms"}
    )
    after, found = CATALOG.examine(before, own())
    assert [str(one) for one in found if one.severity is Severity.ERROR] == []
    action = after.actions["slow"]
    assert action.action_id == FAULT
    assert action.action_template == "slow-checkout@3"
    assert action.targets == {"Cluster": "shop"}
    spec = json.loads(action.parameters.pop("kubernetesSpec"))
    assert spec == {
        "action": "delay",
        "mode": "fixed-percent",
        "value": "100",
        "duration": "5m",
        "selector": {"namespaces": ["shop"], "labelSelectors": {"app": "checkout"}},
        "delay": {"latency": "250ms"},
    }
    assert action.parameters == {
        "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
        "kubernetesKind": "NetworkChaos",
        "kubernetesNamespace": "shop",
        "maxDuration": "PT10M",
    }
    assert before.actions["slow"].action_id == "k8s:action-template/slow-checkout"


@pytest.mark.parametrize(
    "action_id",
    [
        "k8s:action-template/network-delay",
        "k8s:action-template/network-delay@1",
        "aws:faultbridge:template/network-delay",
        "aws:faultbridge:template/network-delay/1",
    ],
)
def test_a_built_in_one_is_found_by_each_of_its_names(action_id: str) -> None:
    template = using(action_id, {"namespace": "shop", "labels": "app=a"})
    after, _ = CATALOG.examine(template)
    assert errors(template) == []
    assert after.actions["slow"].action_template == "network-delay@1"


def test_a_users_own_comes_before_a_built_in_one() -> None:
    template = using("k8s:action-template/network-delay", {"labels": "app=a"})
    after, _ = CATALOG.examine(template, own(7, name="network-delay"))
    assert after.actions["slow"].action_template == "network-delay@7"


@pytest.mark.parametrize(
    ("action_id", "said"),
    [
        ("k8s:action-template/network-dely", 'did you mean "network-delay"?'),
        ("k8s:action-template/nothing-like-it", "`faultbridge action-templates list`"),
        ("k8s:action-template/network-delay@9", 'write "k8s:action-template/network-delay@1"'),
        ("k8s:action-template/network-delay@0", "write NAME or NAME@VERSION"),
        ("k8s:action-template/network-delay@01", "write NAME or NAME@VERSION"),
        ("k8s:action-template/network-delay/1", "write NAME or NAME@VERSION"),
        ("k8s:action-template/", "write NAME or NAME@VERSION"),
        ("aws:faultbridge:template/network-delay@1", "write NAME or NAME@VERSION"),
        ("aws:faultbridge:template/network-delay/1/2", "write NAME or NAME@VERSION"),
    ],
)
def test_one_that_does_not_exist(action_id: str, said: str) -> None:
    (found,) = errors(using(action_id, {"namespace": "shop", "labels": "app=a"}))
    assert found.startswith("actions.slow.actionId: ")
    assert said in found


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "actions.slow.parameters.labels: is required; add it (Labels of the pods.)"),
        (
            {"lables": "app=a"},
            "actions.slow.parameters.lables: is not a parameter of k8s:action-te",
        ),
        ({"labels": "app"}, 'actions.slow.parameters.labels: "app" is no label with its value'),
        ({"percentage": "0"}, "actions.slow.parameters.percentage: 0% is too small; write 1"),
        ({"maxDuration": "PT11M"}, 'actions.slow.parameters.maxDuration: "PT11M" is longer than'),
        ({"maxDuration": "10m"}, 'actions.slow.parameters.maxDuration: "10m" is not an ISO 8601'),
        ({"carriedOutBy": "me"}, "actions.slow.parameters.carriedOutBy: "),
        ({"kubernetesSpec": "{}"}, "actions.slow.parameters.kubernetesSpec: is not a parameter"),
    ],
    ids=str,
)
def test_a_parameter_that_does_not_fit(parameters: dict[str, Any], said: str) -> None:
    given = {"labels": "app=a", **parameters} if parameters.keys() - {"lables"} else parameters
    found = errors(using("k8s:action-template/slow-checkout", given), own())
    assert found[0].startswith(said)


def test_what_the_cluster_would_refuse_is_told_at_the_parameter_that_it_came_from() -> None:
    template = using("k8s:action-template/slow-checkout", {"labels": "app=a", "latency": "1s1ms"})
    (found,) = errors(template, own())
    assert found.startswith('actions.slow.parameters.latency: "1s1ms" is not one number with one')


def test_a_duration_beyond_a_lower_limit_is_told_at_the_duration() -> None:
    given = {"labels": "app=a", "duration": "4m", "maxDuration": "PT3M"}
    (found,) = errors(using("k8s:action-template/slow-checkout", given), own())
    assert found.startswith("actions.slow.parameters.duration: is not shorter than maxDuration")


def test_what_no_parameter_says_is_told_of_the_template() -> None:
    """Its limits were other when it was stored: nobody refused it then."""
    given = {"labels": "app=a", "maxDuration": "PT3M"}
    (found,) = errors(using("k8s:action-template/slow-checkout", given), own())
    assert found.startswith(
        "actions.slow.actionId: spec.duration of slow-checkout@3: is not shorter than maxDuration"
    )


def test_a_cluster_is_needed_as_of_any_action() -> None:
    template = using("k8s:action-template/slow-checkout", {"labels": "app=a"}, cluster=False)
    (found,) = errors(template, own())
    assert found.startswith("actions.slow.targets.Cluster: ")


def test_a_cloud_kind_needs_none() -> None:
    spec = {
        "action": "ec2-stop",
        "awsRegion": "{{ region }}",
        "selector": {"tags": "{{ tags }}"},
        "mode": "all",
        "duration": "5m",
    }
    parameters = {
        "tags": {"type": "labelSelector"},
        "region": {"type": "string", "default": "us-east-1"},
    }
    stored = own(kind="AWSChaos", spec=spec, parameters=parameters, namespace="default")
    name = "k8s:action-template/slow-checkout"
    assert errors(using(name, {"tags": "chaos=ready"}, cluster=False), stored) == []
    elsewhere = {"tags": "chaos=ready", "region": "eu-west-1"}
    (found,) = errors(using(name, elsewhere, cluster=False), stored)
    assert found.startswith("actions.slow.parameters.region: ")


def test_a_protected_namespace_is_refused() -> None:
    given = {"labels": "app=a", "namespace": "kube-system"}
    found = errors(using("k8s:action-template/slow-checkout", given), own())
    assert any("kube-system" in one for one in found)


def test_an_action_that_was_not_expanded_is_refused() -> None:
    """Whoever stores a template without expanding it stores none that nobody can run."""
    template = using("k8s:action-template/network-delay", {"namespace": "a", "labels": "app=a"})
    found = [one for one in CATALOG.validate(template) if one.severity is Severity.ERROR]
    assert [one.path for one in found] == ["actions.slow.actionId"]


def test_a_stored_template_is_judged_again_without_the_action_template() -> None:
    template = using("k8s:action-template/slow-checkout", {"labels": "app=a"})
    after, _ = CATALOG.examine(template, own())
    assert [one for one in CATALOG.validate(after) if one.severity is Severity.ERROR] == []
    strict = Catalog(Settings(installation="test", protected_namespaces=("shop",)))
    found = [one for one in strict.validate(after) if one.severity is Severity.ERROR]
    assert found
    assert all(one.path == "actions.slow.actionId" for one in found)
    assert all("of slow-checkout@3: " in one.message for one in found)


def test_fis_itself_would_refuse_it() -> None:
    _, found = CATALOG.examine(
        using("k8s:action-template/network-delay", {"namespace": "shop", "labels": "app=a"})
    )
    said = [str(one) for one in found if "AWS FIS would refuse" in one.message]
    (one,) = said
    assert one == (
        "actions.slow.actionId: the real AWS FIS would refuse "
        '"k8s:action-template/network-delay@1": it is an action template of ours'
    )


def test_that_is_all_that_is_said_of_it_to_fis() -> None:
    """What it was expanded to is longer than FIS takes, which is nobody's business."""
    spec = document()["spec"]
    spec["selector"]["annotationSelectors"] = {f"a{number}": "v" * 50 for number in range(40)}
    given = {"labels": "app=a"}
    _, found = CATALOG.examine(using("k8s:action-template/slow-checkout", given), own(spec=spec))
    said = [one.path for one in found if "AWS FIS would refuse" in one.message]
    assert said == ["actions.slow.actionId"]


@pytest.mark.parametrize("reference", [Reference("a", 1), Reference("a-b"), Reference("a", 999999)])
def test_a_reference_is_read_from_what_it_writes(reference: Reference) -> None:
    assert Reference.parse(str(reference)) == reference
    assert Reference.of_action(reference.action_id) == reference
    assert Reference.of_action(reference.alias) == reference


def test_the_id_of_another_action_is_no_reference() -> None:
    assert Reference.of_action("aws:ec2:stop-instances") is None
    assert Reference.of_action("aws:faultbridge:gcp/compute/stop-instances") is None
