"""What the experiment's identity may not do is said before the run, with the grant for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from bridge.sandbox.kubernetes.aws_auth import CONFIG_MAP
from providers.kubernetes.access import needed_rights, selected_namespaces
from providers.kubernetes.api import DeniedError
from providers.kubernetes.refusals import refusal
from providers.kubernetes.resource import CustomResource

Start = Callable[..., Any]
STRANGER = "arn:aws:iam::123456789012:role/teams/sre/stranger"


@pytest.fixture
def stranger(aws: Any, estate: Any) -> str:
    """A role that the bridge may assume and the cluster does not know."""
    import boto3  # noqa: PLC0415 - after the fixtures have silenced its import

    keys = aws.environment()
    client = boto3.client(
        "iam",
        endpoint_url=aws.url,
        region_name=aws.region,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    trust = client.get_role(RoleName="my-fis-role")["Role"]["AssumeRolePolicyDocument"]
    if not any(r["RoleName"] == "stranger" for r in client.list_roles()["Roles"]):
        import json  # noqa: PLC0415 - only here

        client.create_role(
            RoleName="stranger", Path="/teams/sre/", AssumeRolePolicyDocument=json.dumps(trust)
        )
    client.close()
    return STRANGER


@pytest.mark.parametrize("verb", ["create", "get", "delete"])
async def test_a_missing_right_is_named_and_its_grant_mends_it(
    cluster: Any, start: Start, verb: str
) -> None:
    cluster.revoke(verb)
    run = await start()
    denials = await run.review()
    assert denials
    assert denials[0].reason == (
        "Not authorized to perform the required action. "
        "arn:aws:iam::123456789012:role/my-fis-role (in the cluster: user chaosmesh-manager) "
        f"may not {verb} networkchaos.chaos-mesh.org in namespace default of cluster sandbox."
    )
    cluster.api.install(*yaml.safe_load_all(denials[0].mend))
    assert await run.review() == []
    await run.start()
    await run.until_gone()


async def test_the_namespaces_of_the_selector_are_asked_for_too(cluster: Any, start: Start) -> None:
    cluster.revoke("create")
    denials = await (await start()).review()
    assert [denial.reason.partition("in namespace ")[2].split()[0] for denial in denials] == [
        "default",
        "sock-shop",
    ]
    places = {document["metadata"]["namespace"] for document in yaml.safe_load_all(denials[0].mend)}
    assert places == {"default", "sock-shop"}


async def test_a_role_that_the_cluster_does_not_know(
    cluster: Any, start: Start, stranger: str
) -> None:
    run = await start(identity=stranger)
    (denial,) = await run.review()
    assert f"Cluster sandbox does not know {stranger} (HTTP 401)" in denial.reason
    assert f"--principal-arn {stranger}" in denial.mend
    entries = yaml.safe_load(denial.mend)
    assert entries == [
        {
            "rolearn": "arn:aws:iam::123456789012:role/stranger",  # aws-auth knows no paths
            "username": "stranger",
            "groups": ["faultbridge"],
        }
    ]
    refused = await run.prepare()
    assert refused.kind == "rejected"
    assert "mapRoles" in refused.reason

    config = cluster.store.get(CONFIG_MAP)
    config["data"]["mapRoles"] += denial.mend
    cluster.store.update(CONFIG_MAP, config)
    # Known now, but nobody yet: the next review names the rights and grants them.
    denials = await run.review()
    assert "user stranger" in denials[0].reason
    cluster.api.install(*yaml.safe_load_all(denials[0].mend))
    assert await run.review() == []


async def test_chaos_mesh_is_not_installed(cluster: Any, start: Start) -> None:
    run = await start(kubernetesApiVersion="chaos-mesh.org/v1beta1")
    wanted = (
        "Unable to get custom resource: Unexpected status. Chaos Mesh (chaos-mesh.org/v1beta1) is "
        "not installed in cluster sandbox; install it, or choose another cluster."
    )
    assert (await run.prepare()).reason == wanted
    assert [denial.reason for denial in await run.review()] == [wanted]


async def test_a_kind_that_the_group_does_not_have(cluster: Any, start: Start) -> None:
    refused = await (await start(kubernetesKind="NetworkChaoz")).prepare()
    assert refused.kind == "rejected"
    assert "serves no namespaced kind NetworkChaoz" in refused.reason
    assert "NetworkChaos" in refused.reason


async def test_a_namespace_that_does_not_exist(cluster: Any, start: Start) -> None:
    run = await start(kubernetesNamespace="nowhere")
    (denial,) = await run.review()
    assert 'namespaces "nowhere" not found' in denial.reason
    await run.prepare()
    refused = await run.inject()
    assert refused.kind == "rejected"
    assert "status code 404" in refused.reason


async def test_refused_in_the_middle_of_a_run(cluster: Any, start: Start) -> None:
    run = await start()
    await run.prepare()
    cluster.revoke("create")
    refused = await run.inject()
    assert refused.kind == "rejected"
    assert refused.reason.startswith(
        "Unable to inject custom resource: Not authorized to perform the required action."
    )


async def test_a_refused_removal_is_told_and_can_be_mended(cluster: Any, start: Start) -> None:
    run = await start()
    await run.start()
    await run.until(*_PRESENT)
    role = cluster.store.get(_ROLE)
    cluster.revoke("delete")
    refused = await run.revert()
    assert refused.kind == "rejected"
    assert refused.reason.startswith("Unable to delete custom resource: Not authorized")
    role["metadata"].pop("resourceVersion", None)
    cluster.store.update(_ROLE, role)
    await run.until_gone()


_ROLE = ("rbac.authorization.k8s.io", "clusterroles", "", "chaosmesh-manager")
_PRESENT = ("present",)


def _resource(kind: str) -> CustomResource:
    return CustomResource(
        cluster="c",
        group="chaos-mesh.org",
        version="v1alpha1",
        kind=kind,
        plural="schedules" if kind == "Schedule" else kind.lower(),
        namespace="own",
        name="n",
        installation="i",
        experiment="e",
        action="a",
    )


@pytest.mark.parametrize(
    ("spec", "namespaces"),
    [
        ({"selector": {"namespaces": ["b", "a"]}}, ["a", "b"]),
        ({"selector": {}}, ["own"]),
        ({"selector": {"pods": {"p": ["x"]}, "namespaces": ["ignored"]}}, ["p"]),
        ({"selector": {"namespaces": ["a"]}, "target": {"selector": {}}}, ["a", "own"]),
        ({"networkChaos": {"selector": {"namespaces": ["deep"]}}}, ["deep"]),
        ({"templates": [{"podChaos": {"selector": {"namespaces": ["w"]}}}]}, ["w"]),
    ],
)
def test_namespaces_that_a_spec_touches(spec: dict[str, Any], namespaces: list[str]) -> None:
    assert selected_namespaces(spec, "own") == namespaces


def test_the_webhook_asks_for_the_kind_in_lower_case() -> None:
    spec = {"networkChaos": {"selector": {"namespaces": ["b"]}}}
    asked = {str(right) for right in needed_rights(_resource("Schedule"), spec)}
    assert "create schedule.chaos-mesh.org in namespace b" in asked
    assert "create schedules.chaos-mesh.org in namespace own" in asked


def test_kinds_that_the_webhook_lets_through() -> None:
    spec = {"selector": {"namespaces": ["b"]}}
    assert all(right.namespace == "own" for right in needed_rights(_resource("AWSChaos"), spec))


@pytest.mark.parametrize(
    ("message", "is_denial"),
    [
        ('x is forbidden: User "u" cannot create resource "x"', True),
        ('admission webhook "vauth.kb.io" denied the request: u is forbidden on namespace a', True),
        ('admission webhook "vnetworkchaos.kb.io" denied the request: Spec.Duration: bad', False),
        ("x is forbidden: exceeded quota: q, requested: count/x=1", False),
        ("x is forbidden: unable to create in namespace a because it is being terminated", False),
    ],
)
async def test_only_a_lack_of_rights_is_called_one(
    start: Start, message: str, is_denial: bool
) -> None:
    run = await start()
    reached = await run.session.cluster(run.record.state["cluster"])
    reason = refusal(reached, "inject", DeniedError(403, "Forbidden", message))
    assert reason.endswith(message)
    assert ("Not authorized to perform the required action." in reason) == is_denial
    assert ("Kubernetes API returned status code 403." in reason) != is_denial
