"""The documents: within the clouds' limits, always the same, and no wider than the declarations."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from bridge.catalog import Catalog
from bridge.catalog.grants import About, as_text, chosen, documents, understood
from bridge.catalog.grants import iam as policies
from bridge.catalog.grants.cluster import impersonation, manifests, parts
from bridge.catalog.grants.document import explained
from bridge.catalog.needs import Need, Place, Who, merged, needs_of
from bridge.dialects.fis import parse_template
from bridge.model.moment import Micros
from bridge.model.scope import Scope
from bridge.settings import Settings
from iam.acting import Acting
from iam.policy import Request, evaluate, read_policy

SCOPE = Scope(cloud="aws", account="123456789012", region="eu-west-1")
ROLE = "arn:aws:iam::123456789012:role/path/experiments"
CLUSTER = "arn:aws:eks:eu-west-1:123456789012:cluster/shop"
ABOUT = About("Stop Workers!", ROLE, principal="arn:aws:iam::123456789012:role/bridge")
PREFIX = "arn:aws:ec2:eu-west-1:123456789012:"


def needs_for(
    action_id: str,
    parameters: dict[str, Any],
    *,
    key: str = "Instances",
    target: dict[str, Any] | None = None,
    acting: Acting | None = None,
) -> tuple[Need, ...]:
    document = {
        "clientToken": "x",
        "description": "d",
        "targets": {} if target is None else {"t": {"selectionMode": "ALL", **target}},
        "actions": {
            "a": {
                "actionId": action_id,
                "parameters": parameters,
                "targets": {} if target is None else {key: "t"},
            }
        },
        "stopConditions": [{"source": "none"}],
        "roleArn": ROLE,
    }
    parsed = parse_template(document, template_id="EXT1", scope=SCOPE, now=Micros(0))
    assert parsed.template is not None, parsed.problems
    catalog = Catalog(Settings())
    template, _ = catalog.examine(parsed.template)
    return needs_of(template, catalog, acting)


def by_right(needs: tuple[Need, ...], right: str) -> Need:
    (found,) = [one for one in needs if one.permission == right and one.who is Who.EXPERIMENT]
    return found


def test_named_instances_are_named_for_stopping_and_starting() -> None:
    arn = f"{PREFIX}instance/i-0123456789abcdef0"
    target = {"resourceType": "aws:ec2:instance", "resourceArns": [arn]}
    needs = needs_for("aws:ec2:stop-instances", {}, target=target)
    assert by_right(needs, "ec2:StopInstances").resources == (arn,)
    assert by_right(needs, "ec2:StartInstances").resources == (arn,)
    assert by_right(needs, "ec2:StopInstances").conditions == ()
    assert by_right(needs, "ec2:DescribeInstances").resources == ()


def test_tags_narrow_the_fault_but_not_its_undoing() -> None:
    target = {"resourceType": "aws:ec2:instance", "resourceTags": {"chaos": "ready", "a": "b"}}
    needs = needs_for("aws:ec2:stop-instances", {}, target=target)
    stop, start = (by_right(needs, f"ec2:{verb}Instances") for verb in ("Stop", "Start"))
    assert stop.resources == start.resources == (f"{PREFIX}instance/*",)
    assert stop.conditions == (
        ("StringEquals", "aws:ResourceTag/a", "b"),
        ("StringEquals", "aws:ResourceTag/chaos", "ready"),
    )
    assert start.conditions == ()
    look = by_right(needs, "ec2:DescribeInstances")
    assert (look.resources, look.conditions) == ((), ())


def test_a_tag_that_a_policy_would_read_as_a_variable_narrows_nothing() -> None:
    target = {"resourceType": "aws:ec2:instance", "resourceTags": {"owner": "${aws:username}"}}
    needs = needs_for("aws:ec2:stop-instances", {}, target=target)
    assert by_right(needs, "ec2:StopInstances").conditions == ()


def test_a_volume_and_its_instance_are_two_resources() -> None:
    target = {"resourceType": "aws:ec2:ebs-volume", "resourceTags": {"chaos": "ready"}}
    needs = needs_for("aws:ebs:detach-volume", {"duration": "PT1M"}, key="Volumes", target=target)
    detach = [one for one in needs if one.permission == "ec2:DetachVolume"]
    tagged = (("StringEquals", "aws:ResourceTag/chaos", "ready"),)
    assert {(one.resources, one.conditions) for one in detach} == {
        ((f"{PREFIX}volume/*",), tagged),
        ((f"{PREFIX}instance/*",), ()),
    }


def chaos(kind: str, spec: dict[str, Any], namespace: str = "chaos") -> tuple[Need, ...]:
    parameters = {
        "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
        "kubernetesKind": kind,
        "kubernetesNamespace": namespace,
        "kubernetesSpec": json.dumps(spec),
        "maxDuration": "PT5M",
    }
    target = {"resourceType": "aws:eks:cluster", "resourceArns": [CLUSTER]}
    found = needs_for(
        "aws:eks:inject-kubernetes-custom-resource", parameters, key="Cluster", target=target
    )
    return tuple(one for one in found if one.place.cloud == "kubernetes")


POD_KILL: dict[str, Any] = {"action": "pod-kill", "mode": "one"}


@pytest.mark.parametrize(
    ("selector", "reached"),
    [
        ({"namespaces": ["a", "b"]}, {"a", "b", "chaos"}),
        ({"pods": {"a": ["x"], "c": ["y"]}}, {"a", "c", "chaos"}),
        ({"labelSelectors": {"app": "x"}}, {"chaos"}),
        ({"namespaces": [""]}, {""}),
    ],
)
def test_the_kind_may_be_created_wherever_its_selectors_reach(
    selector: dict[str, Any], reached: set[str]
) -> None:
    needs = chaos("PodChaos", {**POD_KILL, "selector": selector})
    create = [one for one in needs if one.permission == "chaos-mesh.org/podchaos:create"]
    assert {one.place.namespace for one in create} == reached
    assert all(one.required for one in create)
    kinds = {one["kind"] for one in manifests(create, ABOUT)}
    assert ("ClusterRole" in kinds) is ("" in reached)


def test_only_a_workflow_lists_its_nodes() -> None:
    spec = {**POD_KILL, "selector": {"namespaces": ["a"]}}
    rights = {one.permission for one in chaos("PodChaos", spec)}
    assert "chaos-mesh.org/workflownodes:list" not in rights
    assert "litmuschaos.io/chaosresults:get" not in rights
    flow = {"entry": "e", "templates": [{"name": "e", "templateType": "Suspend", "deadline": "1m"}]}
    assert "chaos-mesh.org/workflownodes:list" in {
        one.permission for one in chaos("Workflow", flow)
    }


def test_a_policy_is_split_where_it_is_too_large_and_still_grants_all() -> None:
    arns = tuple(f"{PREFIX}instance/i-{number:017x}" for number in range(400))
    place = Place("aws", "123456789012", "eu-west-1")
    needs = merged(
        Need(Who.EXPERIMENT, place, right, resources=resources)
        for right, resources in (("ec2:StopInstances", arns), ("ec2:DescribeInstances", ()))
    )
    made = policies.policies(needs)
    assert len(made) > 1
    read = []
    for number, (body, _) in enumerate(made):
        assert policies.size(body) <= policies.LARGEST
        sids = [one["Sid"] for one in body["Statement"]]
        assert len(set(sids)) == len(sids)
        read.append(read_policy(body, name=str(number), any_service=True).policy)
    assert all(evaluate(read, Request("ec2:StopInstances", arn)).allowed for arn in arns)
    other = f"{PREFIX}instance/i-{400:017x}"
    assert not evaluate(read, Request("ec2:StopInstances", other)).allowed


def test_the_output_is_the_same_whatever_the_order_of_the_needs() -> None:
    spec = {**POD_KILL, "selector": {"namespaces": ["b", "a"]}}
    needs = chaos("PodChaos", spec)
    one = as_text(documents(needs, ABOUT), ())
    other = as_text(documents(merged(reversed(needs)), ABOUT), ())
    assert one == other


def test_the_strongest_need_holds_and_both_parts_are_named() -> None:
    place = Place("gcp", "p")
    weak = Need(Who.EXPERIMENT, place, "x.get", "optional", wanted_by=("actions.b",), notes=("l",))
    strong = Need(Who.EXPERIMENT, place, "x.get", wanted_by=("actions.a",))
    for order in ((weak, strong), (strong, weak)):
        (found,) = merged(order)
        assert found == replace(strong, wanted_by=("actions.a", "actions.b"))


def test_what_is_chosen_grows_with_the_options() -> None:
    target = {"resourceType": "aws:ec2:instance", "resourceTags": {"chaos": "ready"}}
    needs = needs_for("aws:ec2:stop-instances", {}, target=target)
    required = {one.need for one in chosen(needs, required_only=True)}
    assert required == {"required"}
    assert {one.need for one in chosen(needs)} == {"required", "indirect"}
    assert len(chosen(needs, include_optional=True)) == len(needs)


def test_trust_names_the_bridge_and_the_external_id() -> None:
    trust = policies.trust_policy(replace(ABOUT, acting=Acting(external_ids={ROLE: "agreed"})))
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"AWS": ABOUT.principal}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "agreed"}}


def test_aws_auth_names_the_role_without_its_path() -> None:
    spec = {**POD_KILL, "selector": {"namespaces": ["a"]}}
    (entry,) = [one for one in documents(chaos("PodChaos", spec), ABOUT) if one.kind == "aws-auth"]
    assert entry.body == [
        {
            "rolearn": "arn:aws:iam::123456789012:role/experiments",
            "username": "experiments",
            "groups": [],
        }
    ]
    assert ROLE in entry.commands[0]


def test_a_cluster_of_a_kubeconfig_wants_one_user_to_be_impersonated() -> None:
    place = Place("kubernetes", "k8s:context/lab", namespace="a")
    need = Need(Who.EXPERIMENT, place, "chaos-mesh.org/podchaos:create")
    roles, becoming = documents([need], ABOUT)
    assert roles.kind == "manifest"
    assert becoming.body == impersonation(ABOUT)
    (rule,) = becoming.body[0]["rules"]
    assert rule["resourceNames"] == ["experiments"]
    assert rule["verbs"] == ["impersonate"]


def test_azure_and_google_get_a_role_for_each_place() -> None:
    group = Place("azure", "s", "g")
    needs = [
        Need(Who.EXPERIMENT, group, "M/a/read"),
        Need(Who.EXPERIMENT, Place("azure", "s"), "M/locations/operations/read"),
        Need(Who.EXPERIMENT, Place("gcp", "p"), "compute.instances.stop"),
    ]
    acting = Acting(others={"gcp": "a@p", "azure": "client"})
    made = documents(needs, replace(ABOUT, acting=acting))
    scopes = {
        tuple(one.body["AssignableScopes"]): one.body["Actions"]
        for one in made
        if one.kind == "role-definition"
    }
    assert scopes == {
        ("/subscriptions/s",): ["M/locations/operations/read"],
        ("/subscriptions/s/resourceGroups/g",): ["M/a/read"],
    }
    (custom,) = [one for one in made if one.kind == "custom-role"]
    assert custom.body["includedPermissions"] == ["compute.instances.stop"]
    assert "serviceAccount:a@p" in custom.commands[1]


def test_text_manifests_can_be_applied_as_they_are() -> None:
    spec = {**POD_KILL, "selector": {"namespaces": ["a"]}}
    made = [one for one in documents(chaos("PodChaos", spec), ABOUT) if one.kind == "manifest"]
    assert list(yaml.safe_load_all(as_text(made, ()))) == made[0].body


def test_a_grant_is_read_back_as_it_was_written() -> None:
    for one in chaos("PodChaos", {**POD_KILL, "selector": {"namespaces": ["a"]}}):
        assert understood(json.loads(json.dumps(explained(one)))) == one
    assert parts("core/pods:list") == ("", "pods", "list")
