"""Before a run it is said what its identities lack, what is not there, and what nobody can tell."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from bridge.api.app import create_app
from bridge.api.process import Process
from bridge.cli.app import app
from bridge.client import AsyncClient, StartRequest
from bridge.client.preflight import PreflightRequest
from bridge.model.event import EventType
from bridge.sandbox.world import World
from bridge.settings import Settings
from tests.preflight.conftest import THREE_CLOUDS, Ask

pytestmark = pytest.mark.asyncio(loop_scope="package")

Document = dict[str, Any]
Rights = Callable[..., None]
DRY = 412
_ROLE = ("rbac.authorization.k8s.io", "clusterroles", "", "chaosmesh-manager")


def only(document: Document, *actions: str) -> Document:
    """Return the document with some of its actions, and their targets."""
    kept = {name: document["actions"][name] for name in actions}
    named = {target for action in kept.values() for target in action["targets"].values()}
    targets = {name: document["targets"][name] for name in named}
    return {**document, "actions": kept, "targets": targets}


async def test_what_is_granted_and_there_is_said_to_be_so_and_nothing_is_changed(
    ask: Ask, document: Document, world: World
) -> None:
    world.aws.forget_calls()
    found = await ask(document)
    assert {one.need for one in found.missing().values()} == {"optional"}
    for right in (
        "ec2:StopInstances",
        "ec2:StartInstances",
        "ec2:DescribeInstances",
        "eks:DescribeCluster",
        "cloudwatch:DescribeAlarms",
        "sts:AssumeRole",
        "compute.instances.stop",
        "Microsoft.Compute/virtualMachines/powerOff/action",
        "chaos-mesh.org/networkchaos:create",
        "namespace default",
        "namespace sock-shop",
        "Chaos Mesh's controller (chaos-controller-manager)",
        "kind NetworkChaos of chaos-mesh.org/v1alpha1",
    ):
        assert found.verdicts(right) == ["ok"], right
    done = {call.operation for call in world.aws.calls if call.status != DRY}
    assert {name for name in done if not name.startswith("Describe")} <= {
        "AssumeRole",
        "GetCallerIdentity",
        "SimulatePrincipalPolicy",
    }


async def test_what_nobody_can_tell_is_said_to_be_so_with_the_right_that_would(
    ask: Ask, document: Document
) -> None:
    found = await ask(only(document, "StopInAws", "StopInGoogleCloud"))
    (kms,) = [one for one in found.found if one.what == "kms:CreateGrant"]
    assert kms.verdict.value == "cannot-check"
    assert "iam:SimulatePrincipalPolicy" in kms.reason
    # Google answers what is asked of it beforehand, also for what a run by tags does not call.
    assert found.verdicts("compute.instances.get") == ["ok"]


async def test_iam_simulates_where_the_role_may_ask(
    ask: Ask, document: Document, rights: Rights
) -> None:
    rights("Allow", "iam:SimulatePrincipalPolicy", "kms:CreateGrant")
    found = await ask(only(document, "StopInAws"))
    assert found.verdicts("kms:CreateGrant") == ["ok"]
    rights("Allow", "iam:SimulatePrincipalPolicy")
    found = await ask(only(document, "StopInAws"))
    lost = found.missing()["kms:CreateGrant"]
    assert lost.need == "indirect"
    assert "(implicitDeny)" in lost.reason


async def test_a_right_that_a_dry_run_misses_is_named_with_its_policy(
    ask: Ask, document: Document, rights: Rights
) -> None:
    rights("Deny", "ec2:StopInstances")
    found = await ask(only(document, "StopInAws"))
    lost = found.missing()
    assert set(lost) == {"ec2:StopInstances"}
    assert json.loads(lost["ec2:StopInstances"].mend)["Statement"][0]["Action"] == (
        "ec2:StopInstances"
    )
    assert found.verdicts("ec2:StartInstances") == ["ok"]


async def test_a_target_that_cannot_be_found_leaves_its_actions_unasked(
    ask: Ask, document: Document, rights: Rights
) -> None:
    rights("Deny", "ec2:DescribeInstances")
    found = await ask(only(document, "StopInAws"))
    assert set(found.missing()) == {"ec2:DescribeInstances"}
    (stop,) = [one for one in found.found if one.what == "ec2:StopInstances"]
    assert stop.verdict.value == "cannot-check"


async def test_a_role_that_the_bridge_may_not_assume(ask: Ask, document: Document) -> None:
    document["roleArn"] = "arn:aws:iam::123456789012:role/stranger"
    found = await ask(only(document, "StopInAws"))
    lost = found.missing()
    assert set(lost) == {"sts:AssumeRole"}
    assert lost["sts:AssumeRole"].who.value == "reader"


async def test_a_namespace_that_is_not_there(ask: Ask, document: Document, world: World) -> None:
    document = only(document, "SlowCarts")
    parameters = document["actions"]["SlowCarts"]["parameters"]
    parameters["kubernetesSpec"] = parameters["kubernetesSpec"].replace("sock-shop", "shoe-shop")
    found = await ask(document)
    assert "has no namespace shoe-shop" in found.missing()["namespace shoe-shop"].reason


async def test_rights_in_a_cluster_are_named_with_their_role_and_what_may_not_be_read_is_said(
    ask: Ask, document: Document, world: World
) -> None:
    store = world.cluster.emulator.store
    role = store.get(_ROLE)
    assert role is not None
    rules = copy.deepcopy(role["rules"])
    try:
        for rule in role["rules"]:
            kept = (
                {"create", "list"} if "chaos-mesh.org" in rule["apiGroups"] else set(rule["verbs"])
            )
            rule["verbs"] = [verb for verb in rule["verbs"] if verb not in kept]
        store.update(_ROLE, role)
        found = await ask(only(document, "SlowCarts"))
    finally:
        again = store.get(_ROLE)
        assert again is not None
        store.update(_ROLE, {**again, "rules": rules})
    lost = [one for one in found.found if one.what == "chaos-mesh.org/networkchaos:create"]
    assert {(one.place.namespace, one.verdict.value) for one in lost} == {
        ("default", "missing"),
        ("sock-shop", "missing"),
    }
    assert "kind: RoleBinding" in lost[0].mend
    assert found.verdicts("chaos-mesh.org/networkchaos:delete") == ["ok"]
    (controller,) = [one for one in found.found if "controller" in one.what]
    assert controller.verdict.value == "cannot-check"
    assert "core/pods:list" in controller.reason
    (namespace,) = [one for one in found.found if one.what == "namespace sock-shop"]
    assert namespace.verdict.value == "cannot-check"
    assert "core/namespaces:get" in namespace.reason


async def test_a_controller_that_does_not_run(
    ask: Ask, document: Document, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.kubernetes.installation.CONTROLLER", "other")
    found = await ask(only(document, "SlowCarts"))
    (controller,) = [one for one in found.found if "controller" in one.what]
    assert controller.verdict.value == "missing"
    assert "runs no chaos-controller-manager" in controller.reason


async def test_the_command_says_it_with_the_grant_and_in_its_exit(
    world: World, rights: Rights
) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["validate", str(THREE_CLOUDS), *arguments])

    done = await asyncio.to_thread(run, "--preflight")
    assert done.exit_code == 0, done.output
    assert ": preflight passed (" in done.output
    assert "cannot check (indirect): kms:CreateGrant, account 123456789012" in done.output
    rights("Deny", "ec2:StartInstances")
    done = await asyncio.to_thread(run, "--preflight")
    assert done.exit_code == 2
    assert "MISSING: ec2:StartInstances, account 123456789012, Region us-east-1" in done.output
    assert '"Action": "ec2:StartInstances"' in done.output
    told = json.loads((await asyncio.to_thread(run, "--preflight", "--json")).output)
    assert told["valid"]
    assert not told["preflight"]["passed"]
    # Without the option no cloud is asked, and nothing is known to be missing.
    assert (await asyncio.to_thread(run)).exit_code == 0


async def test_the_api_asks_about_stored_templates_and_runs_say_it_first(
    world: World, document: Document, rights: Rights, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path / "data")
    async with Process(settings, schedules=False) as process:
        transport = httpx.ASGITransport(app=create_app(process.bridge))
        async with AsyncClient("http://127.0.0.1", transport=transport) as client:
            wanted = only(document, "StopInAws", "SlowCarts")
            wanted["actions"]["StopInAws"]["parameters"] = {"startInstancesAfterDuration": "PT1S"}
            rights("Deny", "ec2:StopInstances")
            refused = await client.start(StartRequest(template=wanted))
            await process.settled(refused.id)
            asked = await client.preflight(PreflightRequest(template_id=refused.template_id))
            assert not asked.passed
            assert [one.what for one in asked.findings if one.stops] == ["ec2:StopInstances"]
            events = (await client.events(refused.id)).events
            kinds = [event.type for event in events]
            first = kinds.index(EventType.PREFLIGHT)
            assert not {"action-start", "record-phase"} & set(kinds)
            assert events[first].details["verdict"] == "missing"
            assert events[first].details["checks"][0]["what"] == "ec2:StopInstances"
            there = {
                check["what"]
                for event in events
                if event.type == "preflight" and event.details["verdict"] == "ok"
                for check in event.details["checks"]
            }
            assert {"ec2:StartInstances", "namespace sock-shop"} <= there
